"""Names of the store's keys. `lua/ledger.lua` makes the same names inside the scripts."""

from typing import Final

PREFIX: Final = "stepbias:"

SCHEMA: Final = "5"
"""The form of everything under the prefix; `stepbias:schema` says which one a store has."""

FORMER_SCHEMAS: Final = ("3", "4")
"""Forms that are taken over. Since 3 only fields have come, which who knows no later form would take for damage; since
4 owners take turns, each with a line of its own."""


def key(*parts: str) -> str:
    """The parts behind the prefix, with colons between."""
    return PREFIX + ":".join(parts)


def experiment_key(experiment_id: str) -> str:
    """The hash with an experiment's record."""
    return key("experiment", experiment_id)


def job_key(job_id: str) -> str:
    """The hash with a job's record."""
    return key("job", job_id)


def run_key(run: str) -> str:
    """The hash with a stored run."""
    return key("run", run)


def run_name(run: str, part: str) -> str:
    """What a part of a stored run is called where it is sealed."""
    return f"{part} of run {run}"


def page_name(page: str, part: str) -> str:
    """What a part of a page of runs is called where it is sealed."""
    return f"{part} of page {page}"
