"""The settings of this process, or the end of its command."""

import typer

from jobs.settings import Settings, WrongSettings, settings_of_environment


def checked_settings() -> Settings:
    """What the environment sets.

    Raises:
        typer.Exit: a setting is wrong, as a sentence on stderr says; with exit code 2, as for an option that is.
    """
    try:
        return settings_of_environment()
    except WrongSettings as error:
        typer.echo(f"stepbias: {error}", err=True)
        raise typer.Exit(2) from None
