"""The settings of this process, or the end of its command."""

from click.exceptions import Exit

from jobs.settings import Settings, WrongSettings, settings_of_environment
from stepbias.cli.output import remark


def checked_settings() -> Settings:
    """What the environment sets.

    Raises:
        Exit: a setting is wrong, as a sentence on stderr says; with exit code 2, as for an option that is.
    """
    try:
        return settings_of_environment()
    except WrongSettings as error:
        remark(f"stepbias: {error}")
        raise Exit(2) from None
