"""That the campaign makes the changes that it tells of, one at a time, and that tests see them."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from coverage import CoverageData

from tests.mutants.campaign import Mutant, drawn
from tests.mutants.sites import mutated, mutations
from tests.mutants.witnesses import ROOT, Witnesses, selected

SOURCE = '''
"""Text 1."""
LIMIT: Final[Literal[1]] = 3

@dataclass(frozen=True)
class Point:
    def step(self, x: Float[Array, "2"]) -> float:
        if x < 2 and not self.still:
            raise ValueError(f"{x + 1}")
        return -x * sum(zip(a, b, strict=True))
'''


def test_every_change_is_one_expression_of_what_is_computed() -> None:
    """Annotations, decorators, messages and checks of length compute nothing."""
    told = [(found.before, found.after) for found in mutations(SOURCE)]
    assert told == [
        ("3", "4"),
        ("2", "3"),
        ("x < 2", "x >= 2"),
        ("x < 2", "x <= 2"),
        ("not self.still", "self.still"),
        ("x < 2 and (not self.still)", "x < 2 or not self.still"),
        ("x < 2 and (not self.still)", "True"),
        ("x < 2 and (not self.still)", "False"),
        ("-x", "x"),
        ("-x * sum(zip(a, b, strict=True))", "-x / sum(zip(a, b, strict=True))"),
    ]


def test_a_mutant_has_its_change_and_no_other() -> None:
    """Each has what it is said to have, in one line of the module, and no two are alike."""
    plain = ast.unparse(ast.parse(SOURCE))
    texts = [ast.unparse(mutated(SOURCE, number)) for number in range(len(mutations(SOURCE)))]
    assert len({plain, *texts}) == len(texts) + 1
    for text, found in zip(texts, mutations(SOURCE), strict=True):
        changed = [line for line, before in zip(text.splitlines(), plain.splitlines(), strict=True) if line != before]
        assert len(changed) == 1
        assert found.after in changed[0]


def test_what_is_drawn_is_a_function_of_the_seed() -> None:
    """And a name replays it."""
    first, again, other = (drawn(["core/networks"], 20, seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert Mutant.named(first[0].name) == first[0]


def test_quick_tests_come_before_slow_ones_within_a_budget() -> None:
    """One at least, however slow."""
    seconds = {"a": 5.0, "b": 3.0, "c": 1.0}
    assert list(selected(["a", "b", "c"], seconds, 6.0)) == ["a", "c"]
    assert list(selected(["a"], seconds, 1.0)) == ["a"]


def test_what_an_import_alone_executes_is_a_matter_for_its_own_tests_too() -> None:
    """A constant is used where nothing of its module need be executed."""
    path, own, other = (
        ROOT / "core" / "thing.py",
        "tests/core/test_thing.py::test_a",
        "tests/core/test_other.py::test_b",
    )
    coverage = CoverageData(no_disk=True)
    coverage.set_context(f"{other}|run")
    coverage.add_lines({str(path): [3]})
    witnesses = Witnesses(coverage=coverage, seconds={own: 2.0, other: 1.0})
    assert witnesses.of(path, range(3, 4)) == [other]
    assert witnesses.of(path, range(1, 2)) == [own, other]


@pytest.mark.timeout(240)
def test_a_small_campaign_notices_every_mutant_and_says_how_to_replay_it(tmp_path: Path) -> None:
    """The tests of a module, found by what they execute, hold every expression of it."""
    module, tests = "core/networks/uv_equivalence.py", "tests/core/networks/test_uv_equivalence.py"
    arguments = ["--packages", module, "--tests", tests, "--mutants", "3", "--map", str(tmp_path / "map")]
    command = [sys.executable, "-m", "tests.mutants", *arguments]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "3 of 3 mutants noticed (100.0%)" in told
    assert told.count(f" tests): {module}:") == 3
