"""Which specs are run."""

from typing import Any

import pytest

from core.spec import ExperimentSpec
from core.support import UnsupportedSpec, require_supported

_SPEC: dict[str, Any] = {
    "data": {"kind": "sparse_regression"},
    "initialization": {"kind": "uniform", "scale": 1.0},
    "optimizer": {"kind": "gradient_descent", "step_size": 0.1},
}
_INLINE: dict[str, Any] = {"kind": "inline", "X": [[1.0]], "y": [1.0]}
_STEP: dict[str, Any] = {"step_size": 0.1}


def _spec(**parts: Any) -> ExperimentSpec:
    return ExperimentSpec.model_validate(_SPEC | parts)


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"data": _INLINE},
        {"data": _INLINE | {"transform": {"X": "none", "y": "none"}}},
        {"model": {"kind": "diagonal", "depth": {"values": [3, 2, 4]}}},
        {"model": {"kind": "uv", "shape": 0.5}},
        {"initialization": {"kind": "normal", "scale": 1.0}},
        {"optimizer": _STEP | {"kind": "sgd", "batch_size": 1}},
        {"optimizer": _STEP | {"kind": "label_noise", "noise_variance": 1.0, "noise_steps": 1}},
        {"optimizer": _STEP | {"kind": "heavy_ball", "momentum": 0.5}},
    ],
)
def test_what_is_run_is_supported(parts: dict[str, Any]) -> None:
    """Nothing is raised."""
    require_supported(_spec(**parts))


@pytest.mark.parametrize(
    ("parts", "pointers"),
    [
        ({"data": {"kind": "dataset", "id": "abc"}}, ["/data/kind"]),
        ({"data": _INLINE | {"transform": {"X": "centre", "y": "offset"}}}, ["/data/transform/X", "/data/transform/y"]),
        ({"data": _INLINE | {"transform": {"offset": 1.0}}}, ["/data/transform/offset"]),
        ({"data": _INLINE | {"true_predictor": [1.0]}}, ["/data/true_predictor"]),
    ],
)
def test_what_is_not_run_is_refused_part_by_part(parts: dict[str, Any], pointers: list[str]) -> None:
    """Each part is pointed at, so nothing of a spec is ignored."""
    with pytest.raises(UnsupportedSpec) as refusal:
        require_supported(_spec(**parts))
    assert [part.pointer for part in refusal.value.parts] == pointers
    assert all(part.sentence for part in refusal.value.parts)
