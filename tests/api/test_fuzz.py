"""Whatever is posted, the answer is an experiment or a problem document, never an error of ours."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.requests.i_json import read
from tests.api.service import EXPERIMENTS, Service, service, spec

_SERVICE: Service = service(max_runs=10_000, max_data_entries=10_000, max_body_bytes=100_000)

_NUMBERS = st.one_of(
    st.integers(),
    st.integers(-3, 300),
    st.sampled_from([2**53, 2**63, 2**64, -(2**63), 10**30, 10**400, 0, -1]),
    st.floats(),
    st.sampled_from([1e100, -1e100, 1e308, 5e-324, 0.1 + 0.2, -0.0]),
)
_SCALARS = st.one_of(st.none(), st.booleans(), _NUMBERS, st.text(max_size=5), st.sampled_from(["log", "linear", "uv"]))
_NAMES = st.one_of(
    st.sampled_from(["kind", "values", "start", "stop", "num", "spacing", "fractions_of_max_stable", "X", "y", "data"]),
    st.text(max_size=4),
)
_JSON = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3), max_leaves=6
)
_SWEEPS = st.one_of(
    _NUMBERS,
    st.builds(lambda values: {"values": values}, st.lists(_NUMBERS, max_size=4)),
    st.fixed_dictionaries(
        {"start": _NUMBERS, "stop": _NUMBERS, "num": st.integers(-1, 12)},
        optional={"spacing": st.sampled_from(["linear", "log"])},
    ),
    st.builds(lambda values: {"fractions_of_max_stable": values}, st.lists(_NUMBERS, max_size=3)),
)
_PARTS: dict[str, dict[str, list[str]]] = {
    "data": {
        "sparse_regression": ["samples", "dimension", "sparsity", "mean", "variance", "noise_variance", "seed"],
        "inline": ["X", "y", "true_predictor", "held_out_X", "transform"],
        "dataset": ["id", "transform"],
    },
    "model": {"diagonal": ["depth"], "uv": ["shape"]},
    "initialization": {"uniform": ["scale"], "normal": ["scale", "seed"], "vector": ["scale", "vector"]},
    "optimizer": {"gradient_descent": ["step_size", "warmup_steps"], "heavy_ball": ["step_size", "momentum"]},
}


@st.composite
def _part(draw: st.DrawFn, part: str) -> dict[str, Any]:
    kind = draw(st.sampled_from(sorted(_PARTS[part])))
    fields = draw(st.lists(st.sampled_from(_PARTS[part][kind]), unique=True))
    return {"kind": kind} | {field: draw(_SWEEPS | _JSON) for field in fields}


@st.composite
def _mutated(draw: st.DrawFn) -> Any:
    """A valid spec with some of its parts, or members anywhere in it, put into disorder."""
    document = spec()
    for part in draw(st.lists(st.sampled_from(sorted(_PARTS)), unique=True, max_size=2)):
        document[part] = draw(_part(part))
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.sampled_from([place for place in (document, *document.values()) if isinstance(place, dict)]))
        place[draw(st.sampled_from([*place, "kind"]) | _NAMES)] = draw(_JSON)
    return document


def _assert_answered(body: bytes) -> None:
    response = _SERVICE.client.post(EXPERIMENTS, content=body, headers={"Content-Type": "application/json"})
    assert response.status_code in {200, 202, 400, 422}, response.text
    problem = response.status_code >= 400
    assert response.headers["content-type"] == ("application/problem+json" if problem else "application/json")
    if response.status_code == 422:
        document, violations = json.loads(body), response.json()["errors"]
        assert violations
        for violation in violations:
            _assert_leads_somewhere(violation["pointer"], document)
    elif not problem:
        place = f"{EXPERIMENTS}/{response.json()['id']}"
        again = _SERVICE.get(f"{place}/spec").content
        assert read(again) == json.loads(again)
        for part in ("runs?limit=3", "analysis?limit=3", "curves", "report", "report.txt"):
            assert _SERVICE.get(f"{place}/{part}").status_code in {200, 422}
        for part in ("runs/0/trajectory", "runs/0/arrays.npz", "analysis/0/interpolators"):
            assert _SERVICE.get(f"{place}/{part}").status_code == 409
        for part in ("analysis/0/data", "analysis/0/data.npz"):
            assert _SERVICE.get(f"{place}/{part}").status_code in {200, 404}


def _assert_leads_somewhere(pointer: str, document: Any) -> None:
    """All but the last token of a pointer exist in the document; the last may be what is missing."""
    tokens = pointer.split("/")[1:]
    for token in tokens[:-1]:
        name = token.replace("~1", "/").replace("~0", "~")
        document = document[int(name)] if isinstance(document, list) else document[name]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_mutated())
def test_a_mutated_spec_is_answered_and_never_breaks_the_service(document: Any) -> None:
    """Pointers of a refusal lead into the document; what is accepted is stored as clean JSON."""
    _assert_answered(json.dumps(document).encode())


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=40) | _JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_answered_and_never_break_the_service(body: bytes) -> None:
    """JSON or not."""
    _assert_answered(body)
