"""Results as files, written by a worker that has other things to do as well."""

import gzip
import json
from typing import Any

import pytest

from core.exports.files import file_pieces
from core.exports.format import TEXT, Format
from core.results.result import to_xarray
from core.sweep.grid import Grid
from jobs.document_keys import figure_error_key
from jobs.errors import StoreFull, StoreUnavailable
from jobs.heading import heading
from jobs.kept_results import ResultsFile
from jobs.owned_store import store_of_experiment
from jobs.records import RESULTS_FILE, FigureRequest, Ownership, Queue
from tests.worker.workshop import SetAfter, Workshop, spec
from worker.exports import MOST_AT_ONCE, SLICE_SECONDS, Exports
from worker.perform import work_off


class Hours:
    """A clock by which every look takes longer than a slice."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Seconds."""
        self.now += SLICE_SECONDS
        return self.now


@pytest.fixture
def workshop(monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """A store and a worker; runs are read one by one, so that a file of six has six slices."""
    monkeypatch.setattr("jobs.stored_runs.SLICE", 1)
    return Workshop()


def _file(workshop: Workshop, experiment_id: str, form: Format = Format.CSV) -> ResultsFile:
    return ResultsFile.of(workshop.experiment(experiment_id), form, workshop.store)


def _ask(workshop: Workshop, file: ResultsFile, seconds: float = 0.0) -> None:
    request = FigureRequest(experiment_id=file.experiment_id, figure=RESULTS_FILE, format=file.form, key=file.key)
    workshop.store.request_figure(request, seconds=seconds)


def _content(file: ResultsFile) -> bytes:
    """The whole file, unpacked."""
    kept = file.found()
    assert kept is not None
    assert kept.is_whole
    content = b"".join(file.piece(kept, number) or b"missing" for number in range(kept.pieces))
    return gzip.decompress(content) if file.form in TEXT else content


def _expected(workshop: Workshop, experiment_id: str, form: Format) -> bytes:
    """The bytes of the file from the runs as they are stored, all at once."""
    experiment = workshop.experiment(experiment_id)
    runs = list(enumerate(workshop.summaries(experiment_id)))
    return b"".join(file_pieces(form, Grid(spec()), [runs], heading(experiment).attributes))


@pytest.mark.parametrize("form", Format)
def test_a_file_that_is_asked_for_is_written(workshop: Workshop, form: Format) -> None:
    """In each format, of the runs that are stored; in slices, with the rest of the work between them."""
    experiment_id = workshop.done(spec())
    file = _file(workshop, experiment_id, form)
    _ask(workshop, file)
    work_off(Queue.INTERACTIVE, workshop.context(clock=Hours()))
    assert _content(file) == _expected(workshop, experiment_id, form)


def test_the_file_of_an_owner_is_kept_among_theirs(workshop: Workshop) -> None:
    """Asked for by the same name as by everybody; the worker is told the one in the store."""
    asked = spec()
    made = workshop.store.submit(
        spec=asked.canonical(),
        content_hash=asked.content_hash(),
        name="",
        tags=(),
        runs=len(Grid(asked)),
        ownership=Ownership(owner="somebody"),
    )
    workshop.work_off()
    experiment = workshop.experiment(made.experiment.id)
    file = ResultsFile.of(experiment, Format.CSV, store_of_experiment(workshop.store, experiment.id))
    wish = FigureRequest(experiment_id=experiment.id, figure=RESULTS_FILE, format="csv", key=file.key)
    file.store.request_figure(wish, seconds=30.0)
    work_off(Queue.INTERACTIVE, workshop.context())
    assert _content(file) == _expected(workshop, experiment.id, Format.CSV)
    assert workshop.store.document(file.key) is None


def test_json_is_the_labelled_array(workshop: Workshop) -> None:
    """As core makes it of all runs at once."""
    experiment_id = workshop.done(spec())
    file = _file(workshop, experiment_id, Format.JSON)
    _ask(workshop, file)
    work_off(Queue.INTERACTIVE, workshop.context())
    head = heading(workshop.experiment(experiment_id)).attributes
    assert json.loads(_content(file)) == to_xarray(Grid(spec()), workshop.summaries(experiment_id), head)


def test_a_figure_that_is_asked_for_meanwhile_does_not_wait_for_the_file(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does a plan: each has its turn after a slice of the file."""
    experiment_id = workshop.done(spec())
    file, seen = _file(workshop, experiment_id), list[tuple[str, bool]]()

    def drawn(*_: Any) -> bytes:
        found = file.found()
        seen.append(("drawn", found is not None and found.is_whole))
        return b"a picture"

    monkeypatch.setattr("worker.drawing.draw_figure", drawn)
    _ask(workshop, file)
    figure = FigureRequest(experiment_id=experiment_id, figure="risk", format="svg", key="figure:1")
    workshop.store.request_figure(figure, seconds=30.0)
    planned = workshop.submit(spec(scales=(0.2,)))
    workshop.store.before_completing = lambda: seen.append(("planned", getattr(file.found(), "is_whole", False)))
    work_off(Queue.INTERACTIVE, workshop.context(clock=Hours()))
    assert seen[:2] == [("planned", False), ("drawn", False)]
    assert workshop.training_jobs(planned)
    assert _content(file) == _expected(workshop, experiment_id, Format.CSV)


def test_files_take_turns(workshop: Workshop) -> None:
    """A short one does not wait for a long one that was asked for first."""
    long, short = workshop.done(spec()), workshop.done(spec(scales=(0.2,), step_size=(0.02,)))
    exports, ended = Exports(workshop.context(clock=Hours())), []
    files = [_file(workshop, each) for each in (long, short)]
    for file in files:
        exports.begin(FigureRequest(experiment_id=file.experiment_id, figure=RESULTS_FILE, format="csv", key=file.key))
    while exports.go_on():
        for file in files:
            found = file.found()
            if found is not None and found.is_whole and file.experiment_id not in ended:
                ended.append(file.experiment_id)
    assert ended == [short, long]


def test_few_files_are_open_at_once(workshop: Workshop) -> None:
    """However many are asked for: each that is begun may hold the numbers of all of its runs."""
    asked = [workshop.done(spec(scales=(0.1 + 0.1 * number,), step_size=(0.02, 0.03))) for number in range(7)]
    exports, begun = Exports(workshop.context(clock=Hours())), list[int]()
    files = [_file(workshop, each) for each in asked]
    for file in files:
        exports.begin(FigureRequest(experiment_id=file.experiment_id, figure=RESULTS_FILE, format="csv", key=file.key))
    while exports.go_on():
        found = [file.found() for file in files]
        begun.append(sum(not each.is_whole for each in found if each is not None))
    assert max(begun) == MOST_AT_ONCE
    assert all(getattr(file.found(), "is_whole", False) for file in files)


def test_a_file_is_written_once(workshop: Workshop) -> None:
    """However often it is asked for, also while it is being written."""
    experiment_id = workshop.done(spec())
    file = _file(workshop, experiment_id)
    exports = Exports(workshop.context(clock=Hours()))
    request = FigureRequest(experiment_id=experiment_id, figure=RESULTS_FILE, format="csv", key=file.key)
    exports.begin(request)
    exports.go_on()
    begun = file.found()
    for _ in range(2):
        exports.begin(request)
        while exports.go_on():
            pass
        whole = file.found()
        assert begun is not None
        assert whole is not None
        assert (whole.writing, whole.is_whole) == (begun.writing, True)


def test_a_worker_that_is_stopped_leaves_no_half_of_a_file(workshop: Workshop) -> None:
    """Another one begins anew as soon as somebody asks."""
    experiment_id = workshop.done(spec())
    file = _file(workshop, experiment_id)
    _ask(workshop, file)
    work_off(Queue.INTERACTIVE, workshop.context(clock=Hours(), stopping=SetAfter(2)))
    assert file.found() is None
    _ask(workshop, file)
    work_off(Queue.INTERACTIVE, workshop.context())
    assert _content(file) == _expected(workshop, experiment_id, Format.CSV)


def test_what_a_killed_worker_has_begun_is_written_by_another_once_it_is_given_up(workshop: Workshop) -> None:
    """Until then nobody knows whether it is only slow."""
    experiment_id = workshop.done(spec())
    file = _file(workshop, experiment_id)
    killed = Exports(workshop.context(clock=Hours()))
    request = FigureRequest(experiment_id=experiment_id, figure=RESULTS_FILE, format="csv", key=file.key)
    killed.begin(request)
    killed.go_on()
    left = file.found()
    assert left is not None
    file.lose(left)
    _ask(workshop, file)
    work_off(Queue.INTERACTIVE, workshop.context())
    assert _content(file) == _expected(workshop, experiment_id, Format.CSV)
    while killed.go_on():
        pass
    assert _content(file) == _expected(workshop, experiment_id, Format.CSV)


def test_a_run_that_is_lost_is_not_left_out(workshop: Workshop) -> None:
    """Whoever waits is told that the file cannot be written."""
    experiment_id = workshop.done(spec())
    file = _file(workshop, experiment_id)
    workshop.store._runs.pop(Grid(spec()).run(3).key)
    _ask(workshop, file)
    work_off(Queue.INTERACTIVE, workshop.context(clock=Hours()))
    assert file.found() is None
    assert b"ResultsMissing" in (workshop.store.document(figure_error_key(file.key)) or b"")


def test_a_run_that_is_found_lost_before_the_first_is_read_is_not_left_out(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The experiment had succeeded when its record was read: rows of some runs are no file of it."""
    experiment_id, spec_of = workshop.done(spec()), workshop.store.spec
    file = _file(workshop, experiment_id)

    def lost_meanwhile(asked: str) -> bytes:
        workshop.store._runs.pop(Grid(spec()).run(3).key, None)
        workshop.store.summaries(asked, 0, 6)
        return spec_of(asked)

    monkeypatch.setattr(workshop.store, "spec", lost_meanwhile)
    _ask(workshop, file)
    work_off(Queue.INTERACTIVE, workshop.context())
    assert file.found() is None
    assert b"ResultsMissing" in (workshop.store.document(figure_error_key(file.key)) or b"")


@pytest.mark.parametrize("error", [StoreFull("full"), ValueError("whatever")])
def test_whoever_waits_is_told_why_a_file_is_not_written(
    workshop: Workshop, error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """For a while, in which nobody asks again; the log says so as well."""
    experiment_id = workshop.done(spec())
    file = _file(workshop, experiment_id)

    def refuse(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(workshop.store, "keep_document", refuse)
    _ask(workshop, file)
    work_off(Queue.INTERACTIVE, workshop.context())
    assert str(error).encode() in (workshop.store.document(figure_error_key(file.key)) or b"")
    assert experiment_id in caplog.text


def test_a_store_that_is_away_is_no_fault_of_a_file(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker leaves the queue alone; whoever still waits asks again."""
    experiment_id = workshop.done(spec())
    file = _file(workshop, experiment_id)
    _ask(workshop, file)
    with monkeypatch.context() as away:

        def refuse(*_: Any, **__: Any) -> None:
            raise StoreUnavailable("away")

        away.setattr(workshop.store, "summaries", refuse)
        work_off(Queue.INTERACTIVE, workshop.context())
    assert workshop.store.document(figure_error_key(file.key)) is None
    assert file.found() is None


def test_nothing_is_written_that_another_version_asks_for(workshop: Workshop) -> None:
    """Or of an experiment that has not succeeded, or is gone."""
    experiment_id, active = workshop.done(spec()), workshop.submit(spec(scales=(0.2,)))
    file = _file(workshop, experiment_id)
    key = f"results:{experiment_id}:another state:csv"
    for asked in (
        FigureRequest(experiment_id=experiment_id, figure=RESULTS_FILE, format="csv", key=key),
        FigureRequest(experiment_id=active, figure=RESULTS_FILE, format="csv", key=_file(workshop, active).key),
        FigureRequest(experiment_id="nobody", figure=RESULTS_FILE, format="csv", key=key),
    ):
        exports = Exports(workshop.context())
        exports.begin(asked)
        while exports.go_on():
            pass
    assert file.found() is None
    assert _file(workshop, active).found() is None
    assert workshop.store.document(figure_error_key(key)) is None
