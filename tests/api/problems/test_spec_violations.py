"""Every violation of a spec is pointed at exactly and named in plain words."""

from typing import Any

import pytest

from api.problems.request_errors import MalformedBody
from api.requests.i_json import LARGEST_WHOLE, read
from tests.api.service import EXPERIMENTS, Service, assert_problem, pointers, spec

_GD = {"kind": "gradient_descent"}
_SPARSE = {"kind": "sparse_regression"}

# What is sent, where the violation is, and words that its sentence must have.
_FAULTS: list[tuple[dict[str, Any], list[str], str]] = [
    ({"data": {}}, ["/data/kind"], "sparse_regression, inline"),
    ({"data": {"kind": "swamp"}}, ["/data/kind"], "sparse_regression, inline"),
    ({"data": 3}, ["/data"], "an object"),
    ({"data": _SPARSE | {"samples": "many"}}, ["/data/samples"], '"values"'),
    ({"data": _SPARSE | {"samples": 2.5}}, ["/data/samples"], "whole number"),
    ({"data": _SPARSE | {"samples": 0}}, ["/data/samples"], "at least 1"),
    ({"data": _SPARSE | {"variance": 0}}, ["/data/variance"], "greater than 0"),
    (
        {"data": _SPARSE | {"mean": {"values": [1, "x", 2, None]}}},
        ["/data/mean/values/1", "/data/mean/values/3"],
        "a n",
    ),
    ({"data": _SPARSE | {"mean": {"values": []}}}, ["/data/mean/values"], "1 or more"),
    ({"data": _SPARSE | {"seed": {"values": [1, 1]}}}, ["/data/seed"], "repeat"),
    ({"data": _SPARSE | {"mean": {"start": 1, "num": 3}}}, ["/data/mean/stop"], "required"),
    ({"data": _SPARSE | {"mean": {"begin": 1}}}, [f"/data/mean/{n}" for n in ("start", "stop", "num", "begin")], "req"),
    ({"data": _SPARSE | {"sparsity": 101}}, ["/data"], "exceeds dimension"),
    ({"data": {"kind": "inline", "X": [[1], [1, 2]], "y": [1, 2]}}, ["/data"], "differ in length"),
    ({"data": {"kind": "inline", "X": [[1, "a"]], "y": [1]}}, ["/data/X/0/1"], "a number"),
    ({"data": {"kind": "inline", "y": [1]}}, ["/data/X"], "required"),
    ({"data": {"kind": "inline", "X": ["a"], "y": [1], "inline": {}}}, ["/data/X/0", "/data/inline"], "a list"),
    ({"optimizer": _GD}, ["/optimizer/step_size"], "required"),
    ({"optimizer": _GD | {"step_size": [1]}}, ["/optimizer/step_size"], "fractions_of_max_stable"),
    ({"optimizer": _GD | {"step_size": {"values": [1, -1]}}}, ["/optimizer/step_size/values/1"], "greater than 0"),
    (
        {"optimizer": _GD | {"step_size": {"fractions_of_max_stable": [0.5, 0]}}},
        ["/optimizer/step_size/fractions_of_max_stable/1"],
        "greater than 0",
    ),
    (
        {"optimizer": _GD | {"step_size": {"multiples_of": "the_moon", "values": [1]}}},
        ["/optimizer/step_size/multiples_of"],
        "flow_stable_step",
    ),
    (
        {"optimizer": _GD | {"step_size": {"multiples_of": "flow_stable_step", "value": 1}}},
        ["/optimizer/step_size/values", "/optimizer/step_size/value"],
        "",
    ),
    ({"optimizer": _GD | {"step_size": 1, "warmup": 2}}, ["/optimizer/warmup"], "kind, step_size, warmup_steps"),
    ({"stopping": {"finish": "never"}}, ["/stopping/finish"], "'auto', 'proven' or 'iterate'"),
    ({"stopping": {"kick": 1}}, ["/stopping/kick"], "true or false"),
    ({"stopping": {"kick": True, "perturb": True}}, ["/stopping/kick"], "perturb by another name"),
    ({"recording": {"points": 1001}}, ["/recording/points"], "at most 1000"),
    ({"name": 3, "tags": "thesis"}, ["/name", "/tags"], "a string"),
    ({"tags": ["", "x"]}, ["/tags/0"], "1 or more characters"),
    ({"name": "n" * 201}, ["/name"], "200 or fewer"),
    ({"schema_version": 2}, ["/schema_version"], "1"),
    ({"schema_version": True}, ["/schema_version"], "1"),
    ({"stopping": {"max_steps": True}}, ["/stopping/max_steps"], "whole number"),
    (
        {"data": {"kind": "inline", "X": [[1, None, "a"], ["b"]], "y": [1, 2]}},
        ["/data/X/0/1", "/data/X/0/2"],
        "a number",
    ),
    ({"optimiser": {}}, ["/optimiser"], "optimizer"),
    ({"a/b~c": 1}, ["/a~1b~0c"], "no such field"),
    ({"data": _SPARSE | {"seed": LARGEST_WHOLE + 1}}, ["/data/seed"], "whole number of size at most"),
    ({"data": _SPARSE | {"mean": 1e101}}, ["/data/mean"], "finite number of size at most 1e+100"),
    ({"data": _SPARSE | {"mean": {"values": [1.0, float("nan")]}}}, ["/data/mean/values/1"], "finite number"),
    ({"data": _SPARSE | {"mean": float("-inf")}}, ["/data/mean"], "finite number"),
    ({"name": "\ud800"}, ["/name"], "surrogate"),
]


@pytest.mark.parametrize(("parts", "places", "words"), _FAULTS)
def test_a_fault_is_pointed_at(api: Service, parts: dict[str, Any], places: list[str], words: str) -> None:
    """The pointers are exact, in order, and the first sentence says what is wanted."""
    document = assert_problem(api.post(spec(**parts)), 422)
    assert document["type"] == "urn:stepbias:problem:invalid-spec"
    assert pointers(document) == places
    assert words in document["errors"][0]["detail"]


@pytest.mark.parametrize("body", [b"[]", b"3", b"null", b'"text"'])
def test_a_document_that_is_no_object_is_pointed_at_as_a_whole(api: Service, body: bytes) -> None:
    """The empty pointer is the whole document."""
    response = api.client.post(EXPERIMENTS, content=body, headers={"Content-Type": "application/json"})
    assert pointers(assert_problem(response, 422)) == [""]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"{", "line 1, column 2"),
        (b'{"name": "a",}', "line 1"),
        (b"\xff\xfe{\x00}\x00", "UTF-8"),
        (b"[" * 15_000, "The body is"),  # nested too deeply, or never closed: that is up to Python
        (b'{"data": ' + b"1" * 5000 + b"}", "digits"),
    ],
)
def test_a_body_that_is_not_json_is_refused_with_the_place(api: Service, body: bytes, words: str) -> None:
    """400, and where reading stopped."""
    response = api.client.post(EXPERIMENTS, content=body, headers={"Content-Type": "application/json"})
    document = assert_problem(response, 400)
    assert words in document["detail"]


def test_a_body_that_is_nested_deeper_than_python_reads_is_refused() -> None:
    """How deep that is differs by its version: some ten thousand levels."""
    with pytest.raises(MalformedBody, match="nested too deeply"):
        read(b"[" * 1_000_000)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b'{"name": "a", "name": "b"}', ""),
        (b'{"data": {"kind": "inline", "kind": "inline"}}', "/data"),
        (b'{"a":' * 70 + b"1" + b"}" * 70, "/a" * 65),
        (b'{"\\ud800": 1}', ""),
    ],
)
def test_json_that_readers_disagree_about_is_refused(api: Service, body: bytes, place: str) -> None:
    """Names that repeat, half characters, and nesting beyond reason."""
    response = api.client.post(EXPERIMENTS, content=body, headers={"Content-Type": "application/json"})
    assert pointers(assert_problem(response, 422))[0] == place


def test_a_document_with_a_thousand_faults_lists_the_first_hundred(api: Service) -> None:
    """And says that there are more."""
    document = assert_problem(api.post(spec(data=_SPARSE | {"mean": {"values": ["x"] * 1000}})), 422)
    assert len(document["errors"]) == 100
    assert "more than the 100" in document["detail"]


def test_no_problem_repeats_what_was_sent(api: Service) -> None:
    """Values may be secrets, or markup."""
    secret = "<script>hunter2</script>"
    for parts in ({"name": [secret]}, {"data": {"kind": secret}}, {"stopping": {"finish": secret}}, {"data": secret}):
        assert "hunter2" not in api.post(spec(**parts)).text


def test_a_very_long_name_of_an_unknown_field_is_cut_in_the_pointer(api: Service) -> None:
    """A pointer names a place; it is no way to have a megabyte sent back."""
    document = assert_problem(api.post(spec(**{"x" * 10_000: 1})), 422)
    assert len(pointers(document)[0]) == 101
