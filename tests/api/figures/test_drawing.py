"""Figures: drawn by a worker while the request waits, and kept."""

from collections.abc import Iterator

import pytest

from api.figures.drawing import ASK_AGAIN_SECONDS
from core.figures.layouts.files import MEDIA_TYPES
from core.figures.layouts.options import FigureOptions
from core.figures.render import Format
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from jobs.records import Queue
from jobs.settings import Settings
from tests.api.service import EXPERIMENTS, DrawingBell, Service, assert_problem, service
from tests.reference.memory_store import MemoryStore
from worker.drawing import ERROR_SECONDS

_CONVERGED = {"outcome": "converged"}


@pytest.fixture
def drawing() -> Iterator[Service]:
    """A service whose worker draws at once."""
    one = service(bell=DrawingBell(b"a picture"))
    with one.client:
        yield one


def _figure(identifier: str, name: str = "risk.png") -> str:
    return f"{EXPERIMENTS}/{identifier}/figures/{name}"


def test_figures_are_listed_with_links_that_draw_them(drawing: Service) -> None:
    """In each format."""
    identifier = drawing.submit()
    drawing.train(identifier, [_CONVERGED] * 2)
    figures = drawing.get(f"{EXPERIMENTS}/{identifier}/figures").json()["figures"]
    assert "risk" in [figure["name"] for figure in figures]
    media_types = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}
    media_types |= {"csv": "text/csv; charset=utf-8", "txt": "text/plain; charset=utf-8"}
    for figure in figures:
        assert set(figure["links"]) == set(media_types)
        for format_, link in figure["links"].items():
            response = drawing.get(link)
            assert (response.status_code, response.content) == (200, b"a picture")
            assert response.headers["content-type"] == media_types[format_]


def test_the_formats_are_those_that_figures_are_drawn_in() -> None:
    """Known here without drawing, and numbers and words besides: this process does not load Matplotlib."""
    assert {str(known) for known in (*Format, "csv", "txt")} == set(MEDIA_TYPES)


def test_a_figure_in_another_style_or_of_another_part_is_another_figure(drawing: Service) -> None:
    """The worker is told what is asked for; the same in another spelling is the same."""
    identifier = drawing.submit()
    drawing.train(identifier, [_CONVERGED] * 2)
    bell = drawing.bell
    assert isinstance(bell, DrawingBell)
    wishes = ["", "?style=dark", "?size=6x4", "?size=6x4&dpi=100", "?y_min=0.1&y_max=1e1", "?where.step_size=0.001"]
    for wish in (*wishes, "?size=6.0x4.00", "?style=paper", "?where.step_size=1e-3"):
        response = drawing.get(_figure(identifier) + wish)
        assert response.status_code == 200, response.text
    assert bell.drawn == len(wishes)
    asked = [FigureOptions.from_text(each.options) for each in bell.asked]
    assert asked[1] == FigureOptions(style="dark")
    assert asked[4:] == [FigureOptions(y_min=0.1, y_max=10.0), FigureOptions(where={"step_size": (0.001,)})]


@pytest.mark.parametrize(
    ("name", "query", "parameter", "sentence"),
    [
        ("risk", "style=neon", "style", "'paper', 'slide' or 'dark'"),
        ("risk", "colour=red", "colour", "no such parameter"),
        ("risk", "size=6", "size", "WIDTHxHEIGHT in inches is wanted"),
        ("risk", "size=600x4", "size", "between 2 and 30 inches"),
        ("risk", "dpi=600", "dpi", "between 40 and 300; with a size up to 1200"),
        ("risk", "dpi=many", "dpi", "a number is wanted"),
        (
            "risk",
            "size=20x20&dpi=400",
            "dpi",
            "8000 × 8000 pixels are more than 30,000,000; at this size 273 dots per inch fit",
        ),
        ("risk", "y_min=1&y_max=0.5", "y_max", "y_min is below y_max"),
        ("risk", "y_min=-1", "y_min", "logarithmic"),
        ("risk", "runs=0", "runs", "aggregates runs"),
        ("predictor", "runs=0,99", "runs", "runs 0 to 1"),
        ("predictor", "runs=0,0", "runs", "each once"),
        ("risk", "where.step_size=7", "where.step_size", "no such value"),
        ("risk", "where.momentum=0.9", "where.momentum", "sweeps no such number"),
        ("risk", "where.step_size=a", "where.step_size", "a number is wanted"),
    ],
)
def test_what_cannot_be_drawn_so_is_refused_with_the_numbers(
    drawing: Service, name: str, query: str, parameter: str, sentence: str
) -> None:
    """And no worker is asked."""
    identifier = drawing.submit()
    drawing.train(identifier, [_CONVERGED] * 2)
    problem = assert_problem(drawing.get(f"{_figure(identifier, f'{name}.png')}?{query}"), 422)
    assert sentence in str(problem)
    assert parameter in str(problem["errors"])
    assert isinstance(drawing.bell, DrawingBell)
    assert drawing.bell.drawn == 0


def test_a_figure_is_drawn_once_until_more_is_computed(drawing: Service) -> None:
    """Its key is its content."""
    identifier = drawing.submit()
    drawing.train(identifier, [_CONVERGED])
    assert isinstance(drawing.bell, DrawingBell)
    for _ in range(3):
        assert drawing.get(_figure(identifier)).status_code == 200
    assert drawing.bell.drawn == 1
    assert drawing.get(_figure(identifier, "risk.svg")).status_code == 200
    drawing.client.post(f"{EXPERIMENTS}/{identifier}/cancel")
    assert drawing.get(_figure(identifier)).status_code == 200
    assert drawing.bell.drawn == 2


def test_figures_of_equally_many_other_runs_are_other_figures(drawing: Service) -> None:
    """A count would take one for the other; a name is drawn, and where all is equal, so is the figure."""
    first = drawing.submit(name="one")
    drawing.train(first, [_CONVERGED])
    assert drawing.get(_figure(first)).status_code == 200
    experiment = drawing.store._experiments[first]
    experiment.outcomes = {1: experiment.outcomes.pop(0)}
    assert drawing.get(_figure(first)).status_code == 200
    assert isinstance(drawing.bell, DrawingBell)
    assert drawing.bell.drawn == 2
    drawing.client.post(f"{EXPERIMENTS}/{first}/cancel")
    for name, drawn in (("one", 3), ("other", 4)):
        again = drawing.submit(name=name)
        drawing.train(again, [_CONVERGED] * 2)
        assert drawing.get(_figure(again)).status_code == 200
        assert drawing.bell.drawn == drawn


def test_a_figure_or_format_that_is_not_there_is_not_found(drawing: Service) -> None:
    """Nothing is asked of a worker."""
    identifier = drawing.submit()
    drawing.train(identifier, [_CONVERGED])
    for name in ("sunset.png", "risk.gif", "risk.", ".png", "risk.png.png"):
        assert_problem(drawing.get(_figure(identifier, name)), 404)
    assert_problem(drawing.get(_figure(identifier, "risk")), 404)
    assert_problem(drawing.get(_figure("none")), 404)


def test_an_experiment_without_results_has_nothing_to_draw(drawing: Service) -> None:
    """409, since waiting for the experiment helps and asking for the figure does not."""
    assert_problem(drawing.get(_figure(drawing.submit())), 409)


def test_a_drawing_that_fails_is_a_problem_and_is_tried_again_after_a_while() -> None:
    """The worker's error is not told; who asks at once again is told the same, and no worker is asked."""
    bell, now = DrawingBell(None), [1_800_000_000.0]
    one = service(bell=bell, store=MemoryStore(Settings(), lambda: now[0]))
    with one.client:
        identifier = one.submit()
        one.train(identifier, [_CONVERGED])
        bell.rings.clear()
        for _ in range(2):
            response = one.get(_figure(identifier))
            assert assert_problem(response, 500)["type"] == "urn:stepbias:problem:drawing-failed"
            assert "no ink" not in response.text
        assert bell.rings == {Queue.INTERACTIVE: 1}
        bell.figure = b"at last"
        now[0] += max(ERROR_SECONDS, ASK_AGAIN_SECONDS) + 1
        assert one.get(_figure(identifier)).content == b"at last"


def test_a_figure_of_what_was_found_damaged_meanwhile_is_to_be_asked_for_again() -> None:
    """The worker that reads a run that is not there any more draws nothing; there is less to draw from then on."""
    bell = DrawingBell(None)
    one = service(bell=bell)
    with one.client:
        identifier = one.submit()
        one.train(identifier, [_CONVERGED] * 2)
        one.store._runs.pop(Grid(ExperimentSpec.model_validate_json(one.store.spec(identifier))).run(1).key)
        ring = bell.ring

        def read_and_ring(queue: Queue, times: int = 1) -> None:
            one.store.summaries(identifier, 0, 2)
            ring(queue, times)

        bell.ring = read_and_ring  # type: ignore[method-assign]
        refused = one.get(_figure(identifier))
        assert assert_problem(refused, 503)["type"].endswith("results-changed")
        bell.figure = b"of one run"
        assert one.get(_figure(identifier)).content == b"of one run"


def test_a_figure_that_takes_too_long_is_asked_for_again() -> None:
    """503 with a time; one wish, in the queue that people wait for, which is rung for once."""
    one = service(patience=0.05)
    with one.client:
        identifier = one.submit()
        one.train(identifier, [_CONVERGED])
        one.bell.rings.clear()
        for _ in range(2):
            response = one.get(_figure(identifier))
            assert_problem(response, 503)
            assert int(response.headers["retry-after"]) > 0
        assert one.bell.rings == {Queue.INTERACTIVE: 1}
        request = one.store.next_figure()
        assert request is not None
        assert one.store.next_figure() is None
        assert (request.experiment_id, request.figure, request.format) == (identifier, "risk", "png")
        one.store.put_document(request.key, b"late")
        assert one.get(_figure(identifier)).content == b"late"


def test_a_figure_whose_worker_died_over_it_is_asked_for_once_more() -> None:
    """After a while, by whoever still wants it."""
    now = [1_800_000_000.0]
    one = service(patience=0.05, store=MemoryStore(Settings(), lambda: now[0]))
    with one.client:
        identifier = one.submit()
        one.train(identifier, [_CONVERGED])
        assert_problem(one.get(_figure(identifier)), 503)
        assert one.store.next_figure() is not None
        assert_problem(one.get(_figure(identifier)), 503)
        assert one.store.next_figure() is None
        now[0] += ASK_AGAIN_SECONDS + 1
        assert_problem(one.get(_figure(identifier)), 503)
        assert one.store.next_figure() is not None


def test_a_figure_that_the_experiment_cannot_offer_is_refused_with_the_reason(drawing: Service) -> None:
    """Nothing is swept: there is nothing to put along an axis, and no worker is asked."""
    identifier = drawing.submit(
        initialization={"kind": "uniform", "scale": 0.1}, optimizer={"kind": "gradient_descent", "step_size": 1e-3}
    )
    drawing.train(identifier, [_CONVERGED])
    figures = drawing.get(f"{EXPERIMENTS}/{identifier}/figures").json()["figures"]
    assert "risk" not in [figure["name"] for figure in figures]
    problem = assert_problem(drawing.get(_figure(identifier)), 422)
    assert "sweeps a number" in problem["detail"]
    assert isinstance(drawing.bell, DrawingBell)
    assert drawing.bell.drawn == 0
