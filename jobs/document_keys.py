"""Under which key each document of the store is kept."""

from core.identity import NUMERICS_VERSION, content_hash


def analysis_key(problem_key: str, numerics: str = NUMERICS_VERSION) -> str:
    """Where the analysis of a problem is kept; another numerics version has another place."""
    return f"analysis:{numerics}:{problem_key}"


def interpolators_key(problem_key: str, numerics: str = NUMERICS_VERSION) -> str:
    """Where the predictors of a problem's reference interpolators are kept, beside its analysis."""
    return f"interpolators:{numerics}:{problem_key}"


def figure_key(spec: str, name: str, form: str, state: str) -> str:
    """Where a figure is kept; another `state` of an experiment of the same spec has another place."""
    return f"figure:{content_hash({'spec': spec, 'figure': name, 'format': form, 'state': state})}"


def figure_error_key(figure: str) -> str:
    """Where it is kept, for a while, why the figure of this key could not be drawn."""
    return f"error of {figure}"


def data_analysis_key(dataset_id: str, numerics: str = NUMERICS_VERSION, *, transform: str = "") -> str:
    """Where the analysis of an uploaded data set is kept, as it is or transformed, by a numerics version."""
    of = f":{content_hash({'transform': transform})}" if transform else ""
    return f"data-analysis:{numerics}:{dataset_id}{of}"


def dataset_key(dataset_id: str) -> str:
    """Where the arrays of an uploaded data set are kept."""
    return f"dataset:{dataset_id}"


def dataset_description_key(dataset_id: str) -> str:
    """Where the description of an uploaded data set is kept: it is asked for often, its arrays may be megabytes."""
    return f"dataset-description:{dataset_id}"


def results_key(experiment_id: str, state: str) -> str:
    """Where it is kept how finished results are kept, or what was found in them; another `state` has another place."""
    return f"results:{experiment_id}:{state}"


def results_piece_key(experiment_id: str, writing: str, number: int) -> str:
    """Where a piece of such results is kept; `writing` tells apart those who wrote at the same moment."""
    return f"results-piece:{experiment_id}:{writing}:{number}"
