"""Keys of the service, in its store."""

from pathlib import Path

import click

from stepbias.cli.command import Group
from stepbias.cli.launched import launched
from stepbias.cli.options import as_json, state_directory

app = Group("keys", help="Keys of the service, in its store: make, list, revoke.", no_args_is_help=True)

SCOPES = ("read", "submit", "admin")
"""What a key lets its holder do; each includes the one before."""


@app.command("add")
@click.argument("owner")
@click.option("--scope", type=click.Choice(SCOPES), default="submit", show_default=True, help="What it allows.")
@click.option("--expires", help="After which time, such as 90m, 12h or 30d; default: never.")
@state_directory
@as_json
def add_key(*, owner: str, scope: str, expires: str | None, state_dir: Path | None, as_json: bool) -> int:
    """Make a key and print it, once. OWNER is whose work is done with it."""
    return launched("keys", "add")(owner, scope=scope, expires=expires, state_dir=state_dir, as_json=as_json)


@app.command("list")
@state_directory
@as_json
def list_keys(*, state_dir: Path | None, as_json: bool) -> int:
    """List the keys: whose they are, and what they end with."""
    return launched("keys", "list_keys")(state_dir=state_dir, as_json=as_json)


@app.command("revoke")
@click.argument("key", metavar="ID")
@state_directory
@as_json
def revoke_key(*, key: str, state_dir: Path | None, as_json: bool) -> int:
    """Revoke a key; a second later it opens nothing."""
    return launched("keys", "revoke")(key, state_dir=state_dir, as_json=as_json)
