"""Keys of the service, in its store."""

from enum import StrEnum
from typing import Annotated

import typer

from stepbias.cli.launched import launched
from stepbias.cli.options import StateDirectory

app = typer.Typer(
    help="Keys of the service, in its store: make, list, revoke.", no_args_is_help=True, rich_markup_mode=None
)


class KeyScope(StrEnum):
    """What a key lets its holder do."""

    READ = "read"
    SUBMIT = "submit"
    ADMIN = "admin"


@app.command("add")
def add_key(
    owner: Annotated[str, typer.Argument(help="Whose work is done with it.")],
    scope: Annotated[KeyScope, typer.Option(help="Each includes the one before.")] = KeyScope.SUBMIT,
    expires: Annotated[
        str | None, typer.Option(help="After which time, such as 90m, 12h or 30d; default: never.")
    ] = None,
    state_dir: StateDirectory = None,
) -> None:
    """Make a key and print it, once."""
    raise typer.Exit(launched("keys", "add")(owner, scope=scope.value, expires=expires, state_dir=state_dir))


@app.command("list")
def list_keys(state_dir: StateDirectory = None) -> None:
    """List the keys: whose they are, and what they end with."""
    raise typer.Exit(launched("keys", "list_keys")(state_dir=state_dir))


@app.command("revoke")
def revoke_key(key: Annotated[str, typer.Argument(metavar="ID")], state_dir: StateDirectory = None) -> None:
    """Revoke a key; a second later it opens nothing."""
    raise typer.Exit(launched("keys", "revoke")(key, state_dir=state_dir))
