"""Every refusal of a spec names the field, what it may hold, and so what to do."""

import json
import re
from typing import Any

import pytest

from api.experiments.submission import read_spec
from api.problems.request_errors import RequestError, Violation
from core.spec.experiment_spec import KINDS, InlineData, Recording, Stopping, UploadedData
from tests.core.sweep.test_every_axis import CASES as SWEPT
from tests.wrong.specs import AT_ODDS, GOOD, ONE_VALUE, Wrong, good, wrong_shapes, wrong_values

TAKEN = {
    "sparse_regression.mean: negative",
    "inline.true_predictor: null",
    "inline.held_out_X: null",
    "inline.held_out_y: null",
    "dataset.id: a word",
    "normal.independent: true",
    "stopping.perturb: true",
    "stopping.steps: null",
    "recording.sensitivity: true",
    "sgd.indices: null",
    "label_noise.batch_size: null",
    "recording.at_steps: null",
    "recording.vectors: an empty list",
    *(f"{field}: missing" for field in ("diagonal.depth", "uv.shape", "normal.seed", "sgd.seed", "label_noise.seed")),
    *(f"sparse_regression.{field}: missing" for field in ("samples", "dimension", "sparsity")),
    *(f"sparse_regression.{field}: null" for field in ("mean_profile", "variance_profile")),
    *(f"parameters.{field}" for field in ("u_plus: negative", "u_minus: negative", "v_plus: null", "v_minus: null")),
    "parameters.scale: missing",
    *(
        f"{kind}.{field}: null"
        for kind in GOOD["optimizer"]
        for field in (
            *("schedule_steps", "schedule_factor", "schedule_at_steps", "schedule_at_fractions", "schedule_factors"),
            "weight_decay_until",
        )
    ),
    "sam.normalized: true",
    "parameter_noise.seed: missing",
}
"""What is right: a mean may be negative, and these fields have defaults, or may be null or true."""

UNFIT = {
    f"parameters.{field}" for field in ("u_minus: null", "u_minus: missing", "v_plus: negative", "v_minus: negative")
}
"""What is wrong beside the model alone: it starts from other parts."""

IDLE = {f"{kind}.decoupled_weight_decay: true" for kind in GOOD["optimizer"]}
"""What says how weights decay that do not."""

CASES = [case for case in (*wrong_values(), *wrong_shapes()) if case.name not in TAKEN | UNFIT | IDLE]

REMEDY = re.compile(r"(?:is|are) wanted|such as |the fields here are |a kind is wanted: |required where")
"""What a sentence says that tells what to write instead."""


def _violations(case: Wrong) -> tuple[Violation, ...]:
    with pytest.raises(RequestError) as refused:
        read_spec(json.dumps(case.document).encode())
    return refused.value.violations


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_refusal_names_the_field_and_what_it_may_hold(case: Wrong) -> None:
    """The place is that of the field or within it; each sentence says what is wanted there."""
    violations = _violations(case)
    assert violations
    assert all(each.pointer is not None and each.pointer.startswith(case.place) for each in violations)
    assert [each.detail for each in violations if not REMEDY.search(each.detail)] == []


def test_what_would_change_nothing_is_said_to_be_left_out() -> None:
    """A manner of decay without decay."""
    idle = [case for case in wrong_values() if case.name in IDLE]
    assert {case.name for case in idle} == IDLE
    for case in idle:
        (violation,) = _violations(case)
        assert violation.pointer == "/optimizer"
        assert "weight_decay is 0: leave out" in violation.detail


def test_parts_that_do_not_fit_each_other_are_named_together() -> None:
    """The model, and the parts that it starts from."""
    unfit = [case for case in (*wrong_values(), *wrong_shapes()) if case.name in UNFIT]
    assert {case.name for case in unfit} == UNFIT
    for case in unfit:
        (violation,) = _violations(case)
        assert violation.detail == "diagonal starts from u_plus, u_minus: give just these parts"


@pytest.mark.parametrize(("kind", "fields", "place", "words"), AT_ODDS)
def test_fields_that_are_at_odds_are_named(kind: str, fields: dict[str, Any], place: str, words: str) -> None:
    """Each is what it may be, and with the others says nothing that can be done."""
    document = good("optimizer", kind)
    read_spec(json.dumps(document).encode())
    document["optimizer"] |= fields
    (violation,) = _violations(Wrong(name="", place=place, document=document))
    assert violation.pointer == place
    assert words in violation.detail


def test_there_are_many_and_what_is_taken_is_right() -> None:
    """More than two hundred, of every kind; those that are no fault are taken."""
    assert len(CASES) > 600
    taken = [case for case in (*wrong_values(), *wrong_shapes()) if case.name in TAKEN]
    assert {case.name for case in taken} == TAKEN
    for case in taken:
        read_spec(json.dumps(case.document).encode())


@pytest.mark.parametrize("sweep", [{"values": [5, 9]}, {"start": 1, "stop": 3, "num": 3}])
@pytest.mark.parametrize(("part", "kind", "field", "words"), ONE_VALUE)
def test_a_sweep_of_what_has_one_value_is_told_to_be_one(
    part: str, kind: str, field: str, words: str, sweep: dict[str, Any]
) -> None:
    """And what is swept instead, where there is something."""
    document = good(part, kind) if kind else good()
    document.setdefault(part, {})[field] = sweep
    violations = _violations(Wrong(name="", place="", document=document))
    assert words in next(each.detail for each in violations if each.pointer == f"/{part}/{field}")


def test_every_field_has_one_value_or_many_or_is_of_user_data() -> None:
    """Nothing is taken for an axis, or for none, by having been forgotten."""
    swept = {(part, field) for part, _, field, *_ in SWEPT}
    single = {(part, field) for part, _, field, _ in ONE_VALUE}
    fields = {
        (part, field) for part, kinds in KINDS.items() for model in kinds.values() for field in model.model_fields
    }
    fields |= {("stopping", field) for field in Stopping.model_fields}
    fields |= {("recording", field) for field in Recording.model_fields}
    users = {*InlineData.model_fields, *UploadedData.model_fields}
    assert fields == swept | single | {("data", field) for field in users} | {(part, "kind") for part in KINDS} | {
        ("recording", "sensitivity")
    }
    assert not swept & single
