"""Each guard of the store on a server, taken away: a test of this folder must notice."""

import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from typing import Any, Final
from unittest.mock import patch

import pytest
import redis

from jobs.connection import connect
from jobs.redis_store import scripts
from jobs.redis_store.scripts import Script, source
from jobs.seal import SEAL_BYTES
from tests.jobs import (
    test_damage,
    test_experiment_contract,
    test_job_contract,
    test_owner_turns,
    test_redis_store,
    test_upkeep_contract,
    test_versions_contract,
)
from tests.jobs.conftest import redis_laboratory
from tests.jobs.laboratory import Laboratory

Check = Callable[[Laboratory, redis.Redis], object]


def _without(text: str, instead: str) -> AbstractContextManager[Any]:
    """Scripts that have something else in this place."""
    assert any(text in source(script) for script in Script), f"no script has {text!r}"
    return patch.object(scripts, "source", lambda *script: source(*script).replace(text, instead))


@contextmanager
def _without_seals() -> Iterator[None]:
    with ExitStack() as stack:
        for module in ("server", "experiments"):
            believed = patch(f"jobs.redis_store.{module}.opened", lambda _, stored: stored[SEAL_BYTES:])
            stack.enter_context(believed)
        yield


def _of_versions(check: Callable[..., object], laboratory: Laboratory, _: redis.Redis) -> None:
    check(laboratory.of_version("1"), laboratory.of_version("2"))


def _of_a_laboratory(check: Callable[..., object], laboratory: Laboratory, _: redis.Redis) -> None:
    check(laboratory)


def _of_damage(check: Callable[..., object], laboratory: Laboratory, client: redis.Redis) -> None:
    check(laboratory, client, place=-1)


def _at_once(is_so: Callable[[], bool]) -> None:
    assert is_so()


_ANY_VERSION: Final = """
for _, each in ipairs(redis.call('SMEMBERS', key('numerics'))) do
  numerics = redis.call('EXISTS', turns_key(queue, each, false)) == 1 and each or numerics
end
local line = turns_key(queue, numerics, false)"""

GUARDS: Final[Mapping[str, tuple[Callable[[], AbstractContextManager[Any]], Check]]] = {
    "token": (
        partial(_without, "job.token ~= token", "false"),
        lambda laboratory, _: test_job_contract.test_an_outdated_token_writes_nothing(
            laboratory, "complete", "running"
        ),
    ),
    "plan of today": (
        partial(_without, " or not is_current(job) then", " then"),
        partial(_of_versions, test_versions_contract.test_claims_of_before_are_worth_nothing),
    ),
    "versions": (
        partial(_without, "\nlocal line = turns_key(queue, numerics, false)", _ANY_VERSION),
        partial(_of_versions, test_versions_contract.test_neither_version_claims_what_is_of_the_other),
    ),
    "turns of owners": (
        partial(_without, "call('ZADD', owners, served", "call('ZADD', owners, 'NX', served"),
        partial(_of_a_laboratory, test_owner_turns.test_owners_take_turns_by_work_and_so_do_the_experiments_of_each),
    ),
    "leases": (
        partial(_without, "'ZRANGEBYSCORE', key('leases'), '-inf', now", "'ZRANGEBYSCORE', key('leases'), '-inf', 0"),
        partial(_of_a_laboratory, test_job_contract.test_a_lost_worker_gives_its_job_back),
    ),
    "attempts": (
        partial(_without, ">= max_attempts and", "< 0 and"),
        partial(_of_a_laboratory, test_job_contract.test_a_job_whose_workers_disappear_dies),
    ),
    "claims that nobody had": (
        partial(_without, "    if job.is_heard then\n      job.losses", "    if true then\n      job.losses"),
        partial(_of_a_laboratory, test_job_contract.test_a_claim_of_which_nobody_was_heard_is_no_loss),
    ),
    "one janitor": (
        partial(_without, "if holder and holder ~= me", "if false and holder ~= me"),
        lambda laboratory, _: test_upkeep_contract.test_one_of_all_callers_is_the_janitor(laboratory, _at_once),
    ),
    "time made up for once": (
        partial(_without, "redis.call('HGET', at, 'made_up_for') ~= before", "true"),
        partial(_of_a_laboratory, test_upkeep_contract.test_a_jump_is_made_up_for_once),
    ),
    "registrations of another clock": (
        partial(_without, "string.format('%.17g', now + longest + 1)", "'+inf'"),
        test_redis_store.test_a_registration_of_another_clock_is_not_believed,
    ),
    "runs counted once": (
        partial(_without, "'SETBIT', done, index, 1) == 0", "'ECHO', '') == ''"),
        partial(_of_a_laboratory, test_job_contract.test_a_run_committed_twice_is_counted_once),
    ),
    "jobs recorded once": (
        partial(_without, "if redis.call('EXISTS', key('job', id)) == 0 then", "if true then"),
        partial(_of_a_laboratory, test_job_contract.test_jobs_recorded_twice_are_recorded_once),
    ),
    "runs as planned": (
        partial(_without, "~= ARGV[i + 1] then", "== '' then"),
        partial(_of_a_laboratory, test_job_contract.test_a_run_that_was_not_planned_is_not_stored),
    ),
    "experiments recorded once": (
        partial(_without, "if current and current.numerics == numerics", "if false"),
        partial(_of_a_laboratory, test_experiment_contract.test_same_spec_submitted_twice_is_one_experiment),
    ),
    "seals of runs": (
        _without_seals,
        lambda *all_: test_damage.test_a_damaged_run_is_not_served_and_not_counted(*all_, "summary", -1),
    ),
    "seals of checkpoints": (
        _without_seals,
        partial(_of_damage, test_damage.test_a_damaged_checkpoint_is_not_gone_on_from),
    ),
    "seals of specs": (_without_seals, partial(_of_damage, test_damage.test_a_damaged_spec_is_not_believed)),
}


@pytest.fixture
def client(empty_valkey_url: str) -> Iterator[redis.Redis]:
    """A client of the empty server."""
    with connect(empty_valkey_url, patience=10.0) as each:
        yield each


@pytest.mark.parametrize("guard", GUARDS)
def test_a_guard_that_is_missing_is_missed(guard: str, client: redis.Redis) -> None:
    """By the test that stands beside it here, which passes with the guard."""
    missing, check = GUARDS[guard]
    check(redis_laboratory(client), client)
    client.flushall()
    # Or an error of whoever believed the value.
    with missing(), pytest.raises((AssertionError, pytest.fail.Exception, zlib.error)):
        check(redis_laboratory(client), client)
