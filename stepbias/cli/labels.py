"""`stepbias rename`, `tag`, `note`, `share`: what an experiment is called, what is noted of it, and who reads it."""

from collections.abc import Iterable

import typer

from stepbias.cli.submit import connected


def rename(experiment_id: str, name: str, *, url: str) -> int:
    """Give an experiment another name."""
    with connected(url) as client:
        client.experiment(experiment_id).edit(name=name)
    return 0


def tag(experiment_id: str, tags: Iterable[str], *, remove: bool, url: str) -> int:
    """Add tags to those of an experiment, or take them away; print those that it has."""
    given = list(tags)
    with connected(url) as client:
        handle = client.experiment(experiment_id)
        edited = handle.edit(remove_tags=given) if remove else handle.edit(add_tags=given)
        for each in edited.tags:
            typer.echo(each)
    return 0


def note(experiment_id: str, text: str | None, *, url: str) -> int:
    """Note something of an experiment in place of what was noted; without a text, print that."""
    with connected(url) as client:
        handle = client.experiment(experiment_id)
        if text is not None:
            handle.edit(notes=text)
        elif handle.experiment.notes:
            typer.echo(handle.experiment.notes)
    return 0


def share(experiment_id: str, *, shared: bool, url: str) -> int:
    """Let others who have a key, and the id, read an experiment, or no longer; print the id."""
    with connected(url) as client:
        typer.echo(client.experiment(experiment_id).edit(shared=shared).id)
    return 0
