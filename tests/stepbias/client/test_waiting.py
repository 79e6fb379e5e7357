"""Waiting for an experiment."""

from collections.abc import Callable

import httpx2
import pytest

from stepbias import (
    Client,
    Experiment,
    ExperimentFailed,
    ExperimentHandle,
    ProblemError,
    ServiceUnreachable,
    WaitTimeout,
)
from tests.stepbias.client.stub import ADDRESS, Answer, FakeClock, ScriptedService, experiment, ok, problem, refused


def _waited_for(*answers: Answer, patience: float = 60.0) -> tuple[ScriptedService, ExperimentHandle]:
    """A handle of a running experiment, and the service that answers about it from now on."""
    service = ScriptedService([ok(experiment("planning")), *answers])
    handle = service.client(patience=patience).experiment("e1")
    return service, handle


def test_waiting_ends_with_success_and_reports_every_answer() -> None:
    """Progress is reported as the service tells it, the last time as finished."""
    _, handle = _waited_for(ok(experiment("queued")), ok(experiment("running")), ok(experiment("succeeded")))
    heard: list[Experiment] = []
    final = handle.wait(on_progress=heard.append).experiment
    assert [answer.status for answer in heard] == ["queued", "running", "succeeded"]
    assert final is handle.experiment is heard[-1]
    assert (final.runs_total, final.runs_done, final.runs_reused, final.outcomes) == (20, 20, 2, {"converged": 5})
    assert (final.tags, final.progress, final.eta_seconds) == (("thesis",), 1.0, None)


def test_a_restart_of_the_service_is_waited_out() -> None:
    """Refused connections and 503 between two answers are not noticed by who waits."""
    service, handle = _waited_for(
        ok(experiment()), refused(), problem(503, "Starting", {"Retry-After": "1"}), ok(experiment("succeeded"))
    )
    assert handle.wait().status == "succeeded"
    assert len(service.requests) == 5


def test_a_service_that_never_comes_back_is_reported() -> None:
    """Patience bounds the wait for the service, not the wait for the experiment."""
    _, handle = _waited_for(ok(experiment()), refused())
    with pytest.raises(ServiceUnreachable):
        handle.wait()


def test_polling_is_polite() -> None:
    """Pauses grow with the time waited up to two seconds, and are never shorter than the service wishes."""
    answers = [ok(experiment())] * 200
    service, handle = _waited_for(*answers, ok(experiment("succeeded")))
    handle.wait()
    assert service.clock.slept[0] == 0.1
    assert service.clock.slept == sorted(service.clock.slept)
    assert service.clock.slept[-1] == 2.0

    wish = ok(experiment(), {"Retry-After": "9"})
    service, handle = _waited_for(wish, wish, ok(experiment("succeeded")))
    handle.wait()
    assert service.clock.slept == [9.0]


class _Held:
    """A service that holds its answers back as is asked, until its experiment ends after so many seconds."""

    def __init__(self, end: float, answer: Callable[[int], Answer] | None = None) -> None:
        self.clock, self.end, self.asked = FakeClock(), end, list[int]()
        self._answer = answer

    def handle(self) -> ExperimentHandle:
        """The handle of the experiment."""
        transport = httpx2.MockTransport(self._answered)
        return Client(ADDRESS, transport=transport, clock=self.clock).experiment("e1")

    def _answered(self, request: httpx2.Request) -> httpx2.Response:
        wait = int(request.headers.get("Prefer", "wait=0").removeprefix("wait="))
        self.asked.append(wait)
        if wait:
            assert request.extensions["timeout"]["read"] > wait
            if self._answer is not None:
                answer = self._answer(wait)
                if isinstance(answer, Exception):
                    raise answer
                return answer
            self.clock.sleep(min(wait, max(self.end - self.clock.now(), 0.0)))
        is_over = self.clock.now() >= self.end
        return ok(experiment("succeeded" if is_over else "running"), {} if is_over else {"Retry-After": "1"})


def test_the_end_is_told_by_the_service_when_it_comes() -> None:
    """No pause of ours stands between; progress is heard of all the same."""
    service, heard = _Held(end=3.25), list[Experiment]()
    service.handle().wait(on_progress=heard.append)
    assert service.clock.now() == 3.25
    assert service.asked == [0, 0, 1, 1, 1, 1]
    assert [each.status for each in heard] == ["running"] * 4 + ["succeeded"]


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.ReadTimeout("nothing came"),
        httpx2.RemoteProtocolError("cut"),
        problem(504, "Gateway Timeout"),
        httpx2.Response(502, html="<p>bad gateway</p>"),
        ok(experiment()),
    ],
    ids=str,
)
def test_where_no_answer_is_held_back_the_service_is_polled(answer: Answer) -> None:
    """A proxy that cuts what is silent, or a service that knows nothing of it: it is tried once."""
    service = _Held(end=20.0, answer=lambda _: answer)
    service.handle().wait()
    assert service.asked.count(0) == len(service.asked) - 1
    assert 20.0 <= service.clock.now() <= 22.0


def test_a_refusal_of_a_held_question_is_a_refusal() -> None:
    """Somebody has deleted it."""
    service = _Held(end=20.0, answer=lambda _: problem(404, "No such experiment"))
    with pytest.raises(ProblemError, match="No such experiment"):
        service.handle().wait()


def test_a_held_answer_is_asked_for_no_longer_than_there_is_time() -> None:
    """The time that was given is not overrun."""
    service = _Held(end=99.0)
    with pytest.raises(WaitTimeout):
        service.handle().wait(timeout=2.5)
    assert service.clock.now() == pytest.approx(2.5)


def test_a_wait_that_is_too_short_times_out_at_its_time() -> None:
    """The last question is asked at the deadline."""
    service, handle = _waited_for(ok(experiment()))
    with pytest.raises(WaitTimeout, match="still running, with 5 of 20 runs done") as caught:
        handle.wait(timeout=30.0)
    assert service.clock.now() == pytest.approx(30.0)
    assert caught.value.experiment.status == "running"


@pytest.mark.parametrize("absence", [refused(), problem(503, "Starting")])
def test_a_service_away_at_the_end_of_the_time_is_a_timeout(absence: Answer) -> None:
    """Who gave five seconds learns that they are over, not that the service might return within a minute."""
    service, handle = _waited_for(ok(experiment()), absence)
    with pytest.raises(WaitTimeout):
        handle.wait(timeout=5.0)
    assert service.clock.now() <= 5.0


def test_an_experiment_that_is_deleted_meanwhile_is_no_timeout() -> None:
    """A refusal near the deadline stays a refusal."""
    _, handle = _waited_for(problem(404, "No such experiment"))
    with pytest.raises(ProblemError, match="No such experiment"):
        handle.wait(timeout=5.0)


def test_failure_says_why() -> None:
    """The record's error is in the message, the record is at hand."""
    _, handle = _waited_for(ok(experiment("failed", error="out of memory")))
    with pytest.raises(ExperimentFailed, match=r"e1 failed with 5 of 20 runs done: out of memory") as caught:
        handle.wait()
    assert caught.value.experiment.status == "failed"


def test_a_cancelled_experiment_is_not_a_success() -> None:
    """Whoever waits for results learns that they will not all come."""
    _, handle = _waited_for(ok(experiment("cancelling")), ok(experiment("cancelled")))
    with pytest.raises(ExperimentFailed, match="was cancelled"):
        handle.wait()


def _rows(*indices: int, following: bool = True) -> httpx2.Response:
    lines = "".join(f'{{"index": {index}, "train_loss": 0.5}}\n' for index in indices)
    link = {"Link": f'<results.ndjson?after={min(indices, default=0) - 1}>; rel="next"'} if following else {}
    return httpx2.Response(200, text=lines, headers={"Content-Type": "application/x-ndjson"} | link)


def test_runs_come_as_they_are_stored_and_once() -> None:
    """In the order in which they come, however often the service repeats one."""
    done, running = ok(experiment("succeeded")), ok(experiment("running"))
    service, handle = _waited_for(running, _rows(2), running, _rows(2, 0), done, _rows(0, 1, following=False))
    assert [run["index"] for run in handle.as_completed()] == [2, 0, 1]
    read = [line for line in service.lines if "results" in line]
    assert read == [
        "GET /v1/experiments/e1/results.ndjson",
        "GET /v1/experiments/e1/results.ndjson?after=1",
        "GET /v1/experiments/e1/results.ndjson?after=-1",
    ]


def test_runs_of_one_that_fails_come_before_its_failure() -> None:
    """What there is is not lost."""
    _, handle = _waited_for(ok(experiment("failed")), _rows(0, following=False))
    runs = handle.as_completed()
    assert next(runs)["index"] == 0
    with pytest.raises(ExperimentFailed):
        next(runs)


def test_progress_is_told_where_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """Where there is no terminal, in lines on stderr."""
    _, handle = _waited_for(ok(experiment("running")), ok(experiment("succeeded")))
    handle.wait(progress=True)
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines()[-1].startswith("100%  succeeded: 20 of 20 runs")


def test_a_notebook_shows_how_an_experiment_stands() -> None:
    """As text, whatever its name holds."""
    _, handle = _waited_for(ok(experiment("failed", name="<b>mine</b>", error="no steps & no hope")))
    handle.refresh()
    shown = handle._repr_html_()
    assert "&lt;b&gt;mine&lt;/b&gt;" in shown
    assert "5 converged" in shown
    assert "no steps &amp; no hope" in shown
    assert '<progress value="1.0000"' in shown
