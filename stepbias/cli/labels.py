"""`stepbias rename`, `tag`, `note`, `share`: what an experiment is called, what is noted of it, and who reads it."""

from collections.abc import Iterable

from stepbias.cli.options import Service
from stepbias.cli.output import tell, tell_json
from stepbias.cli.submit import connected
from stepbias.experiment import Experiment


def rename(experiment_id: str, name: str, *, service: Service, as_json: bool) -> int:
    """Give an experiment another name."""
    with connected(service) as client:
        _tell(client.experiment(experiment_id).edit(name=name), (), as_json=as_json)
    return 0


def tag(experiment_id: str, tags: Iterable[str], *, remove: bool, service: Service, as_json: bool) -> int:
    """Add tags to those of an experiment, or take them away; print those that it has."""
    given = list(tags)
    with connected(service) as client:
        handle = client.experiment(experiment_id)
        edited = handle.edit(remove_tags=given) if remove else handle.edit(add_tags=given)
    _tell(edited, edited.tags, as_json=as_json)
    return 0


def note(experiment_id: str, text: str | None, *, service: Service, as_json: bool) -> int:
    """Note something of an experiment in place of what was noted; without a text, print that."""
    with connected(service) as client:
        handle = client.experiment(experiment_id)
        noted = handle.experiment if text is None else handle.edit(notes=text)
    _tell(noted, [noted.notes] if text is None and noted.notes else (), as_json=as_json)
    return 0


def share(experiment_id: str, *, shared: bool, service: Service, as_json: bool) -> int:
    """Let others who have a key, and the id, read an experiment, or no longer; print the id."""
    with connected(service) as client:
        edited = client.experiment(experiment_id).edit(shared=shared)
    _tell(edited, [edited.id], as_json=as_json)
    return 0


def _tell(experiment: Experiment, lines: Iterable[str], *, as_json: bool) -> None:
    if as_json:
        tell_json(experiment.document)
    else:
        for line in lines:
            tell(line)
