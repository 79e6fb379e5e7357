"""One experiment of the service, to be watched, read, and told to stop."""

import json
import math
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import nullcontext
from html import escape
from typing import Any, Self
from urllib.parse import quote

from stepbias.comparison import Comparison
from stepbias.connection import Connection
from stepbias.errors import ExperimentFailed, ProblemError, ServiceUnreachable, WaitTimeout
from stepbias.experiment import Experiment
from stepbias.progress import bar_html, outcome_counts, progress_report, status_line
from stepbias.retry_pauses import polling_pause, retry_after
from stepbias.stored_results import StoredResults


class ExperimentHandle(StoredResults):
    """An experiment of the service; `Client.submit` and `Client.experiment` make one.

    Attributes:
        experiment: what was last heard of it.
        etag: the entity tag of that, for `if_match`: what is told with it is done to what was seen, or refused. None
            where the experiment was not read since, but handed in or changed: `refresh` reads it.
    """

    def __init__(self, connection: Connection, experiment: Experiment, etag: str | None = None) -> None:
        super().__init__(connection, f"/v1/experiments/{quote(experiment.id, safe='')}")
        self.experiment = experiment
        self.etag = etag
        self._is_held = True

    @classmethod
    def from_document(cls, connection: Connection, document: Any, etag: str | None = None) -> Self:
        """The handle of the JSON object by which the service describes an experiment, with its entity tag.

        Raises:
            ServiceUnreachable: the object is no experiment.
        """
        try:
            return cls(connection, Experiment.from_document(document), etag)
        except (AttributeError, KeyError, TypeError):
            raise connection.not_the_service() from None

    def __repr__(self) -> str:
        return f"<experiment {self.id}: {self.status}, {self.experiment.runs_done} of {self.experiment.runs_total}>"

    def _repr_html_(self) -> str:
        record = self.experiment
        ended = f"<br>{escape(outcome_counts(record.outcomes))}" if record.outcomes else ""
        why = f"<br>{escape(record.error)}" if record.error else ""
        named = f"<b>{escape(record.name or 'experiment')}</b> <code>{escape(record.id)}</code>"
        return f"{named}<br>{bar_html(record.progress, status_line(record))}{ended}{why}"

    @property
    def id(self) -> str:
        """Its id, with which `Client.experiment` finds it again."""
        return self.experiment.id

    @property
    def status(self) -> str:
        """Where it stood when the service was last asked; `refresh` asks."""
        return self.experiment.status

    def refresh(self) -> Experiment:
        """Ask how it stands."""
        self._ask(self._connection.patience)
        return self.experiment

    def wait(
        self,
        timeout: float | None = None,
        on_progress: Callable[[Experiment], object] | None = None,
        *,
        progress: bool = False,
    ) -> Self:
        """Wait until it has succeeded, through restarts of the service; returns itself, to be read from.

        The service holds each answer back until the experiment ends, or it is time to tell of progress. Where it does
        not, or a proxy on the way does not let it, it is asked again and again instead.

        Args:
            timeout: seconds; None waits as long as it takes.
            on_progress: called with every answer of the service, the last included.
            progress: show a bar on a terminal or in a notebook, and lines on stderr elsewhere.

        Raises:
            ExperimentFailed: it failed, or was cancelled.
            WaitTimeout: it is not finished; it goes on without us.
            ServiceUnreachable: the service stayed away for longer than the client's patience.
        """
        with progress_report() if progress else nullcontext(unseen) as report:
            for experiment in self.courses(timeout):
                if on_progress is not None:
                    on_progress(experiment)
                report(experiment.progress, status_line(experiment))
        return self.require_success()

    def as_completed(self, timeout: float | None = None) -> Iterator[dict[str, Any]]:
        """Each run as soon as it is stored, in the order in which they come, as a flat document.

        It has the run's `index`, its values on the axes of the grid, and its final quantities, None where one is
        missing.

        Args:
            timeout: seconds; None waits as long as it takes.

        Raises:
            ExperimentFailed, WaitTimeout, ServiceUnreachable: as for `wait`, after all runs that there are.
        """
        seen: set[int] = set()
        rows = f"{self._path}/results.ndjson"
        for _ in self.courses(timeout):
            rows = yield from self._new_runs(rows, seen)
        self.require_success()

    def _new_runs(self, address: str, seen: set[int]) -> Generator[dict[str, Any], None, str]:
        """Those that are stored and not seen; returns the address from which on there may be others."""
        response = self._connection.send("GET", address)
        for line in response.text.splitlines():
            run: dict[str, Any] = json.loads(line)
            if run["index"] not in seen:
                seen.add(run["index"])
                yield run
        following = response.links.get("next", {}).get("url")
        return str(response.url.join(following)) if following else address

    def courses(self, timeout: float | None = None) -> Iterator[Experiment]:
        """Every answer of the service until it has ended, the last included.

        Args:
            timeout: seconds; None waits as long as it takes.

        Raises:
            WaitTimeout, ServiceUnreachable: as for `wait`.
        """
        clock = self._connection.clock
        start = clock.now()
        deadline = math.inf if timeout is None else start + timeout
        self._is_held = True
        wish = self._ask_before(deadline)
        while True:
            yield self.experiment
            if self.experiment.is_finished:
                return
            now = clock.now()
            if now >= deadline:
                raise WaitTimeout(self.experiment)
            # Cut short by the deadline, so that the last question is asked there and not a pause before it.
            wish = self._ask_after(min(max(polling_pause(now - start), wish), deadline - now), deadline)

    def require_success(self) -> Self:
        """Return itself if it was last heard to have succeeded.

        Raises:
            ExperimentFailed: it was not.
        """
        if self.status != "succeeded":
            raise ExperimentFailed(self.experiment)
        return self

    def compare(self, other: Self) -> Comparison:
        """What this experiment and another one have in common, and how far their results differ.

        Returns:
            The pairs of runs with equal values on the axes that both sweep, the fields in which the specs differ, and
            of every quantity in how many pairs it is equal and by how much it differs at most; `to_pandas` is a table.

        Raises:
            ProblemError, ServiceUnreachable: the results of one are not to be had.
        """
        both = [(each.id, each.results(), each.read("spec")) for each in (self, other)]
        return Comparison.of(*both)

    def cancel(self, *, if_match: str | None = None) -> Experiment:
        """Stop it. What has been computed is kept.

        Raises:
            ProblemError: it is not as `if_match` names it (412).
        """
        return self._tell("POST", "/cancel", if_match=if_match)

    def retry(self, *, if_match: str | None = None) -> Experiment:
        """Compute again what failed.

        Raises:
            ProblemError: it has not failed (409), or is not as `if_match` names it (412).
        """
        return self._tell("POST", "/retry", if_match=if_match, once=True)

    def edit(  # noqa: PLR0913 - all of them by name
        self,
        *,
        name: str | None = None,
        tags: Sequence[str] | None = None,
        notes: str | None = None,
        add_tags: Sequence[str] | None = None,
        remove_tags: Sequence[str] | None = None,
        shared: bool | None = None,
        if_match: str | None = None,
    ) -> Experiment:
        """Give it another name, other tags in place of its own, or other notes; what is not given stays.

        `add_tags` and `remove_tags` leave the other tags as they are, also those that somebody else adds meanwhile.
        Where keys are required, a `shared` one is read by whoever has a key and its id.

        Raises:
            ProblemError: the edit is refused; `errors` say why. Or it is not as `if_match` names it (412).
        """
        lists = {"tags": tags, "add_tags": add_tags, "remove_tags": remove_tags}
        given: dict[str, Any] = {part: None if listed is None else list(listed) for part, listed in lists.items()}
        given |= {"name": name, "notes": notes, "shared": shared}
        patch = json.dumps({part: value for part, value in given.items() if value is not None}).encode()
        media_type = "application/merge-patch+json"
        return self._tell("PATCH", "", content=patch, media_type=media_type, if_match=if_match)

    def delete(self, *, if_match: str | None = None) -> None:
        """Delete it, and of its results what no other experiment uses; it has to be finished.

        Raises:
            ProblemError: it is not finished (409), not as `if_match` names it (412), or not there (404).
        """
        self._connection.send("DELETE", self._path, once=True, if_match=if_match)

    def _tell(self, method: str, part: str, *, if_match: str | None, once: bool = False, **request: Any) -> Experiment:
        # Sent again after its answer was lost, it would find what it has changed itself.
        once = once or if_match is not None
        response = self._connection.send(method, f"{self._path}{part}", if_match=if_match, once=once, **request)
        self._hear(self._connection.document(response), response.headers.get("ETag"))
        return self.experiment

    def _hear(self, document: Any, etag: str | None) -> None:
        self.experiment = self.from_document(self._connection, document).experiment
        self.etag = etag

    def _ask_after(self, pause: float, deadline: float) -> float:
        """As `_ask`, once it has ended, or after a pause."""
        clock, seconds = self._connection.clock, int(pause)
        start = clock.now()
        if self._is_held and seconds:
            try:
                wish = self._ask(0.0, wait=seconds)
            except (ServiceUnreachable, ProblemError) as error:
                _require_temporary(error)
            else:
                if self.experiment.is_finished or clock.now() - start >= seconds / 2:
                    return wish
            self._is_held = False
        clock.sleep(max(pause - (clock.now() - start), 0.0))
        return self._ask_before(deadline)

    def _ask(self, patience: float, *, wait: int = 0) -> float:
        """Refresh; the seconds after which the service wishes to be asked again, 0 where it has no wish."""
        response = self._connection.send("GET", self._path, patience=patience, wait=wait)
        self._hear(self._connection.document(response), response.headers.get("ETag"))
        return retry_after(response) or 0.0

    def _ask_before(self, deadline: float) -> float:
        """As `_ask`; a service that stays away beyond the deadline is no reason to complain of more than the time."""
        left = max(deadline - self._connection.clock.now(), 0.0)
        if left >= self._connection.patience:
            return self._ask(self._connection.patience)
        try:
            return self._ask(left)
        except (ServiceUnreachable, ProblemError) as error:
            _require_temporary(error)
            raise WaitTimeout(self.experiment) from error


def unseen(_fraction: float, _text: str) -> None:
    """Show nothing."""


def _require_temporary(error: ServiceUnreachable | ProblemError) -> None:
    if isinstance(error, ProblemError) and not error.is_temporary:
        raise error
