# ruff: noqa: PLC0415 - a command imports what it needs when it runs, so that `stepbias --help` answers at once
"""The `stepbias` command."""

from typing import Annotated

import typer

from stepbias.cli.command import Command
from stepbias.cli.groups import experiments, keys, machine, reading, service

app = Command(
    name="stepbias",
    help="What the step size does: sweeps of gradient descent on diagonal linear networks, as a service.",
    no_args_is_help=True,
    # Plain help: to read Rich for the sake of boxes takes longer than everything else.
    rich_markup_mode=None,
    # Expected errors are one line by `failure`; an unexpected one is for a bug report, in Python's plain form.
    pretty_exceptions_enable=False,
)

for group in (service.app, experiments.app, reading.app, machine.app):
    app.add_typer(group)
app.add_typer(service.serve_app, name="serve")
app.add_typer(keys.app, name="keys")


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"stepbias {version('stepbias')}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """What the step size does: sweeps of gradient descent on diagonal linear networks, as a service."""
    del version


if __name__ == "__main__":
    app()
