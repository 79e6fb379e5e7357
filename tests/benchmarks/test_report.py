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
    row = {"optimizer": "gradient_descent", "dim": 100, "samples": 50, "depth": 2, "runs": 8, "gflops": 100.0}
    row |= {"of_dgemm": 1.8, "microseconds": {"stepbias": 0.19, "jax": 0.38}, "ratio": {"jax": 2.0, "numpy": 1.5}}
    machine = describe(datetime(2026, 1, 2, tzinfo=UTC))
    numbers = {"machine": machine, "effort": asdict(Effort()), "rows": [row]}
    (tmp_path / "kernel.json").write_text(json.dumps(numbers), encoding="utf-8")
    page, picture = write_report(tmp_path, tmp_path / "docs")
    text = page.read_text(encoding="utf-8")
    assert "| gradient descent | 100 × 50 | 2 | 8 | 0.19 | 2.00 | 1.50 | 1.50 | 100.0 | 1.80 |" in text
    assert "1.50 in the median, and less than stepbias in 0." in " ".join(text.split())
    assert "2026-01-02" in text
    assert machine["kernel"] in text
    assert "## Service" not in text
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_table_is_markdown() -> None:
    """A head, a rule, a line for each row."""
    assert table(["a", "b"], [[1, 2.5]]) == "| a | b |\n| --- | --- |\n| 1 | 2.5 |\n"


def test_page_tells_of_the_interface_and_of_the_tracking_server(tmp_path: Path) -> None:
    """Each number with what was asked, and the share of memory."""
    common = {"machine": describe(datetime(2026, 1, 2, tzinfo=UTC)), "effort": asdict(Effort())}
    told = {"count": 3000, "errors": 0, "p50_ms": 1.5, "p99_ms": 12.25, "slowest_ms": 80.4}
    door = {
        "size": {"exported": 20_000, "downloaded": 100_000},
        "alone": {"status": {"rate": 4321.4, "errors": 0, "api_microseconds": 200.4, "store_microseconds": 20.2}},
        "polls": {"100": 0.5, "10000": 0.51},
        "lists": {"100": 2.0, "10000": 2.1},
        "exports": {"csv": {"first": 1.25, "again": 0.5, "bytes": 10}},
        "under_work": {"status": told, "submit": told | {"errors": 2}, "seconds": 300.0},
    }
    tracker = {
        "rates": {"status": {"mlflow": 100.0, "stepbias": 1530.0}},
        "ratios": {"status": 15.3},
        "idle_bytes": {"mlflow": 1_700_000_000, "stepbias": 230_000_000, "api_and_store": 120_000_000},
    }
    (tmp_path / "door.json").write_text(json.dumps(common | door), encoding="utf-8")
    row = {"slider": "eta", "stop": 3, "per_second": 59.9, "between_ms": 16.7, "between_p95_ms": 17.1}
    row |= {"script_ms": 4.25, "thread_ms": 9.04}
    explorer = {"browser": "150.0", "bytes": 64_400, "rows": [row]}
    (tmp_path / "explorer.json").write_text(json.dumps(common | explorer), encoding="utf-8")
    (tmp_path / "tracker.json").write_text(json.dumps(common | tracker), encoding="utf-8")
    told = {"mean_seconds": 16.52, "mean_core_seconds": 33.0, "last_core_seconds": 63.0, "experiments": 21}
    lessons = {"stepbias": told | {"places_of_shared": [1, 2]}}
    (tmp_path / "classroom.json").write_text(json.dumps(common | {"people": 20, "lessons": lessons}), encoding="utf-8")
    (page,) = write_report(tmp_path, tmp_path / "docs")
    text = page.read_text(encoding="utf-8")
    assert "| stepbias | 16.5 | 33.0 | 63.0 | 1, 2 |" in text
    assert "| 4,321 (200 µs of the API, 20 of the store) | 4,000 |" in text
    assert "| 12.2 ms (median 1.5, slowest 80) | ≤ 50 ms |" in text
    assert "| submit, errors of 3,000 | 2 | 0 |" in text
    assert "| poll of 10,000 runs | 0.51 ms |" in text
    assert "| CSV of 20,000 runs | 1.25 s, again 0.50 s | ≤ 5 s |" in text
    assert "| status | 100 | 1530 | 15.3 |" in text
    assert "| eta, stop 3 | 60 | 16.7 | 17.1 | 4.2 | 9.0 |" in text
    assert "0.14 of it" in " ".join(text.split())


def test_figure_1_is_compared_with_the_fair_baseline_first(tmp_path: Path) -> None:
    """One that was cut off is a lower bound, and what is computed of the while loop comes after it."""
    numbers = {
        "machine": describe(datetime(2026, 1, 2, tzinfo=UTC)),
        "effort": asdict(Effort(by_cpu=True)),
        "finished": True,
        "seconds": 5.25,
        "workers": 2,
        "one_core_seconds": 8.75,
        "jax_scan_seconds": 93.8,
        "iterated_seconds": 46.9,
        "iterated_ratio": 2.0,
        "jax_scan_lane_steps": 224_739_328,
        "jax_scan_runs_left": 0,
        "ratio": 10.72,
        "jax_while_microseconds": 1.0,
        "jax_while_seconds": 4094.0,
        "slowest_steps": 20_389_888,
        "slowest_converged": True,
    }
    for left, told in ((0, "94 s for 225 million"), (3, "more than 94 s for more than 225 million")):
        (tmp_path / "figure1.json").write_text(json.dumps(numbers | {"jax_scan_runs_left": left}), encoding="utf-8")
        (page,) = write_report(tmp_path, tmp_path / "docs")
        text = " ".join(page.read_text(encoding="utf-8").split())
        assert told in text
        assert text.index("8.8 s") < text.index("**10.7 × as long**") < text.index("4094 s")
        assert "processor seconds" in text
        assert "5.2 s" not in text  # seconds on the clock of a machine that was shared
