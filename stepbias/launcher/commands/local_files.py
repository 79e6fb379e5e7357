"""The files that `fetch` would save of an experiment, made of its results: what the API does with what is stored."""

from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any

from fastapi.responses import JSONResponse

from core.errors import StepbiasError
from core.experiment.dataset import dataset_of, no_uploads
from core.experiment.run import ExperimentResults
from core.exports.files import file_pieces
from core.exports.format import Format
from core.figures.draw import picture
from core.figures.layouts.catalogue import FIGURES, suitable
from core.figures.results import Results
from core.report import page, report
from core.results.curve_question import CurveQuestion
from core.results.heading import Heading
from core.results.problem_arrays import data_of, interpolators_of
from core.results.result import to_xarray
from core.results.run_arrays import end_of, trajectory_of, vectors_of
from core.sweep.grid import GridProblem
from jobs.states import ExperimentStatus
from stepbias import ProblemError
from stepbias.cli.experiment_files import Files


def files_of(results: ExperimentResults, *, arrays: bool, trajectories: bool) -> Files:
    """Spec, results, curves, report and figures; with `arrays` and `trajectories` the numbers behind them."""
    files = {**_documents(results), **_figures(results)}
    if arrays:
        files |= _numbered(results, "runs", partial(_end, results)) | _problem_files(results)
    if trajectories:
        files |= _numbered(results, "trajectories", partial(_trajectory, results))
        if results.grid.spec.recording.vectors:
            files |= _numbered(results, "vectors", partial(_vectors, results))
    return {name: partial(_offered, content) for name, content in files.items()}


def results_file(results: ExperimentResults, form: str) -> bytes:
    """All runs as one file of this format."""
    runs = [list(enumerate(results.summaries))]
    return b"".join(file_pieces(Format(form), results.grid, runs, _heading(results).attributes))


def _offered(content: Callable[[], bytes]) -> bytes:
    """The content.

    Raises:
        ProblemError: this experiment does not offer it.
    """
    try:
        return content()
    except StepbiasError as error:
        title = "It does not suit the experiment"
        raise ProblemError(status=HTTPStatus.UNPROCESSABLE_ENTITY, title=title, detail=str(error)) from None


def _heading(results: ExperimentResults) -> Heading:
    """That of an experiment which has succeeded; nobody gave it an id, so its content does."""
    spec, count = results.grid.spec, len(results.grid)
    return Heading(
        experiment_id=spec.content_hash()[:16],
        name=spec.name,
        status=str(ExperimentStatus.SUCCEEDED),
        runs_total=count,
        runs_done=count,
    )


def _documents(results: ExperimentResults) -> dict[str, Callable[[], bytes]]:
    grid, summaries, heading = results.grid, results.summaries, _heading(results)
    found = report(grid, summaries, results.analyses)
    return {
        "spec.json": grid.spec.canonical,
        "results.json": lambda: _json(to_xarray(grid, summaries, heading.attributes)),
        "curves.json": lambda: _json(
            CurveQuestion.of(grid, summaries).curves(grid, summaries, results.analyses).to_document()
        ),
        "report.json": lambda: _json(heading.identity | found.to_document()),
        "report.txt": lambda: page(found, title=heading.title).encode(),
    }


def _json(document: Mapping[str, Any]) -> bytes:
    """The bytes that the API answers."""
    return bytes(JSONResponse(document).body)


def _figures(results: ExperimentResults) -> dict[str, Callable[[], bytes]]:
    def true_predictor(index: int) -> Any:
        return dataset_of(results.grid.run(index).spec.data, no_uploads).true_predictor

    drawn_from = Results(
        grid=results.grid,
        summaries=results.summaries,
        analyses=results.analyses,
        name=results.grid.spec.name,
        arrays=results.arrays.__getitem__,
        true_predictor=true_predictor,
    )
    return {f"{name}.png": partial(_picture, name, drawn_from) for name in suitable(results.grid)}


def _picture(name: str, results: Results) -> bytes:
    return picture(FIGURES[name], results).file("png")


def _numbered(results: ExperimentResults, folder: str, of: Callable[[int], bytes]) -> dict[str, Callable[[], bytes]]:
    """A file for each run, named by its index: names in order are runs in order."""
    count = len(results.grid)
    digits = len(str(count - 1))
    return {f"{folder}/{index:0{digits}}.npz": partial(of, index) for index in range(count)}


def _end(results: ExperimentResults, index: int) -> bytes:
    run = results.grid.run(index)
    truth = dataset_of(run.spec.data, no_uploads).true_predictor
    return end_of(run, results.summaries[index], results.arrays[index], truth).to_npz()


def _vectors(results: ExperimentResults, index: int) -> bytes:
    return vectors_of(results.grid.run(index), results.summaries[index], results.arrays[index]).to_npz()


def _trajectory(results: ExperimentResults, index: int) -> bytes:
    return trajectory_of(results.grid.run(index), results.summaries[index], results.arrays[index]).to_npz()


def _problem_files(results: ExperimentResults) -> dict[str, Callable[[], bytes]]:
    files: dict[str, Callable[[], bytes]] = {}
    for problem in results.grid.each_problem():
        files[f"problems/{problem.number}-data.npz"] = partial(_data, problem)
        found = interpolators_of(results.interpolators[problem.key], {})
        files[f"problems/{problem.number}-interpolators.npz"] = found.to_npz
    return files


def _data(problem: GridProblem) -> bytes:
    return data_of(dataset_of(problem.data, no_uploads), {}).to_npz()
