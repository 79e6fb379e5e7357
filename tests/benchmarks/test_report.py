"""The page that is written from kept numbers."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.machine import describe
from benchmarks.report import table, write_report
from benchmarks.turns import Effort


def test_page_holds_what_was_measured_with_machine_and_date_and_leaves_out_the_rest(tmp_path: Path) -> None:
    """One row of the kernel table; there are no sections on anything else."""
    row = {"dim": 100, "samples": 50, "depth": 2, "runs": 8, "gflops": 100.0, "of_dgemm": 1.8}
    row |= {"microseconds": {"stepbias": 0.19, "jax": 0.38}, "ratio": {"jax": 2.0}}
    machine = describe(datetime(2026, 1, 2, tzinfo=UTC))
    numbers = {"machine": machine, "effort": asdict(Effort()), "rows": [row]}
    (tmp_path / "kernel.json").write_text(json.dumps(numbers), encoding="utf-8")
    page, picture = write_report(tmp_path, tmp_path / "docs")
    text = page.read_text(encoding="utf-8")
    assert "| 100 × 50 | 2 | 8 | 0.19 | 0.38 | 2.00 | 100.0 | 1.80 |" in text
    assert "2026-01-02" in text
    assert machine["kernel"] in text
    assert "## Service" not in text
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_table_is_markdown() -> None:
    """A head, a rule, a line for each row."""
    assert table(["a", "b"], [[1, 2.5]]) == "| a | b |\n| --- | --- |\n| 1 | 2.5 |\n"
