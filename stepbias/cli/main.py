# ruff: noqa: PLC0415 - a command imports what it needs when it runs, so that `stepbias --help` answers at once
"""The `stepbias` command."""

import click

from stepbias.cli.command import EXIT_CODES, Application
from stepbias.cli.groups import experiments, keys, machine, reading, service, store


def _print_version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        click.echo(f"stepbias {version('stepbias')}")
        ctx.exit()


@click.group("stepbias", cls=Application, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, callback=_print_version, expose_value=False, is_eager=True, help="Print it.")
def app() -> None:
    """What the step size does: sweeps of gradient descent on diagonal linear networks, as a service."""


for group in (service.app, experiments.app, reading.app, machine.app):
    for command in group.commands.values():
        app.add_command(command)
app.add_command(service.serve_app)
app.add_command(keys.app)
app.add_command(store.app)


@app.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print what a shell reads to complete commands, ids and presets."""
    from stepbias.cli.completion import completion_script

    click.echo(completion_script(app, shell))
    return 0


if __name__ == "__main__":
    app()
