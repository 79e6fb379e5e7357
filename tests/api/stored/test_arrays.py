"""The numbers behind the summaries: nothing here looks into the store but to compare."""

import io
import math
from collections.abc import Iterator
from functools import reduce
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.results.problem_arrays import INTERPOLATORS
from core.training.recording import QUANTITIES
from jobs.connection import connect
from jobs.document_keys import analysis_key, interpolators_key
from jobs.redis_store import RedisStore
from jobs.settings import Settings
from tests.api.service import Service, assert_problem
from tests.api.service import spec as small
from tests.api.working_service import WorkingService
from tests.reference.memory_store import MemoryStore

DATA: dict[str, Any] = {"kind": "sparse_regression", "samples": 5, "dimension": 10, "sparsity": 2}
DESCENT: dict[str, Any] = {"kind": "gradient_descent", "step_size": {"values": [0.002, 0.005]}, "warmup_steps": 100}
PARTS = ("runs/0/trajectory", "runs/0/vectors", "runs/0/arrays", "analysis/0/data", "analysis/0/interpolators")
AT_DEPTH_2 = INTERPOLATORS.keys() - {"least_parameter_norm"}


def spec(**parts: Any) -> dict[str, Any]:
    """Four runs that iterate to the end."""
    return {
        "data": DATA,
        "initialization": {"kind": "uniform", "scale": {"values": [0.1, 0.5]}},
        "optimizer": DESCENT,
        "stopping": {"loss_tolerance": 1e-8, "max_steps": 100_000, "finish": "iterate"},
        "recording": {"points": 10},
    } | parts


@pytest.fixture(scope="module")
def service() -> Iterator[WorkingService]:
    """A service in memory."""
    settings = Settings()
    one = WorkingService.over(MemoryStore(settings), settings)
    with one.client:
        yield one


@pytest.fixture(scope="module")
def squared(service: WorkingService) -> str:
    """The four runs, finished."""
    return service.done(spec())


def rows(service: WorkingService, place: str) -> list[dict[str, Any]]:
    """The four runs with their summaries."""
    found: list[dict[str, Any]] = service.document(f"{place}/runs")["runs"]
    assert len(found) == 4
    return found


def numbers(document: dict[str, Any]) -> dict[str, np.ndarray]:
    """What a user makes of the JSON: null is NaN."""
    entries = document["coords"] | document["data_vars"]
    return {name: np.array(entry["data"], dtype=np.float64) for name, entry in entries.items()}


def loaded(content: bytes) -> dict[str, np.ndarray]:
    """What a user makes of the .npz file."""
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return dict(file)


@pytest.mark.parametrize("part", PARTS)
def test_json_and_file_have_the_same_numbers(service: WorkingService, squared: str, part: str) -> None:
    """To the bit: JSON writes as many digits as float64 needs; every array has its dimensions and its meaning."""
    document, file = service.document(f"{squared}/{part}"), service.get(f"{squared}/{part}.npz")
    assert file.headers["content-type"] == "application/x-npz"
    arrays, plain = loaded(file.content), numbers(document)
    assert arrays.keys() == plain.keys()
    assert arrays
    for name, entry in (document["coords"] | document["data_vars"]).items():
        np.testing.assert_array_equal(arrays[name].astype(np.float64), plain[name])
        assert arrays[name].shape == tuple(document["dims"][dim] for dim in entry["dims"])
        assert entry["attrs"]["description"].endswith(".")
    assert service.get(f"{squared}/{part}.npz").content == file.content


@pytest.mark.parametrize("part", [*PARTS, *(f"{part}.npz" for part in PARTS)])
def test_head_answers_as_get_without_a_body(service: WorkingService, squared: str, part: str) -> None:
    """A client may ask how large a file is before it takes it."""
    head, get = service.client.head(f"{squared}/{part}"), service.get(f"{squared}/{part}")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"model": {"kind": "diagonal", "depth": 3}},
        {"model": {"kind": "uv", "shape": 0.5}},
        {"optimizer": DESCENT | {"kind": "heavy_ball", "momentum": 0.5}},
        {"optimizer": DESCENT | {"step_size": 1.0}},
        {"stopping": {"loss_tolerance": 1e-8}},
    ],
    ids=["squared", "cubed", "uv", "momentum", "diverging", "completed"],
)
def test_the_predictor_is_that_of_the_parameters_bit_for_bit(service: WorkingService, parts: dict[str, Any]) -> None:
    """Of every network, wherever the run ended; and the parameters are those that are stored."""
    place = service.done(spec(name=str(parts), **parts))
    runs = list(service.grid(place).runs())
    assert runs
    for run in runs:
        arrays = loaded(service.get(f"{place}/runs/{run.index}/arrays.npz").content)
        stored = service.stored(place, run.index)
        theta = np.stack([arrays[part] for part in run.network.parts])
        np.testing.assert_array_equal(theta, np.stack([stored[part] for part in run.network.parts]))
        np.testing.assert_array_equal(arrays["gradient_sum"], stored["gradient_sum"])
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(arrays["predictor"], run.network.predictor(theta))


PATHS: dict[str, Any] = {
    "points": 30,
    "spacing": "linear",
    "vectors": ["support", "predictor", "time_average", "balance"],
}
SADDLES: dict[str, Any] = {
    "data": {"kind": "inline", "X": [[1, 0.5, 0.7, 0], [0.5, 1, 0.1, 0.7]], "y": [1, 0]},
    "initialization": {"kind": "uniform", "scale": 1e-12},
    "optimizer": {"kind": "gradient_descent", "step_size": 0.05},
    "stopping": {"steps": 4000},
    "recording": PATHS | {"points": 200},
}


def test_the_vectors_of_a_run_are_what_the_spec_asks_for(service: WorkingService) -> None:
    """Shapes and meanings; the end is the last record; supports, plateaus and times fit one another."""
    place = service.done(SADDLES)
    document = service.document(f"{place}/runs/0/vectors")
    found, end = numbers(document), numbers(service.document(f"{place}/runs/0/arrays"))
    assert document["attrs"]["support_threshold"] == 1e-3
    assert {found[name].shape for name in ("predictor", "support", "time_average", "balance")} == {(200, 4)}
    np.testing.assert_array_equal(found["predictor"][-1], end["predictor"])
    np.testing.assert_array_equal(found["support"], np.abs(found["predictor"]) > 1e-3)
    np.testing.assert_array_equal(found["nonzeros"], found["support"].sum(axis=1))
    np.testing.assert_allclose(found["training_time"], 0.05 * found["record_step"], rtol=1e-12)
    assert found["plateau_loss"][:2] == pytest.approx([0.25, 0.05], rel=1e-3)
    assert found["plateau_predictor"].shape == (len(found["plateau_step"]), 4)
    assert set(found["plateau_step"]) <= set(found["record_step"])
    figure = service.client.get(f"{place}/figures")
    assert "plateaus" in figure.text


def test_there_are_the_steps_alone_where_no_vectors_are_asked_for(service: WorkingService, squared: str) -> None:
    """Those of the trajectory."""
    vectors, curves = (numbers(service.document(f"{squared}/runs/0/{part}")) for part in ("vectors", "trajectory"))
    assert vectors.keys() == {"record_step"}
    np.testing.assert_array_equal(vectors["record_step"], curves["record_step"])


def test_uv_has_a_balance_for_each_half(service: WorkingService) -> None:
    """Of u∘v the other half is 0, and none is sent; at D = 3 there is one."""
    for model, expected in (
        ({"kind": "uv", "shape": 0.5}, {"balance", "balance_minus"}),
        ({"kind": "uv_product"}, {"balance"}),
        ({"kind": "diagonal", "depth": 3}, {"balance"}),
    ):
        place = service.done(spec(model=model, recording=PATHS | {"vectors": ["balance"]}))
        found = numbers(service.document(f"{place}/runs/0/vectors"))
        assert {name for name in found if name.startswith("balance")} == expected
        assert not [name for name in found if name.startswith("plateau")]
        balance = found["balance"]
        np.testing.assert_allclose(balance[-1], balance[0], rtol=0.1, atol=1e-3)


def test_the_risk_of_the_predictor_is_that_of_the_summary(service: WorkingService, squared: str) -> None:
    """½(σ²‖e‖² + (μ·1ᵀe)²) with e = β − β*, by the formula of the reference and the numbers of the spec."""
    data = service.document(f"{squared}/spec")["data"]
    for row in rows(service, squared):
        arrays = numbers(service.document(f"{squared}/runs/{row['index']}/arrays"))
        error = arrays["predictor"] - arrays["true_predictor"]
        risk = (data["variance"] * (error @ error) + (data["mean"] * error.sum()) ** 2) / 2
        assert risk == pytest.approx(row["summary"]["excess_risk"], rel=1e-12)


def test_the_certificate_is_recomputed_from_http_alone(service: WorkingService, squared: str) -> None:
    """asinh(β/2A) − δ is in the row space of X although neither of its terms is; A has shrunk from α² on the way."""
    X = numbers(service.document(f"{squared}/analysis/0/data"))["X"]
    projector = np.linalg.pinv(X) @ X
    for row in rows(service, squared):
        arrays = numbers(service.document(f"{squared}/runs/{row['index']}/arrays"))
        A = np.square(arrays["effective_init"])
        delta = np.log(np.abs(arrays["u_plus"] / arrays["u_minus"])) + 2 * arrays["gradient_sum"]
        terms = np.arcsinh(arrays["predictor"] / (2 * A)), delta
        assert _outside(projector, terms[0] - terms[1]) < 1e-12
        assert all(_outside(projector, term) > 1e-8 for term in terms)
        assert arrays["effective_init"].mean() == pytest.approx(row["summary"]["effective_init"], rel=1e-14)
        assert (arrays["effective_init"] < row["coordinates"]["init_scale"]).all()


def _outside(projector: np.ndarray, vector: np.ndarray) -> float:
    return float(np.linalg.norm(vector - projector @ vector) / np.linalg.norm(vector))


def test_the_last_record_is_the_summary_to_float32(service: WorkingService, squared: str) -> None:
    """Of runs that iterate to their end; every quantity is there, against steps that grow from 0."""
    for row in rows(service, squared):
        arrays, summary = numbers(service.document(f"{squared}/runs/{row['index']}/trajectory")), row["summary"]
        assert set(QUANTITIES) == arrays.keys() - {"record_step", "stability_threshold"}
        assert arrays["record_step"][0] == 0
        assert (np.diff(arrays["record_step"]) > 0).all()
        assert arrays["record_step"][-1] == summary["steps"]
        assert arrays["stability_threshold"][-1] == summary["stability_threshold"]
        for name in QUANTITIES:
            assert arrays[name][-1] == pytest.approx(summary[name], rel=1e-6), name


def test_the_last_record_of_a_completed_run_is_of_its_iterate(service: WorkingService) -> None:
    """The limit is elsewhere: that is what completion is for."""
    place = service.done(spec(stopping={"loss_tolerance": 1e-12}))
    rows = service.document(f"{place}/runs")["runs"]
    completed = [row for row in rows if row["summary"]["finished_by"] == "completion"]
    assert completed
    for row in completed:
        arrays = numbers(service.document(f"{place}/runs/{row['index']}/trajectory"))
        assert arrays["train_loss"][-1] == pytest.approx(row["summary"]["iterate_train_loss"], rel=1e-6)
        assert arrays["train_loss"][-1] > 10 * row["summary"]["train_loss"]


def test_the_threshold_comes_down_as_the_step_size_warms_up(service: WorkingService, squared: str) -> None:
    """2/η_t with η_t = η(t+1)/W, then 2/η; with momentum (2 + 2m)/η."""
    document = service.document(f"{squared}/runs/1/trajectory")
    arrays = numbers(document)
    eta = document["attrs"]["step_size"] * np.minimum(
        1, (arrays["record_step"] + 1) / document["attrs"]["warmup_steps"]
    )
    np.testing.assert_allclose(arrays["stability_threshold"], 2 / eta, rtol=1e-15)
    moving = spec(optimizer={"kind": "heavy_ball", "momentum": 0.5, "step_size": 0.005})
    threshold = numbers(service.document(f"{service.done(moving)}/runs/0/trajectory"))["stability_threshold"]
    np.testing.assert_allclose(threshold, 3 / 0.005, rtol=1e-15)


def test_what_a_run_does_not_have_is_not_there(service: WorkingService) -> None:
    """√A at depth 3 and with momentum: no array, and a curve of nulls."""
    cubed = spec(model={"kind": "diagonal", "depth": 3}, name="cubed")
    for place in (service.done(cubed), service.done(spec(optimizer=DESCENT | {"kind": "heavy_ball", "momentum": 0.3}))):
        arrays = service.document(f"{place}/runs/0/arrays")["data_vars"]
        assert "effective_init" not in arrays
        assert "v_plus" not in arrays
        curve = service.document(f"{place}/runs/0/trajectory")["data_vars"]["effective_init"]["data"]
        assert curve
        assert set(curve) == {None}


def test_a_run_that_diverged_answers_null_where_nothing_is_finite(service: WorkingService) -> None:
    """JSON without NaN; the file keeps what the store has."""
    place = service.done(spec(optimizer={"kind": "gradient_descent", "step_size": 10.0}, name="far too large"))
    text = service.get(f"{place}/runs/0/arrays").text + service.get(f"{place}/runs/0/trajectory").text
    assert "NaN" not in text
    assert "Infinity" not in text
    assert service.document(f"{place}/runs/0/trajectory")["attrs"]["outcome"] == "diverged"


def test_nothing_recorded_is_an_empty_trajectory(service: WorkingService) -> None:
    """200, with every curve empty."""
    place = service.done(spec(recording={"points": 0}))
    document = service.document(f"{place}/runs/0/trajectory")
    assert document["dims"] == {"record_step": 0}
    assert document["coords"]["record_step"]["data"] == []
    assert {tuple(entry["data"]) for entry in document["data_vars"].values()} == {()}
    assert document["data_vars"].keys() == {*QUANTITIES, "stability_threshold"}


def test_data_are_those_that_the_runs_are_trained_on(service: WorkingService, squared: str) -> None:
    """Their digest is that of the analysis; centred where the spec centres them."""
    analysis = service.document(f"{squared}/analysis")["problems"][0]["analysis"]
    assert service.document(f"{squared}/analysis/0/data")["attrs"]["digest"] == analysis["digest"]
    given = {
        "X": [[1.0, 2.0, 3.0], [3.0, 0.0, 1.0]],
        "y": [1.0, 2.0],
        "held_out_X": [[1.0, 1.0, 1.0]],
        "held_out_y": [4.0],
    }
    own = {"kind": "inline", "transform": {"X": "centre", "y": "centre"}} | given
    arrays = numbers(service.document(f"{service.submit(spec(data=own))}/analysis/0/data"))
    assert arrays.keys() == given.keys()
    np.testing.assert_array_equal(arrays["X"], np.subtract(given["X"], [2.0, 1.0, 2.0]))
    np.testing.assert_array_equal(arrays["held_out_X"], [[-1.0, 0.0, -1.0]])
    np.testing.assert_array_equal(arrays["held_out_y"], [2.5])


def test_interpolators_are_those_of_the_analysis(service: WorkingService, squared: str) -> None:
    """They interpolate, and have the norms that the analysis states of them; the least ones are least."""
    (row,) = service.document(f"{squared}/analysis")["problems"]
    data, found = (numbers(service.document(f"{squared}/analysis/0/{part}")) for part in ("data", "interpolators"))
    assert found.keys() == AT_DEPTH_2 == row["analysis"]["interpolators"].keys()
    for name, predictor in found.items():
        np.testing.assert_allclose(data["X"] @ predictor, data["y"], rtol=1e-8)
        stated = row["analysis"]["interpolators"][name]
        assert np.abs(predictor).sum() == pytest.approx(stated["l1_norm"], rel=1e-14)
        assert np.linalg.norm(predictor) == pytest.approx(stated["l2_norm"], rel=1e-14)
    l1, l2 = ({name: float(np.linalg.norm(beta, p)) for name, beta in found.items()} for p in (1, 2))
    assert l1["min_l1"] == pytest.approx(min(l1.values()), rel=1e-14)
    assert l2["min_l2"] == pytest.approx(min(l2.values()), rel=1e-14)


def test_each_problem_has_its_own_arrays(service: WorkingService) -> None:
    """By the number that the list of analyses gives it."""
    place = service.done(spec(data=DATA | {"seed": {"values": [1, 2]}}))
    rows = service.document(f"{place}/analysis")["problems"]
    digests = [service.document(f"{place}/analysis/{row['index']}/data")["attrs"]["digest"] for row in rows]
    assert digests == [row["analysis"]["digest"] for row in rows]
    first, second = (numbers(service.document(f"{place}/analysis/{index}/interpolators")) for index in (0, 1))
    assert not np.array_equal(first["flattest"], second["flattest"])
    assert_problem(service.get(f"{place}/analysis/2/data"), 404)


def test_data_that_nothing_interpolates_have_no_interpolators(service: WorkingService) -> None:
    """An empty answer; the analysis says why."""
    contradictory = {"kind": "inline", "X": [[1.0, 2.0], [1.0, 2.0]], "y": [1.0, 2.0]}
    place = service.done(spec(data=contradictory, stopping={"max_steps": 100}))
    assert service.document(f"{place}/analysis/0/interpolators")["data_vars"] == {}
    assert loaded(service.get(f"{place}/analysis/0/interpolators.npz").content) == {}


def test_an_uploaded_data_set_comes_back(service: WorkingService) -> None:
    """What was uploaded is what is trained on, and its truth stands beside the predictor."""
    given = {"X": [[1.0, 2.0, 0.5], [0.5, 1.0, 2.0]], "y": [1.0, 0.5], "true_predictor": [1.0, 0.0, 0.25]}
    identifier = service.client.post("/v1/datasets", json=given).json()["id"]
    place = service.done(spec(data={"kind": "dataset", "id": identifier}))
    arrays = numbers(service.document(f"{place}/analysis/0/data"))
    assert {name: array.tolist() for name, array in arrays.items()} == given
    assert service.document(f"{place}/runs/0/arrays")["data_vars"]["true_predictor"]["data"] == given["true_predictor"]


def test_what_is_not_stored_yet_is_a_conflict_that_says_so(api: Service) -> None:
    """409, for it may come; the data of a problem are known before anything is computed."""
    place = f"/v1/experiments/{api.submit()}"
    for part in ("runs/0/trajectory", "runs/0/arrays.npz", "analysis/0/interpolators"):
        document = assert_problem(api.get(f"{place}/{part}"), 409)
        assert document["type"] == "urn:stepbias:problem:not-stored-yet"
        assert "the experiment is planning" in document["detail"]
    assert api.get(f"{place}/analysis/0/data").status_code == 200


def test_an_analysis_without_interpolators_says_how_they_are_found(service: WorkingService) -> None:
    """An analysis that an earlier version stored; the next experiment on the problem adds what is missing to it."""
    drawn = DATA | {"seed": 77}
    place = service.submit(spec(data=drawn))
    key = service.grid(place).run(0).problem_key
    service.store.put_document(analysis_key(key), b'{"of": "an earlier version"}')
    assert "under another name" in assert_problem(service.get(f"{place}/analysis/0/interpolators"), 409)["detail"]
    service.work_off()
    assert service.document(f"{place}/analysis/0/interpolators")["data_vars"].keys() == AT_DEPTH_2
    assert service.store.document(analysis_key(key)) == b'{"of": "an earlier version"}'
    assert service.store.document(interpolators_key(key)) is not None


_NO_INDEX = st.one_of(
    st.integers(max_value=-1).map(str),
    st.integers(min_value=2).map(str),
    st.floats().map(str),
    st.sampled_from(["", "²", "٣", "+1", "0x0", "1e0", "1_0", " 0", "0 ", "null", "trajectory", "9" * 400]),
    st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="/?#%"), min_size=1, max_size=8),
).filter(lambda text: text not in {"0", "1", "00", "01"} and not (text.isdecimal() and int(text) < 2))


@given(_NO_INDEX)
def test_a_place_that_is_none_is_not_found(text: str) -> None:
    """Negative, too large, no whole number, no number at all: 404, never an error of ours."""
    one, place = _ASKED
    for part in ("runs/{}/trajectory", "runs/{}/arrays.npz", "analysis/{}/data", "analysis/{}/interpolators.npz"):
        segment = reduce(lambda path, byte: path + f"%{byte:02X}", text.encode(), "")
        assert_problem(one.get(f"{place}/{part.format(segment)}"), 404)


def _asked() -> tuple[WorkingService, str]:
    settings = Settings()
    one = WorkingService.over(MemoryStore(settings), settings)
    return one, one.submit(small())


_ASKED = _asked()


def test_an_experiment_that_is_not_there_has_no_arrays(api: Service) -> None:
    """Nor one whose id cannot be one."""
    for identifier in ("none", "a.b", "%2e%2e"):
        for part in PARTS:
            assert_problem(api.get(f"/v1/experiments/{identifier}/{part}"), 404)


@pytest.mark.services
def test_a_redis_store_answers_as_the_one_in_memory(
    service: WorkingService, squared: str, empty_valkey_url: str
) -> None:
    """Every file of an experiment, to the byte."""
    settings = Settings()
    with connect(empty_valkey_url, patience=10.0) as client:
        there = WorkingService.over(RedisStore(client, settings), settings)
        place = there.done(spec())
        for part in (*PARTS, "runs/3/trajectory", "runs/3/arrays"):
            assert there.get(f"{place}/{part}.npz").content == service.get(f"{squared}/{part}.npz").content


def test_curves_beyond_float32_are_null(service: WorkingService) -> None:
    """A loss of 1e40 is infinite in float32, and no number in JSON."""
    place = service.done(
        spec(
            data={"kind": "inline", "X": [[1e20, 1.0]], "y": [1.0]},
            optimizer={"kind": "gradient_descent", "step_size": 1e-50},
            stopping={"max_steps": 2},
        )
    )
    curve = service.document(f"{place}/runs/0/trajectory")["data_vars"]["sharpness"]["data"]
    assert curve
    assert set(curve) == {None}
    assert all(
        math.isinf(value) for value in loaded(service.get(f"{place}/runs/0/trajectory.npz").content)["sharpness"]
    )
