"""What `make first-hour` walks is in the README, and short."""

from tests.first_hour.readme import commands


def test_data_become_figures_by_three_commands() -> None:
    """One installs, one serves, and the last ones are of a client."""
    install, serve, *asking = commands()
    assert install.startswith("pip install ")
    assert serve == "stepbias up"
    assert len(asking) == 1
    assert asking[0].startswith("stepbias analyse data.csv ")
