"""Who is served while several wait, as the tests of turns ask for it."""

from collections.abc import Callable, Iterator, Mapping

from jobs.records import Claim, Queue
from tests.jobs.laboratory import Laboratory


def claims(laboratory: Laboratory, queue: Queue = Queue.BATCH) -> Iterator[Claim]:
    """Claim upon claim, until there is none to be had."""
    while (claim := laboratory.store.claim(queue, worker="w")) is not None:
        yield claim


def assert_served_alike(
    laboratory: Laboratory, whose: Callable[[Claim], str], jobs: Mapping[str, int], most: float
) -> None:
    """While all of them wait, each with so many jobs, the work that they have been served differs by `most` at most."""
    served, left = dict.fromkeys(jobs, 0.0), dict(jobs)
    for claim in claims(laboratory):
        served[whose(claim)] += claim.job.work
        left[whose(claim)] -= 1
        if not left[whose(claim)]:
            break
        assert max(served.values()) - min(served.values()) <= most
    assert 0 in left.values()
