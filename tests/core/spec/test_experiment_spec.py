"""The experiment spec."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from core.spec.experiment_spec import MAX_RUNS, ExperimentSpec, Recording
from core.spec.optimizers import FractionsOfMaxStable, StepBracket
from core.sweep.grid import Grid
from tests.core.specs import document

NUMBERS = st.floats(min_value=1e-6, max_value=1e3)
SWEPT = st.one_of(
    NUMBERS,
    st.builds(
        lambda values: {"values": values}, st.lists(NUMBERS, min_size=1, max_size=5, unique_by=lambda x: f"{x:.12g}")
    ),
    st.builds(
        lambda start, factor, num: {"start": start, "stop": start * factor, "num": num, "spacing": "log"},
        NUMBERS,
        st.floats(min_value=2, max_value=100),
        st.integers(min_value=2, max_value=5),
    ),
)
OPTIMIZERS = st.one_of(
    st.builds(lambda step: {"kind": "gradient_descent", "step_size": step}, SWEPT),
    st.builds(lambda step: {"kind": "sgd", "step_size": step, "batch_size": {"values": [1, 2]}}, SWEPT),
    st.builds(lambda step: {"kind": "label_noise", "step_size": step, "noise_variance": 1.0, "noise_steps": 10}, SWEPT),
    st.builds(
        lambda m: {"kind": "heavy_ball", "step_size": {"fractions_of_max_stable": [0.5, m]}, "momentum": m},
        st.floats(min_value=0.6, max_value=0.99),
    ),
    st.builds(
        lambda lower, width, resolution: {
            "kind": "gradient_descent",
            "step_size": {"largest_convergent": {"lower": lower, "upper": lower + width, "resolution": resolution}},
        },
        st.floats(min_value=1e-3, max_value=50),
        st.floats(min_value=1e-3, max_value=50),
        st.floats(min_value=1e-6, max_value=0.99),
    ),
)
MODELS = st.sampled_from([{"kind": "diagonal", "depth": {"values": [2, 3]}}, {"kind": "uv", "shape": 0.5}])
INITIALIZATIONS = st.one_of(
    st.builds(lambda scale: {"kind": "uniform", "scale": scale}, SWEPT),
    st.builds(lambda scale: {"kind": "normal", "scale": scale, "independent": True}, SWEPT),
    st.builds(lambda scale: {"kind": "vector", "scale": scale, "vector": [1.0, 2.0]}, SWEPT),
)
DATA = st.one_of(
    st.builds(lambda mean: {"kind": "sparse_regression", "dimension": 2, "sparsity": 1, "mean": mean}, SWEPT),
    st.just({"kind": "inline", "X": [[1, 2], [3, 4]], "y": [1, 2], "transform": {"X": "centre"}}),
    st.just({"kind": "dataset", "id": "abc"}),
)
SPECS = st.fixed_dictionaries(
    {"data": DATA, "initialization": INITIALIZATIONS, "optimizer": OPTIMIZERS},
    optional={
        "model": MODELS,
        "name": st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=20),
        "tags": st.just(["thesis"]),
        "recording": st.builds(
            lambda sensitivity: {"points": 3, "sensitivity": sensitivity}, st.sampled_from(["auto", True, False])
        ),
    },
)


@settings(deadline=None)
@given(SPECS)
def test_a_spec_reads_back_from_its_canonical_json(body: dict[str, Any]) -> None:
    """The stored bytes are the spec, and spelling them again changes none of them."""
    spec = ExperimentSpec.model_validate(body)
    again = ExperimentSpec.model_validate_json(spec.canonical())
    assert again == spec
    assert again.canonical() == spec.canonical()
    assert again.content_hash() == spec.content_hash()


@settings(deadline=None)
@given(SPECS)
def test_a_spec_means_the_same_with_its_science_written_out(body: dict[str, Any]) -> None:
    """Defaults and ranges spelled out in full are the same content."""
    spec = ExperimentSpec.model_validate(body)
    assert ExperimentSpec.model_validate(spec.science()).content_hash() == spec.content_hash()


def test_name_and_tags_are_no_part_of_the_content() -> None:
    """Two names for one grid share their runs."""
    plain, named = document(), document() | {"name": "mine", "tags": ["thesis"]}
    assert ExperimentSpec.model_validate(plain).content_hash() == ExperimentSpec.model_validate(named).content_hash()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"initialization": {"scale": 0.1 + 0.2}}, {"initialization": {"scale": 0.3}}),
        ({"data": {"mean": -0.0}}, {"data": {"mean": 0}}),
        (
            {"optimizer": {"step_size": {"fractions_of_max_stable": [0.1 + 0.2]}}},
            {"optimizer": {"step_size": {"fractions_of_max_stable": [0.3]}}},
        ),
        (
            {"optimizer": {"step_size": {"multiples_of": "start_stable_step", "values": [0.1 + 0.2]}}},
            {"optimizer": {"step_size": {"multiples_of": "start_stable_step", "values": [0.3]}}},
        ),
        (
            {"initialization": {"scale": {"start": 0.1, "stop": 0.3, "num": 3}}},
            {"initialization": {"scale": {"values": [0.1, 0.2, 0.3]}}},
        ),
        ({"data": {"seed": {"start": 0, "stop": 2, "num": 3}}}, {"data": {"seed": {"values": [0, 1, 2]}}}),
        ({}, {"data": {"samples": 50}, "model": {"kind": "diagonal", "depth": 2}}),
        ({}, {"recording": {"sensitivity": "auto"}, "stopping": {"release": "float64"}}),
        (
            {"optimizer": {"step_size": {"largest_convergent": {}}}},
            {
                "optimizer": {
                    "step_size": {"largest_convergent": {"lower": 0.8 + 0.1, "upper": 1.1, "resolution": 2e-3}}
                }
            },
        ),
    ],
)
def test_equal_grids_have_equal_content_whichever_way_they_are_written(one: Any, other: Any) -> None:
    """Rounding, ranges, lists and defaults do not tell specs apart."""
    first, second = (ExperimentSpec.model_validate(document(**parts)) for parts in (one, other))
    assert first.content_hash() == second.content_hash()


@pytest.mark.parametrize("place", ["", "data", "initialization", "optimizer", "stopping", "recording", "model"])
def test_unknown_fields_are_refused_everywhere(place: str) -> None:
    """A misspelt field would otherwise silently keep its default."""
    body = document(stopping={}, recording={}, model={"kind": "diagonal"})
    (body[place] if place else body)["stepsize"] = 1
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        ExperimentSpec.model_validate(body)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_not_finite_are_refused_in_json(text: str) -> None:
    """In a plain number and in a list of values."""
    for value in (text, f'{{"values": [{text}]}}'):
        body = json.dumps(document(data={"mean": "?"})).replace('"?"', value)
        with pytest.raises(ValidationError, match="finite"):
            ExperimentSpec.model_validate_json(body)


def test_user_data_must_be_finite_too() -> None:
    """X and y are numbers like the others."""
    body = document(data={"kind": "inline", "X": [[float("nan")]], "y": [1.0]})
    with pytest.raises(ValidationError, match="finite"):
        ExperimentSpec.model_validate(body)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"X": [[1, 2], [3]], "y": [1, 2]}, "rows of X differ"),
        ({"X": [[1, 2]], "y": [1, 2]}, "X has 1 rows, y has 2 entries"),
        ({"X": [[1, 2]], "y": [1], "true_predictor": [1]}, "true_predictor has 1 entries"),
        ({"X": [[1, 2]], "y": [1], "held_out_X": [[1, 2]]}, "come together"),
        ({"X": [[1, 2]], "y": [1], "held_out_X": [[1]], "held_out_y": [1]}, "needs 2 entries"),
        ({"X": [[1, 2]], "y": [1], "held_out_X": [[1, 2]], "held_out_y": [1, 2]}, "differ in length"),
        ({"X": [], "y": []}, "at least 1"),
    ],
)
def test_user_data_whose_shapes_disagree_are_refused(data: dict[str, Any], reason: str) -> None:
    """With a sentence that says which."""
    with pytest.raises(ValidationError, match=reason):
        ExperimentSpec.model_validate(document() | {"data": {"kind": "inline"} | data})


def test_negative_zeros_in_user_data_are_zeros() -> None:
    """The same numbers are the same data, in X and in y."""
    keys = set()
    for zero in (0.0, -0.0):
        data = {"kind": "inline", "X": [[1.0, zero]], "y": [zero], "held_out_X": [[zero, 1.0]], "held_out_y": [zero]}
        spec = ExperimentSpec.model_validate_json(json.dumps(document() | {"data": data}))
        keys.add((Grid(spec).run(0).data_key, spec.canonical()))
    assert len(keys) == 1


@pytest.mark.parametrize(("tolerance", "reason"), [(1 - 1e-14, "less than"), (0.9e-24, "greater than")])
def test_a_loss_tolerance_that_float64_cannot_tell_from_none_is_refused(tolerance: float, reason: str) -> None:
    """Rounded to 12 digits the one is 1, which every run meets; the other is met by none."""
    with pytest.raises(ValidationError, match=reason):
        ExperimentSpec.model_validate(document(stopping={"loss_tolerance": tolerance}))


def test_more_nonzero_entries_than_coordinates_are_refused_anywhere_in_the_grid() -> None:
    """The largest sparsity meets the smallest dimension somewhere in the product."""
    swept = {"sparsity": {"values": [3, 20]}, "dimension": {"values": [10, 100]}}
    with pytest.raises(ValidationError, match="sparsity 20 exceeds dimension 10"):
        ExperimentSpec.model_validate(document(data=swept))


def test_step_size_fractions_that_repeat_are_refused() -> None:
    """Two runs with one key could not be told apart."""
    with pytest.raises(ValidationError, match="repeat"):
        FractionsOfMaxStable(fractions_of_max_stable=(0.3, 0.1 + 0.2))


@pytest.mark.parametrize(
    ("bracket", "reason"),
    [
        ({"lower": 1.1, "upper": 0.9}, "lower 1.1 should be less than upper 0.9"),
        ({"lower": 1.0, "upper": 1.0 + 1e-15}, "should be less than"),
        ({"lower": 0.0}, "greater than or equal to"),
        ({"upper": 101.0}, "less than or equal to 100"),
        ({"resolution": 1e-7}, "greater than or equal to"),
        ({"resolution": 1.0}, "less than or equal to"),
        ({"probes": 5}, "Extra inputs are not permitted"),
    ],
)
def test_a_bracket_that_cannot_be_searched_is_refused(bracket: dict[str, float], reason: str) -> None:
    """It needs a width, and a resolution that float64 can follow."""
    with pytest.raises(ValidationError, match=reason):
        ExperimentSpec.model_validate(document(optimizer={"step_size": {"largest_convergent": bracket}}))


def test_a_form_of_the_step_size_is_told_from_the_others() -> None:
    """An error speaks of the form that was meant, and two forms at once are none."""
    both = {"fractions_of_max_stable": [0.5], "largest_convergent": {}}
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        ExperimentSpec.model_validate(document(optimizer={"step_size": both}))
    with pytest.raises(ValidationError) as caught:
        ExperimentSpec.model_validate(document(optimizer={"step_size": {"largest_convergent": {"lower": -1.0}}}))
    assert [error["loc"] for error in caught.value.errors()] == [
        ("optimizer", "gradient_descent", "step_size", "search", "largest_convergent", "lower")
    ]


def test_a_search_for_the_step_size_is_one_run_of_the_grid() -> None:
    """No axis; its document keeps the bracket, a spec of its own, and it is anchored at the largest stable step."""
    grid = Grid(
        ExperimentSpec.model_validate(
            document(
                initialization={"scale": {"values": [0.1, 0.2]}},
                optimizer={"kind": "heavy_ball", "momentum": 0.5, "step_size": {"largest_convergent": {"upper": 1.2}}},
            )
        )
    )
    assert [axis.name for axis in grid.axes] == ["init_scale"]
    run = grid.run(1)
    assert run.step_bracket == StepBracket(lower=0.9, upper=1.2, resolution=0.002)
    numbers = {"lower": 0.9, "upper": 1.2, "resolution": 0.002}
    assert run.spec.document()["optimizer"]["step_size"] == {"largest_convergent": numbers}
    assert (run.step_size, run.step_size_fraction) == (None, None)
    assert run.resolved_step_size(0.01) == run.largest_stable_step(0.01) == pytest.approx(0.015)
    assert Grid(ExperimentSpec.model_validate(run.spec.document())).run(0).key == run.key
    plain = Grid(ExperimentSpec.model_validate(document())).run(0)
    assert plain.step_bracket is None


def test_a_twin_makes_another_run_with_the_same_random_streams() -> None:
    """More is stored of it, but nothing else is trained."""
    plain, twinned = (
        Grid(ExperimentSpec.model_validate(document(recording={"sensitivity": flag}))).run(0) for flag in (False, True)
    )
    assert plain.key != twinned.key
    assert plain.seed == twinned.seed


def test_a_bracket_is_wide_enough_by_default_to_hold_the_edge() -> None:
    """A tenth on both sides of the largest stable step."""
    bracket = StepBracket()
    assert bracket.lower < 1 < bracket.upper
    assert bracket.resolution < bracket.upper / bracket.lower - 1


def test_a_grid_beyond_all_counting_is_refused() -> None:
    """Its length would not fit an index, which is no way to learn of a slip."""
    whole = {"start": 0, "stop": 99_999, "num": 100_000}
    body = document(data={"seed": whole}, optimizer={"warmup_steps": whole})
    with pytest.raises(ValidationError, match=f"10000000000 runs; an experiment has at most {MAX_RUNS}"):
        ExperimentSpec.model_validate(body)


def test_a_spec_cannot_be_changed() -> None:
    """Its hash is its identity."""
    spec = ExperimentSpec.model_validate(document())
    with pytest.raises(ValidationError, match="frozen"):
        spec.name = "another"  # type: ignore[misc]  # the assignment is what must fail


@pytest.mark.parametrize(
    ("parts", "identity"),
    [
        ({}, "3d292caa0a267324b5b1f0f32fa134080d36b081cbe167786fab86f41cec596d"),
        (
            {
                "data": {"seed": {"start": 0, "stop": 2, "num": 3}},
                "initialization": {"scale": {"start": 1e-3, "stop": 3, "num": 20, "spacing": "log"}},
                "optimizer": {"step_size": {"fractions_of_max_stable": [0.1, 0.99]}, "warmup_steps": 100_000},
            },
            "f23bcf7c1e7b234e300db7dd35977a64c905bffa62714d4c43121247f2d66d09",
        ),
        (
            {"data": {"kind": "inline", "X": [[1, 0, 0], [0, 1, 0.5]], "y": [1, 0.001]}},
            "44263b10505456b97efad9baf5e3481b8fac2ace6bd7822d47605d4107e4dcff",
        ),
    ],
)
def test_the_identities_of_a_few_specs_stay_what_they_are(parts: Any, identity: str) -> None:
    """Canaries: stored results are found by these. They change with the schema, never with a refactoring."""
    assert ExperimentSpec.model_validate(document(**parts)).content_hash() == identity


@pytest.mark.parametrize("text", ["line\nbreak", "\x1b[31mred", "nul\x00", "\x9b2J"])
def test_names_and_tags_have_no_control_characters(text: str) -> None:
    """They are printed in terminals; every other character of any script is welcome."""
    with pytest.raises(ValidationError, match="control characters"):
        ExperimentSpec.model_validate(document() | {"name": text})
    with pytest.raises(ValidationError, match="control characters"):
        ExperimentSpec.model_validate(document() | {"tags": [text]})
    assert ExperimentSpec.model_validate(document() | {"name": "η → 0 – كبير 🙂"}).name == "η → 0 – كبير 🙂"


@pytest.mark.parametrize("scale", [0.0, 1e-150, 1e150])
def test_a_scale_whose_square_float64_cannot_hold_is_refused(scale: float) -> None:
    """β is made of squares of the scale, and the effective initialisation of products of them."""
    with pytest.raises(ValidationError, match="than or equal to"):
        ExperimentSpec.model_validate(document(initialization={"scale": scale}))


def test_perturb_has_a_former_name_which_is_the_one_that_is_hashed() -> None:
    """`kick` is accepted for a version, means the same experiment, and the hashes of stored runs stay."""
    unperturbed = ExperimentSpec.model_validate(document())
    today, before = (ExperimentSpec.model_validate(document(stopping={name: False})) for name in ("perturb", "kick"))
    assert today == before
    assert today.content_hash() == before.content_hash() != unperturbed.content_hash()
    assert today.science()["stopping"]["kick"] is False
    assert json.loads(today.canonical())["stopping"]["perturb"] is False
    assert next(Grid(today).runs()).key == next(Grid(before).runs()).key != next(Grid(unperturbed).runs()).key
    with pytest.raises(ValidationError):
        ExperimentSpec.model_validate(document(stopping={"perturb": False, "kick": False}))


@pytest.mark.parametrize(
    "other",
    [
        {"max_steps": 5},
        {"finish": "iterate"},
        {"finish": "proven"},
        {"perturb": False},
        {"release": "exact"},
        {"completion_tolerance": 1e-3},
    ],
)
def test_a_run_of_given_steps_ends_in_no_other_way(other: dict[str, Any]) -> None:
    """What would be without effect is refused; the tolerance of the loss still says what has converged."""
    with pytest.raises(ValidationError, match="leave out completion_tolerance, max_steps, finish, perturb, release"):
        ExperimentSpec.model_validate(document(stopping={"steps": 7, **other}))
    stopping = ExperimentSpec.model_validate(document(stopping={"steps": 7, "loss_tolerance": 1e-3})).stopping
    assert (stopping.budget, stopping.completes, stopping.perturbs) == (7, False, False)


def test_runs_that_are_held_are_perturbed() -> None:
    """Else they would never leave."""
    with pytest.raises(ValidationError, match="leave perturb on"):
        ExperimentSpec.model_validate(document(stopping={"release": "exact", "perturb": False}))
    assert ExperimentSpec.model_validate(document(stopping={"release": "exact"})).stopping.holds
    assert not ExperimentSpec.model_validate(document()).stopping.holds


@pytest.mark.parametrize(
    "optimizer",
    [
        {"kind": "sgd", "batch_size": 2},
        {"kind": "label_noise", "noise_variance": 0.1, "noise_steps": 5},
        {"kind": "heavy_ball", "momentum": 0.5},
        {"kind": "heavy_ball", "momentum": 0.0},
    ],
)
def test_runs_are_held_by_gradient_descent_alone(optimizer: dict[str, Any]) -> None:
    """Of any other optimiser they would not be, without a word."""
    given = {"optimizer": {"step_size": 0.01, **optimizer}}
    ExperimentSpec.model_validate(document(**given))
    with pytest.raises(ValidationError, match=f"leave it out for {optimizer['kind']}"):
        ExperimentSpec.model_validate(document(stopping={"release": "exact"}, **given))


def test_a_search_has_no_given_steps() -> None:
    """It looks for runs that converge."""
    search = {"step_size": {"largest_convergent": {}}}
    with pytest.raises(ValidationError, match="largest_convergent looks for runs that converge"):
        ExperimentSpec.model_validate(document(optimizer=search, stopping={"steps": 7}))


def test_steps_are_in_the_identity_of_specs_that_give_them_alone() -> None:
    """Documents without them are those of before, and keep their hashes."""
    without = ExperimentSpec.model_validate(document())
    given = ExperimentSpec.model_validate(document(stopping={"steps": 7}))
    assert "steps" not in without.science()["stopping"]
    assert given.science()["stopping"] == {**without.science()["stopping"], "steps": 7}
    assert given.content_hash() != without.content_hash()
    assert Grid(given).run(0).key != Grid(without).run(0).key
    assert ExperimentSpec.model_validate_json(given.canonical()) == given


def test_a_law_of_features_is_part_of_the_identity_and_the_gaussian_one_is_none() -> None:
    """So that hashes and keys of before are what they were."""
    plain, named, other = (
        ExperimentSpec.model_validate(document(data=data))
        for data in ({}, {"features": "gaussian"}, {"features": "rademacher"})
    )
    assert plain.canonical() == named.canonical()
    assert plain.content_hash() == named.content_hash() != other.content_hash()
    assert "features" not in plain.science()["data"]
    assert other.science()["data"]["features"] == "rademacher"
    keys = {Grid(spec).run(0).data_key for spec in (plain, named, other)}
    assert len(keys) == 2
    with pytest.raises(ValidationError, match="gaussian"):
        ExperimentSpec.model_validate(document(data={"features": "cauchy"}))


@pytest.mark.parametrize(
    ("neutral", "other"),
    [
        ({"correlation": 0}, {"correlation": 0.5}),
        ({"variance_decay": 0.0}, {"variance_decay": {"values": [0.0, 1.0]}}),
        ({"true_norm": 1}, {"true_norm": 2.0}),
        ({"support": "first"}, {"support": "random"}),
        ({"signs": "positive"}, {"signs": "random"}),
        ({"mean_profile": None, "variance_profile": None}, {"mean": 1.0, "mean_profile": [1.0] * 100}),
    ],
)
def test_laws_are_part_of_the_identity_where_they_are_no_longer_those_of_the_paper(
    neutral: dict[str, Any], other: dict[str, Any]
) -> None:
    """A field at its default is no field: hashes and keys of before are what they were."""
    plain, named, changed = (ExperimentSpec.model_validate(document(data=data)) for data in ({}, neutral, other))
    assert plain.canonical() == named.canonical()
    assert plain.content_hash() == named.content_hash() != changed.content_hash()
    assert Grid(plain).run(0).key == Grid(named).run(0).key
    assert len({Grid(spec).run(len(Grid(spec)) - 1).data_key for spec in (plain, named, changed)}) == 2
    assert ExperimentSpec.model_validate_json(changed.canonical()) == changed


def test_a_swept_law_has_the_keys_of_the_paper_where_it_is_that_one() -> None:
    """The run at correlation 0 is the one that an experiment without the axis has stored."""
    plain, swept = (
        Grid(ExperimentSpec.model_validate(document(data=data)))
        for data in ({}, {"correlation": {"values": [0.0, 0.5]}, "true_norm": {"values": [1.0]}})
    )
    assert swept.run(0).key == plain.run(0).key != swept.run(1).key
    assert swept.coordinates(1) == {"correlation": 0.5, "true_norm": 1.0}


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ({"correlation": 1.0}, "less than or equal to"),
        ({"variance_decay": -1.0}, "greater than or equal to 0"),
        ({"true_norm": 0.0}, "greater than 0"),
        ({"support": "last"}, "'first' or 'random'"),
        ({"mean_profile": [1.0] * 100}, "mean_profile multiplies mean: give mean"),
        ({"variance": 1.0, "variance_profile": [1.0] * 3}, "variance_profile has 3 entries and there are 100 features"),
        ({"variance": 1.0, "variance_profile": [-1.0] * 100}, "an entry of variance_profile is negative"),
    ],
)
def test_laws_that_cannot_be_drawn_are_refused(data: dict[str, Any], complaint: str) -> None:
    """With what is wrong."""
    with pytest.raises(ValidationError, match=complaint):
        ExperimentSpec.model_validate(document(data=data))


def recording(**fields: Any) -> Recording:
    """That of a spec in which these are given."""
    return ExperimentSpec.model_validate(document(recording=fields)).recording


def test_new_ways_to_record_leave_documents_of_before_as_they_were() -> None:
    """Spelled out at their defaults they are in no document, hash or key."""
    spelled = {"spacing": "log", "at_steps": None, "vectors": [], "support_threshold": 1e-3}
    plain, full = (ExperimentSpec.model_validate(document(recording=fields)) for fields in ({}, spelled))
    assert full.canonical() == plain.canonical()
    assert plain.science()["recording"] == {"points": 100, "sensitivity": "auto"}
    assert Grid(full).run(0).key == Grid(plain).run(0).key
    for other in ({"spacing": "linear"}, {"at_steps": [0, 5]}, {"vectors": ["predictor"]}):
        assert Grid(ExperimentSpec.model_validate(document(recording=other))).run(0).key != Grid(plain).run(0).key


def test_vectors_are_in_one_order_and_have_one_hash() -> None:
    """However often and in which order they are asked for."""
    one, other = recording(vectors=["balance", "predictor", "balance"]), recording(vectors=["predictor", "balance"])
    assert one == other
    assert one.plan.vectors == ("predictor", "balance")


def test_given_steps_are_the_records() -> None:
    """As many as there are."""
    given = recording(at_steps=[0, 10, 500])
    assert (given.records, given.plan.at) == (3, (0, 10, 500))
    assert recording(points=7).records == 7


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"at_steps": [0, 5, 5]}, "must grow"),
        ({"at_steps": []}, "at least 1"),
        ({"at_steps": [-1]}, "greater than or equal to 0"),
        ({"at_steps": list(range(1001))}, "at most 1000"),
        ({"at_steps": [1], "points": 7}, "leave out points"),
        ({"at_steps": [1], "spacing": "linear"}, "leave out spacing"),
        ({"at_steps": [30_000_000]}, "no run takes more than 20000000 steps"),
        ({"vectors": ["theta"]}, "'predictor'"),
        ({"vectors": ["predictor"], "points": 0}, "there are none"),
        ({"support_threshold": 0.1}, "decides nothing"),
        ({"support_threshold": -1.0, "vectors": ["support"]}, "greater than or equal to 0"),
        ({"spacing": "cubic"}, "'log' or 'linear'"),
    ],
)
def test_recordings_that_make_no_sense_are_refused(fields: dict[str, Any], sentence: str) -> None:
    """With what is wrong."""
    with pytest.raises(ValidationError, match=sentence):
        recording(**fields)
