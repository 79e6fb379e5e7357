"""An experiment on uploaded data, from the upload to the figure."""

import json
from typing import Any

import numpy as np
import pytest

from api.datasets.kept import keep
from core.data.transforms import user_dataset
from core.data.user_arrays import UserArrays
from core.sweep.grid import Grid
from jobs.document_keys import analysis_key
from jobs.states import ExperimentStatus
from tests.worker.workshop import Workshop, spec
from worker.drawing import draw_figure

RNG = np.random.default_rng(0)
ARRAYS = {
    "X": 2 + RNG.standard_normal((3, 6)),
    "y": RNG.standard_normal(3),
    "true_predictor": RNG.standard_normal(6),
    "held_out_X": 2 + RNG.standard_normal((2, 6)),
    "held_out_y": RNG.standard_normal(2),
}
CENTRED = {"X": "centre", "y": "centre"}


def _uploaded(transform: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "dataset", "id": UserArrays.of(ARRAYS).id, "transform": transform}


def _inline(transform: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "inline", "transform": transform} | {name: array.tolist() for name, array in ARRAYS.items()}


@pytest.mark.parametrize("transform", [{}, CENTRED, {"X": "offset", "offset": 3.0}])
def test_uploaded_data_give_the_numbers_of_the_same_data_in_the_spec(transform: dict[str, Any]) -> None:
    """To the bit; only the identity of the data differs."""
    workshop = Workshop()
    keep(UserArrays.of(ARRAYS), store=workshop.store)
    # As multiples of the largest stable one, for an offset makes that small.
    parts: dict[str, Any] = {"step_size": {"fractions_of_max_stable": [0.03, 0.06]}, "scales": (0.3, 0.5)}
    uploaded = workshop.summaries(workshop.done(spec(data=_uploaded(transform), **parts)))
    inline = workshop.summaries(workshop.done(spec(data=_inline(transform), **parts)))
    assert len(uploaded) == len(inline) == 4
    for one, other in zip(uploaded, inline, strict=True):
        assert one.pop("data_key") != other.pop("data_key")
        # A twin is moved by a stream of its run, which is named by what it is of.
        assert all((each.pop("sensitivity") or 0) < 1e-12 for each in (one, other))
        assert one == other
        assert one["outcome"] == "converged"
        assert one["excess_risk"] is None
        assert one["test_loss"] > 0
        assert one["predictor_error"] > 0


def test_an_analysis_is_of_the_transformed_data() -> None:
    """Its digest says which."""
    workshop = Workshop()
    keep(UserArrays.of(ARRAYS), store=workshop.store)
    asked = spec(data=_uploaded(CENTRED))
    workshop.done(asked)
    kept = workshop.store.document(analysis_key(Grid(asked).run(0).problem_key))
    assert kept is not None
    expected = user_dataset(**ARRAYS, transform=CENTRED | {"offset": 0.0}).digest
    assert json.loads(kept)["digest"] == expected
    assert json.loads(kept)["least_squared_mean"] < 1e-28


def test_an_experiment_whose_upload_is_gone_fails_and_says_so() -> None:
    """The sentence is the experiment's error."""
    workshop = Workshop()
    experiment = workshop.experiment(workshop.done(spec(data=_uploaded({}))))
    assert experiment.status is ExperimentStatus.FAILED
    assert "upload it again" in str(experiment.error)


def test_an_upload_that_comes_back_is_trained_on() -> None:
    """After a retry."""
    workshop = Workshop()
    experiment_id = workshop.done(spec(data=_uploaded({})))
    keep(UserArrays.of(ARRAYS), store=workshop.store)
    workshop.store.retry(experiment_id)
    workshop.work_off()
    assert workshop.experiment(experiment_id).status is ExperimentStatus.SUCCEEDED


@pytest.mark.parametrize("figure", ["risk", "predictor"])
def test_a_figure_of_uploaded_data_is_drawn(figure: str) -> None:
    """With the true predictor, where that is shown."""
    workshop = Workshop()
    keep(UserArrays.of(ARRAYS), store=workshop.store)
    experiment_id = workshop.done(spec(data=_uploaded(CENTRED)))
    assert draw_figure(workshop.context(), experiment_id, figure, "png").startswith(b"\x89PNG")
