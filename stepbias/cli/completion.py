# ruff: noqa: PLC0415 - the client is imported when somebody presses the key, and not by every command
"""What a shell offers while a command is typed: ids and presets of the service, without a word where there is none."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import click
from click.shell_completion import CompletionItem, get_completion_class

if TYPE_CHECKING:
    from stepbias.client import Client

SECONDS: Final = 0.5
"""Who has pressed a key waits no longer."""

MOST: Final = 50


def complete_ids(ctx: click.Context, _param: click.Parameter, begun: str) -> list[CompletionItem]:
    """The newest experiments whose id begins so."""
    return _offered(ctx, begun, _experiments)


def complete_presets(ctx: click.Context, _param: click.Parameter, begun: str) -> list[CompletionItem]:
    """The presets whose name begins so."""
    return _offered(ctx, begun, _presets)


def _experiments(client: "Client") -> Iterator[tuple[str, str]]:
    from itertools import islice

    for handle in islice(client.experiments(page_size=MOST), MOST):
        yield handle.id, f"{handle.status} {handle.experiment.name}"


def _presets(client: "Client") -> Iterator[tuple[str, str]]:
    for known in client.presets():
        yield known["name"], known["title"]


def _offered(
    ctx: click.Context, begun: str, found: Callable[["Client"], Iterable[tuple[str, str]]]
) -> list[CompletionItem]:
    from stepbias.connecting import connect

    with suppress(Exception), connect(_given(ctx, "url"), profile=_given(ctx, "profile"), **_HASTE) as client:
        return [CompletionItem(name, help=text) for name, text in found(client) if name.startswith(begun)]
    return []


_HASTE: Final[dict[str, Any]] = {"timeout": SECONDS, "patience": 0.0}


def _given(ctx: click.Context, name: str) -> Any:
    return ctx.params.get(name)


def completion_script(app: click.Command, shell: str) -> str:
    """What a shell has to read to complete the command.

    Raises:
        KeyError: there is no such shell.
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise KeyError(shell)
    return kind(app, {}, "stepbias", "_STEPBIAS_COMPLETE").source()
