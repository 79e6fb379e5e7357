"""Whole experiments against the second core: every optimiser on every network, in fifty digits.

Each number that a spec of few steps comes to lies within the error that float64 can have made on the way. Here are a
hundred specs; `make explore TESTS=tests/core/experiment/test_second_core.py` draws a thousand others at a time.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.descent.gradient_noise import GradientNoise
from core.experiment.dataset import dataset_of, no_uploads
from core.experiment.run import run
from core.networks.initialization import normal_scales
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from core.sweep.grid_run import Run
from tests.reference import second_core
from tests.reference.rounded import Rounded, exactly
from tests.reference.second_core import UV, Descent, Law, Path

PARTS = ("u_plus", "u_minus", "v_plus", "v_minus")


def decimals(least: float, most: float) -> st.SearchStrategy[float]:
    """Numbers of six digits: a spec has no more than twelve."""
    return st.floats(least, most).map(lambda number: float(f"{number:.6g}"))


SEEDS = st.integers(0, 10**6)
DATA = st.builds(
    lambda sparsity, more, **fields: {
        "kind": "sparse_regression",
        "sparsity": sparsity,
        "dimension": sparsity + more,
        **fields,
    },
    sparsity=st.integers(1, 2),
    more=st.integers(0, 2),
    samples=st.integers(1, 4),
    mean=st.sampled_from([0.0, 1.0, 5.0]),
    variance=decimals(0.1, 5.0),
    noise_variance=st.sampled_from([0.0, 0.01]),
    seed=SEEDS,
)
MODELS = st.one_of(
    st.builds(lambda depth: {"kind": "diagonal", "depth": depth}, st.integers(2, 5)),
    st.builds(lambda shape: {"kind": "uv", "shape": shape}, decimals(-0.9, 0.9)),
)
SCALES = decimals(0.05, 1.5)
STARTS = st.one_of(
    st.builds(lambda scale: {"kind": "uniform", "scale": scale}, SCALES),
    st.builds(
        lambda scale, independent, seed: {"kind": "normal", "scale": scale, "independent": independent, "seed": seed},
        SCALES,
        st.booleans(),
        SEEDS,
    ),
    st.builds(
        lambda scale, vector: {"kind": "vector", "scale": scale, "vector": vector},
        SCALES,
        st.lists(st.sampled_from([-1.5, -0.7, 0.4, 1.0, 1.3]), min_size=4, max_size=4),
    ),
)
OPTIMIZERS = st.one_of(
    st.builds(lambda: {"kind": "gradient_descent"}),
    st.builds(lambda size, seed: {"kind": "sgd", "batch_size": size, "seed": seed}, st.integers(1, 4), SEEDS),
    st.builds(
        lambda variance, steps, seed: {
            "kind": "label_noise",
            "noise_variance": variance,
            "noise_steps": steps,
            "seed": seed,
        },
        decimals(0.01, 2.0),
        st.integers(1, 6),
        SEEDS,
    ),
    st.builds(lambda momentum: {"kind": "heavy_ball", "momentum": momentum}, decimals(0.0, 0.95)),
)


def bounded_step(share: float, spec: dict[str, Any]) -> float:
    """A share of 1/Ê‖x‖²s², s the slopes at the start or a little beyond: most runs do not blow up."""
    data, model, scale = spec["data"], spec["model"], spec["initialization"]["scale"]
    degree, shape = model.get("depth", 2), abs(model.get("shape", 0.0))
    size = max(1.0, 2 * scale * ((1 + shape) / (1 - shape)) ** 0.5)
    square = data["dimension"] * (data["mean"] ** 2 + data["variance"])
    return float(f"{share / (square * (degree * size ** (degree - 1)) ** 2):.6g}")


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """The document of one run of few steps."""
    spec = {"data": draw(DATA), "model": draw(MODELS), "initialization": draw(STARTS), "optimizer": draw(OPTIMIZERS)}
    if "vector" in spec["initialization"]:
        spec["initialization"]["vector"] = spec["initialization"]["vector"][: spec["data"]["dimension"]]
    share, warmup_steps = 10 ** draw(st.floats(-3.0, 0.5)), draw(st.integers(0, 9))
    spec["optimizer"] |= {"step_size": bounded_step(share, spec), "warmup_steps": warmup_steps}
    if "batch_size" in spec["optimizer"]:
        spec["optimizer"]["batch_size"] = min(spec["optimizer"]["batch_size"], spec["data"]["samples"])
    return spec | {"stopping": {"steps": draw(st.integers(1, 7))}, "recording": {"points": 0}}


def law_of(data: dict[str, Any]) -> Law:
    """The law that the data are drawn from."""
    return Law(**{name: data[name] for name in ("mean", "variance", "noise_variance", "sparsity")})


def start_of(known: Run, depth: int, shape: float) -> second_core.Rows:
    """θ(0), of the vector of its spec or of the normal numbers that the project draws."""
    start, dim = known.spec.initialization.model_dump(), known.spec.data.model_dump()["dimension"]
    draws = np.ones((2, dim))
    if start["kind"] == "normal":
        draws = normal_scales(1.0, dim, seed=start["seed"], independent=start["independent"])
    if start["kind"] == "vector":
        draws = np.array([start["vector"]] * 2)
    plus, minus = ([exactly(start["scale"]) * exactly(float(z)) for z in part] for part in draws)
    return second_core.initial((plus, minus), depth, shape)


def descent_of(known: Run, steps: int, samples: int) -> Descent:
    """The optimiser, with the minibatches or the label noise that the project draws."""
    optimizer = known.spec.optimizer
    own = optimizer.own_numbers()
    noise = GradientNoise([known.optimizer], [known.seed], samples).between(0, steps)
    weight, shift = noise.weight, noise.shift
    batches = None if weight is None else [np.flatnonzero(row).tolist() for row in weight[:, 0]]
    assert {len(batch) for batch in batches or []} == ({own["batch_size"]} if batches else set())
    return Descent(
        step_size=float(optimizer.model_dump()["step_size"]),
        warmup_steps=optimizer.warmup_steps,
        momentum=own.get("momentum", 0.0),
        batches=batches,
        label_noise=None if shift is None else shift[:, 0].tolist(),
    )


def walked(known: Run, spec: dict[str, Any]) -> tuple[Path, Law]:
    """The second core's path of a run, on the very data, whose drawing it checks."""
    data, law = known.spec.data.model_dump(), law_of(spec["data"])
    drawn = dataset_of(known.spec.data, no_uploads)
    rng = np.random.default_rng(data["seed"])
    normal = rng.standard_normal((data["samples"], data["dimension"]))
    X, y = law.data(normal.tolist(), rng.standard_normal(data["samples"]).tolist())
    assert not missed(drawn.X.ravel(), [entry for row in X for entry in row])
    assert not missed(drawn.y, y)
    model = known.spec.model.model_dump()
    depth = model.get("depth", UV)
    path = Path(
        X=[[exactly(entry) for entry in row] for row in drawn.X.tolist()],
        y=[exactly(entry) for entry in drawn.y.tolist()],
        depth=depth,
        theta=start_of(known, depth, model.get("shape", 0.0)),
    )
    steps = spec["stopping"]["steps"]
    return path.walk(descent_of(known, steps, data["samples"]), steps), law


def missed(found: Any, known: list[Rounded]) -> list[tuple[float, Rounded]]:
    """The numbers that are further from the known ones than float64 can be."""
    return [(number, each) for number, each in zip(found, known, strict=True) if each.misses(float(number))]


@given(spec=specs())
def test_whole_runs_are_those_of_the_second_core(spec: dict[str, Any]) -> None:
    """Parameters, sums, risks, sharpness, bounds and certificate, each within its running error."""
    document = ExperimentSpec.model_validate({"name": "", **spec})
    (known,) = Grid(document).runs()
    path, law = walked(known, spec)
    done = run(document)
    (found,), (arrays,) = done.summaries, done.arrays
    beta = second_core.predictor(path.theta, path.depth)
    assert found["steps"] == spec["stopping"]["steps"]
    assert not missed(
        np.concatenate([arrays[name] for name in PARTS[: len(path.theta)]]), [u for part in path.theta for u in part]
    )
    assert not missed(arrays["gradient_sum"], path.gradient_sum)
    if found["outcome"] == "diverged":
        assert second_core.loss(path).value > 10**12 * second_core.loss(replace(path, theta=path.start)).value
        return
    known_numbers = {
        "train_loss": second_core.loss(path),
        "excess_risk": law.excess_risk(beta),
        "sharpness": second_core.top_eigenvalue(second_core.hessian(path)),
        "sharpness_lower_bound": second_core.stability_measure(path),
        "weighted_norm": second_core.weighted_norm(path),
    }
    assert not [(name, found[name], each) for name, each in known_numbers.items() if each.misses(found[name])]
    if known.optimizer.keeps_row_space_form and path.depth in {UV, 2}:
        scales = second_core.effective_scale(path)
        mean = second_core.total(scales) / len(scales)
        assert second_core.mirror_error(path) <= 1e-40
        assert not mean.misses(found["effective_init"])
        assert (found["certificate_residual"] or 0.0) <= second_core.certificate_bound(path)
