"""Users of a store that several hosts share."""

from pathlib import Path

import click

from stepbias.cli.command import Group
from stepbias.cli.launched import launched
from stepbias.cli.options import as_json

app = Group(
    "store", help="Users of a store that several hosts share: passwords, rights, addresses.", no_args_is_help=True
)

USERS = ("default", "api", "worker")
"""Who uses a store: the administrator, by the name that servers have for it, the API, and the workers."""

_directory = click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
_at = click.option(
    "--at", metavar="ADDRESS", required=True, help="Where the store is: redis://HOST:PORT/0, with TLS rediss://"
)


@app.command()
@_directory
@_at
@as_json
def users(*, directory: Path, at: str, as_json: bool) -> int:
    """Draw passwords, and write them to files in DIRECTORY.

    users.acl is for the server (aclfile); stepbias_redis_url for the administrator, api/stepbias_redis_url for the
    API and worker/stepbias_redis_url for workers. Passwords that are there already stay.
    """
    return launched("store", "users")(directory, at=at, as_json=as_json)


@app.command()
@click.argument("user", type=click.Choice(USERS))
@_directory
@_at
@as_json
def address(*, user: str, directory: Path, at: str, as_json: bool) -> int:
    """Print the address of the store for a USER, with the password.

    DIRECTORY is that of `stepbias store users`; the address may be another one, as other hosts reach it.
    """
    return launched("store", "address")(user, directory, at=at, as_json=as_json)
