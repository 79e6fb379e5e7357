"""Results: scalars, arrays and the labelled array."""

import hashlib
import json
import math
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from core.array_block import (
    BARE_MAGIC,
    FORMER_BARE_MAGIC,
    MAGIC,
    MAX_BYTES,
    Numbers,
    bare_arrays,
    numbers_in_block,
)
from core.errors import InvalidChoice
from core.identity import canonical_json
from core.outcome import Outcome
from core.results.result import (
    NUMBERS,
    VARIABLES,
    MalformedArrays,
    MalformedSummary,
    decode_summary,
    encode_summary,
    numbers_in_summary,
    pack_arrays,
    to_xarray,
    unpack_arrays,
    whole_summary,
)
from core.results.variables import COORDINATES, Kind
from tests.core.specs import SCALES, SEEDS, STEP_SIZES, fan, grid_of, risk, summaries_of

VALUES = {
    Kind.FLOAT: st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)),
    Kind.INT: st.one_of(st.none(), st.integers(min_value=0, max_value=10**12)),
    Kind.TEXT: st.one_of(st.none(), st.text(max_size=10)),
}
SUMMARIES = st.fixed_dictionaries(
    {}, optional={name: VALUES[entry.kind] for name, entry in VARIABLES.items() if entry.alias_of is None}
)
SHAPES = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
ARRAYS = st.dictionaries(
    st.text(max_size=8),
    st.one_of(
        arrays.arrays(np.float64, SHAPES, elements=st.floats(width=64)),
        arrays.arrays(np.float32, SHAPES, elements=st.floats(width=32)),
        arrays.arrays(np.int64, SHAPES),
    ),
    max_size=4,
)


@settings(deadline=None)
@given(SUMMARIES)
def test_a_summary_reads_back_as_it_was(summary: dict[str, Any]) -> None:
    """Every variable is there, absent ones as null; floats to the last bit; and the spelling is canonical."""
    stored = encode_summary(summary)
    read = decode_summary(stored)
    assert read == {name: summary.get(known.alias_of or name) for name, known in VARIABLES.items()}
    assert encode_summary(read) == stored


def test_a_variable_can_be_read_by_its_former_name_and_from_records_that_have_no_other() -> None:
    """`kicks` has become `perturbations`: both are in what is read, whichever was stored."""
    stored_before = zlib.compress(canonical_json({"steps": 7, "kicks": 3}))
    assert decode_summary(stored_before) == {"steps": 7, "kicks": 3, "perturbations": 3}
    read = decode_summary(encode_summary({"perturbations": 2}))
    assert (read["perturbations"], read["kicks"]) == (2, 2)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float64("nan")])
def test_numbers_that_are_not_finite_become_null(value: float) -> None:
    """JSON cannot say them; the outcome tells why there is no number."""
    assert decode_summary(encode_summary({"train_loss": value}))["train_loss"] is None


def test_numpy_scalars_are_taken_as_numbers() -> None:
    """With their kinds: an integer stays one."""
    read = decode_summary(
        encode_summary({"steps": np.int64(7), "perturbations": 0, "sharpness": np.float32(0.5), "l1_norm": 2})
    )
    found = {name: read[name] for name in ("steps", "perturbations", "sharpness", "l1_norm")}
    assert found == {"steps": 7, "perturbations": 0, "sharpness": 0.5, "l1_norm": 2.0}
    assert [type(value) for value in found.values()] == [int, int, float, float]


def test_an_outcome_is_stored_by_its_name() -> None:
    """An outcome is a text, and every one of them can be stored."""
    for outcome in Outcome:
        assert decode_summary(encode_summary({"outcome": outcome}))["outcome"] == outcome.value


def test_a_name_outside_the_table_is_refused() -> None:
    """What is stored is what is documented."""
    with pytest.raises(InvalidChoice) as refusal:
        encode_summary({"learning_rate": 1.0})
    assert "step_size" in refusal.value.choices


@pytest.mark.parametrize("summary", [{"steps": 1.5}, {"steps": True}, {"outcome": 3}, {"sharpness": "big"}])
def test_a_value_of_another_kind_is_refused(summary: dict[str, Any]) -> None:
    """A slip of the program, found before it is stored."""
    with pytest.raises(TypeError, match=next(iter(summary))):
        encode_summary(summary)


def test_every_variable_is_described() -> None:
    """Each has a label and a sentence, and is found under its own name; sweepable results have one description."""
    for table in (VARIABLES, COORDINATES):
        for name, variable in table.items():
            assert variable.name == name
            assert variable.label
            assert variable.description.endswith(".")
    assert {"init_scale", "step_size"} <= set(VARIABLES) & set(COORDINATES)
    for shared in set(VARIABLES) & set(COORDINATES):
        assert VARIABLES[shared] is COORDINATES[shared]


def test_the_numbers_of_a_summary_stand_where_they_always_did() -> None:
    """What was stored by this version is read by every later one: which numbers there are, then these, then texts."""
    assert NUMBERS[:3] == ("step_size", "end_step_size", "init_scale")
    assert hashlib.sha256(" ".join(NUMBERS[:53]).encode()).hexdigest().startswith("50d2c562692fe60d")
    stored = encode_summary({"step_size": 0.5, "depth": 3, "duality_gap": 2.0, "outcome": "converged"})
    assert stored[:5] == b"sbs2\x07"
    assert int.from_bytes(stored[5:12], "little") == 1 + (1 << 3) + (1 << 52)
    assert struct.unpack_from("<dqd", stored, 12) == (0.5, 3, 2.0)
    assert json.loads(stored[12 + 24 :]) == {"outcome": "converged"}


def test_every_number_has_a_place_among_those_of_a_summary() -> None:
    """One that had none would be stored as text, whose length differs from run to run."""
    assert sorted(NUMBERS) == sorted(
        name for name, known in VARIABLES.items() if known.kind is not Kind.TEXT and known.alias_of is None
    )


def test_what_is_null_takes_no_byte_of_a_summary() -> None:
    """Not of its numbers, nor of its texts."""
    known = {"step_size": 0.5, "steps": 7, "outcome": "converged"}
    nothing = {name: None for name, entry in VARIABLES.items() if name not in known and entry.alias_of is None}
    assert encode_summary(known | nothing) == encode_summary(known)
    assert len(encode_summary(known)) == len(b"sbs2\x07") + 7 + 2 * 8 + 32


def test_a_number_that_a_later_version_added_is_passed_over() -> None:
    """A worker that is newer than the interface stores what that does not know."""
    stored = encode_summary({"step_size": 0.5, "outcome": "converged"})
    later = stored[:4] + b"\x08" + stored[5:12] + b"\x01" + stored[12:20] + struct.pack("<d", 1.5) + stored[20:]
    assert decode_summary(later) == decode_summary(stored)


def test_a_summary_in_the_form_before_is_read() -> None:
    """Its numbers stood in a fixed row, NaN for null, and all else in JSON."""
    row = struct.pack("<38d", 0.5, *[math.nan] * 36, 2.0)
    rest = canonical_json({"outcome": "converged", "best_excess_risk": 0.25, "steps": 7})
    read = decode_summary(b"sbs1" + row + rest)
    known = {"step_size": 0.5, "sensitivity": 2.0, "outcome": "converged", "best_excess_risk": 0.25, "steps": 7}
    assert {name: value for name, value in read.items() if value is not None} == known
    assert set(read) == set(VARIABLES)


def _stored_in_every_form() -> list[bytes]:
    """A summary as it is stored now, as it was before, and as it was at first, compressed or not."""
    now = encode_summary({"step_size": 0.5, "depth": 3, "duality_gap": 2.0, "outcome": "converged", "path": "smooth"})
    row = struct.pack("<38d", 0.5, *[math.nan] * 36, 2.0)
    plain = canonical_json({"outcome": "converged", "best_excess_risk": 0.25, "steps": 7})
    return [now, b"sbs1" + row + plain, plain, zlib.compress(plain)]


@pytest.mark.parametrize("stored", _stored_in_every_form(), ids=["now", "before", "plain", "compressed"])
def test_no_beginning_of_a_summary_is_one(stored: bytes) -> None:
    """Wherever it is cut, and in whatever form it is, that is said."""
    decode_summary(stored)
    for length in range(len(stored)):
        with pytest.raises(MalformedSummary, match="cut short"):
            decode_summary(stored[:length])


@pytest.mark.parametrize("stored", _stored_in_every_form(), ids=["now", "before", "plain", "compressed"])
def test_a_summary_of_which_a_byte_is_another_says_so_or_is_still_one(stored: bytes) -> None:
    """Every byte, each of its bits, and all of them: no other error, and nothing that could not have been stored."""
    refused = 0
    for place in range(len(stored)):
        for flipped in (*(1 << bit for bit in range(8)), 255):
            damaged = stored[:place] + bytes([stored[place] ^ flipped]) + stored[place + 1 :]
            try:
                read = decode_summary(damaged)
            except MalformedSummary:
                refused += 1
            else:
                assert {name: value for name, value in whole_summary(read).items() if name in read} == read
    assert refused > 100


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_what_is_no_summary_is_refused_with_one_error(noise: bytes) -> None:
    """Whatever it begins with."""
    for stored in (noise, b"sbs2" + noise, b"sbs2\x07" + noise, b"sbs1" + noise, b"{" + noise, zlib.compress(noise)):
        with suppress(MalformedSummary):
            decode_summary(stored)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"[]", id="no object"),
        pytest.param(b'[["outcome","converged"]]', id="pairs"),
        pytest.param(b'{"outcome":7}', id="of another kind"),
        pytest.param(b'{"outcome":{}}', id="nested"),
        pytest.param(b'{"steps":true}', id="a truth"),
        pytest.param(b'{"excess_risk":NaN}', id="no number"),
        pytest.param(b'{"excess_risk":1e999}', id="infinite"),
        pytest.param(b'{"excess_risk":%d}' % 10**400, id="beyond every float"),
        pytest.param(b"[" * 100_000, id="nested without end"),
        pytest.param(b"\xff", id="no text"),
    ],
)
def test_scalars_that_could_not_have_been_stored_are_refused(text: bytes) -> None:
    """In JSON, in whichever form it stands."""
    bits = bytes(7)
    for stored in (text, zlib.compress(text), b"sbs2\x07" + bits + text.ljust(-(-len(text) // 32) * 32)):
        with pytest.raises(MalformedSummary):
            decode_summary(stored)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_no_part_of_a_stored_summary(number: float) -> None:
    """It is null there, so it is damage."""
    stored = encode_summary({"step_size": 0.5, "outcome": "converged"})
    with pytest.raises(MalformedSummary):
        decode_summary(stored.replace(struct.pack("<d", 0.5), struct.pack("<d", number)))


@settings(deadline=None)
@given(ARRAYS, st.sampled_from([pack_arrays, bare_arrays]))
def test_arrays_read_back_bit_for_bit(packed: dict[str, np.ndarray], pack: Callable[[Any], bytes]) -> None:
    """NaN payloads, minus zero, empty arrays and scalars included, in blocks of either kind."""
    read = unpack_arrays(pack(packed))
    assert set(read) == set(packed)
    for name, array in packed.items():
        assert (read[name].dtype, read[name].shape) == (array.dtype, array.shape)
        assert read[name].tobytes() == array.tobytes()


def test_equal_arrays_give_equal_bytes_however_they_lie_in_memory() -> None:
    """Order of names, strides and byte order are no content."""
    matrix = np.arange(12, dtype=np.float64).reshape(3, 4)
    scattered = {"b": matrix.astype(">f8"), "a": np.asfortranarray(matrix)}
    assert pack_arrays({"a": matrix, "b": matrix}) == pack_arrays(scattered)
    assert bare_arrays({"a": matrix, "b": matrix}) == bare_arrays(scattered)
    np.testing.assert_array_equal(unpack_arrays(pack_arrays({"a": matrix.T}))["a"], matrix.T)


@pytest.mark.parametrize("array", [np.array([True]), np.array(["a"]), np.array([None]), np.array([1j])])
def test_arrays_of_other_types_are_not_packed(array: np.ndarray) -> None:
    """Three types of numbers are enough, and objects would need a pickle."""
    with pytest.raises(TypeError, match="float64, float32 and int64"):
        pack_arrays({"u": array})


def test_it_is_known_where_the_numbers_of_a_bare_block_lie() -> None:
    """In the order of names, those of empty arrays left out; of other bytes nothing is known."""
    block = bare_arrays({"b": np.arange(3.0), "a": np.zeros((2, 2), "<f4"), "c": np.zeros((0, 4)), "d": np.array(7)})
    a, b, d = numbers_in_block(block)
    assert (a.length, a.itemsize, b.length, b.itemsize, d.length, d.itemsize) == (4, 4, 3, 8, 1, 8)
    assert block[b.start : d.start] == np.arange(3.0).tobytes()
    assert block[d.start :] == (7).to_bytes(8, "little")
    assert a.start + 16 == b.start
    assert numbers_in_block(pack_arrays({"b": np.arange(3.0)})) == numbers_in_block(b"") == ()


def test_it_is_known_where_the_numbers_of_a_summary_lie() -> None:
    """Those that are not null, each by itself."""
    stored = encode_summary({"step_size": 0.5, "depth": 3, "outcome": "converged"})
    assert numbers_in_summary(stored) == (Numbers(12, 1, 8), Numbers(20, 1, 8))
    assert struct.unpack_from("<dq", stored, 12) == (0.5, 3)
    assert numbers_in_summary(b"{}") == ()


def test_a_bare_block_in_the_form_before_is_read() -> None:
    """All float32 together, as differences of bits, of either sign in turn, then the lowest bytes of all, and so on."""
    curves = np.array([1.0, 1.5, -0.25, 8.0], dtype="<f4")
    bits = [int(number) for number in curves.view("<u4")]
    steps = [(this - last + 2**31) % 2**32 - 2**31 for last, this in zip([0, *bits], bits, strict=False)]
    folded = b"".join((2 * step if step >= 0 else -2 * step - 1).to_bytes(4, "little") for step in steps)
    body = b"".join(folded[place::4] for place in range(4)) + b"".join(
        np.array([0.1, 0.2]).tobytes()[place::8] for place in range(8)
    )
    header = json.dumps([["a", "<f4", [3]], ["b", "<f8", [2]], ["c", "<f4", [1]]]).encode()
    read = unpack_arrays(b"sba3" + struct.pack("<I", len(header)) + header + body)
    assert read["a"].tolist() == [1.0, 1.5, -0.25]
    assert read["b"].tolist() == [0.1, 0.2]
    assert read["c"].tolist() == [8.0]


def _block(header: Any, body: bytes = b"", *, raw: bytes | None = None) -> bytes:
    text = json.dumps(header).encode() if raw is None else raw
    return MAGIC + zlib.compress(struct.pack("<I", len(text)) + text + body)


def _bare(header: Any, body: bytes = b"", *, magic: bytes = BARE_MAGIC) -> bytes:
    text = json.dumps(header).encode()
    return magic + struct.pack("<I", len(text)) + text + body


GOOD = pack_arrays({"u": np.arange(3.0)})


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"PK\x03\x04", id="another format"),
        pytest.param(MAGIC, id="nothing after the magic"),
        pytest.param(GOOD[:-1], id="cut short"),
        pytest.param(GOOD + b"x", id="bytes after the end"),
        pytest.param(MAGIC + zlib.compress(b"\x00"), id="no header length"),
        pytest.param(MAGIC + zlib.compress(b"\xff\xff\xff\xff{}"), id="header longer than the block"),
        pytest.param(_block(None, raw=b"\xff"), id="header is no text"),
        pytest.param(_block(None, raw=b"[" * 100_000), id="header nested without end"),
        pytest.param(_block({}), id="header is no list"),
        pytest.param(_block([["u", "<f8"]]), id="entry without shape"),
        pytest.param(_block([["u", "|O", [1]]], b"\0" * 8), id="objects"),
        pytest.param(_block([["u", "<f8", [-1]]]), id="negative length"),
        pytest.param(_block([["u", "<f8", [True]]], b"\0" * 8), id="length is no number"),
        pytest.param(_block([["u", "<f8", [10**30, 0]]]), id="length beyond memory"),
        pytest.param(_block([["u", "<f8", [1] * 65]], b"\0" * 8), id="too many dimensions"),
        pytest.param(_block([["u", "<f8", [2]]], b"\0" * 8), id="fewer numbers than said"),
        pytest.param(_block([["u", "<f8", [1]]], b"\0" * 9), id="more numbers than said"),
        pytest.param(_block([["u", "<f8", [0]], ["u", "<f8", [0]]]), id="a name twice"),
        pytest.param(BARE_MAGIC, id="bare, with nothing after the magic"),
        pytest.param(_bare([["u", "<f4", [2]]], b"\0" * 7), id="bare, with fewer numbers than said"),
        pytest.param(_bare([["u", "<f4", [1]]], b"\0" * 5), id="bare, with more numbers than said"),
        pytest.param(FORMER_BARE_MAGIC, id="bare of before, with nothing after the magic"),
        pytest.param(_bare([["u", "<f4", [2]]], b"\0" * 7, magic=FORMER_BARE_MAGIC), id="bare of before, too short"),
        pytest.param(_bare([["u", "<f4", [1]]], b"\0" * 5, magic=FORMER_BARE_MAGIC), id="bare of before, too long"),
    ],
)
def test_malformed_blocks_are_refused_with_one_error(block: bytes) -> None:
    """Whatever the bytes, never another exception."""
    with pytest.raises(MalformedArrays):
        unpack_arrays(block)


@settings(deadline=None)
@given(st.binary(max_size=60), st.integers(min_value=0, max_value=len(GOOD) - 1), st.integers(0, 255))
def test_damage_never_raises_anything_else(noise: bytes, place: int, byte: int) -> None:
    """Random headers, and a byte changed in a good block."""
    damaged = GOOD[:place] + bytes([byte]) + GOOD[place + 1 :]
    for block in (
        MAGIC + noise,
        BARE_MAGIC + noise,
        FORMER_BARE_MAGIC + noise,
        MAGIC + zlib.compress(noise),
        _block(None, raw=noise),
        damaged,
    ):
        try:
            unpack_arrays(block)
        except MalformedArrays:
            continue


def test_a_block_that_unfolds_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A megabyte of zeros compresses to a thousand bytes; the limit is on what comes out."""
    block = pack_arrays({"u": np.zeros((1 << 9, 1 << 8))})
    assert len(block) < 5_000 < MAX_BYTES
    monkeypatch.setattr("core.array_block.MAX_BYTES", 1 << 16)
    with pytest.raises(MalformedArrays):
        unpack_arrays(block)


def test_the_labelled_array_has_every_axis_as_a_coordinate() -> None:
    """In grid order, each along its own dimension."""
    document = to_xarray(fan(), summaries_of(fan()), {"name": "fan"})
    assert set(document) == {"attrs", "dims", "coords", "data_vars"}
    assert document["attrs"] == {"name": "fan"}
    assert document["dims"] == {"seed": 4, "init_scale": 3, "step_size": 2}
    assert {name: entry["data"] for name, entry in document["coords"].items()} == {
        "seed": SEEDS,
        "init_scale": SCALES,
        "step_size": STEP_SIZES,
    }
    assert all(entry["dims"] == [name] for name, entry in document["coords"].items())


def test_the_labelled_array_holds_each_run_at_its_place() -> None:
    """Indexing by position along each dimension gives the run with those coordinates."""
    data = to_xarray(fan(), summaries_of(fan()), {})["data_vars"]["excess_risk"]
    assert data["dims"] == ["seed", "init_scale", "step_size"]
    for i, seed in enumerate(SEEDS):
        for j, scale in enumerate(SCALES):
            for k, step in enumerate(STEP_SIZES):
                here = risk({"seed": seed, "init_scale": scale, "step_size": step})
                assert data["data"][i][j][k] == here


def test_the_labelled_array_has_the_form_that_xarray_documents() -> None:
    """Of each variable `dims` and `data`, whose nesting has the lengths of the dimensions; no name in both parts."""
    document = to_xarray(fan(), summaries_of(fan()), {})
    assert not set(document["coords"]) & set(document["data_vars"])
    assert set(document["coords"]) | set(document["data_vars"]) == set(VARIABLES) | {"seed"}
    for entry in (*document["coords"].values(), *document["data_vars"].values()):
        shape = tuple(document["dims"][name] for name in entry["dims"])
        assert np.array(entry["data"], dtype=object).shape == shape
        assert all(isinstance(text, str) for text in entry["attrs"].values())


def test_missing_runs_are_null_in_the_labelled_array() -> None:
    """Numbers and texts alike, and the document is JSON."""
    summaries = summaries_of(fan())
    summaries[0] = None
    document = json.loads(json.dumps(to_xarray(fan(), summaries, {}), allow_nan=False))
    for name in ("excess_risk", "outcome", "steps"):
        data = document["data_vars"][name]["data"]
        assert data[0][0][0] is None
        assert data[0][0][1] is not None


def test_a_single_run_is_an_array_without_dimensions() -> None:
    """Nothing swept: every variable is a scalar."""
    document = to_xarray(grid_of(), [{"train_loss": 0.5}], {})
    assert document["dims"] == {}
    assert document["data_vars"]["train_loss"]["data"] == 0.5


def test_summaries_must_match_the_grid() -> None:
    """One for each run, else labels would be wrong."""
    with pytest.raises(ValueError, match="23 summaries for 24 runs"):
        to_xarray(fan(), summaries_of(fan())[1:], {})


def test_what_was_stored_before_compression_can_be_read() -> None:
    """Plain JSON, and arrays whose bytes are in their own order."""
    assert decode_summary(b'{"outcome":"converged","steps":7}') == {"outcome": "converged", "steps": 7}
    header = json.dumps([["u", "<f8", [2]]]).encode()
    body = np.array([0.5, -3.0]).tobytes()
    block = b"sba1" + zlib.compress(struct.pack("<I", len(header)) + header + body)
    np.testing.assert_array_equal(unpack_arrays(block)["u"], [0.5, -3.0])
