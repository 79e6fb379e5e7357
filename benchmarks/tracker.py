"""Beside an MLflow tracking server, in one run: what recording, listing, a status and a curve cost, and idling.

Both are asked over HTTP on connections that stay open, in turn, by as many processes at once, which do nothing but
write and read bytes; both keep all on disk.
MLflow records as its own client does: create a run, log its parameters and metrics in one batch, end it. Here a run is
recorded once it has been submitted, trained and stored, so its training is counted in.
"""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

import httpx2

from benchmarks.baseline_process import ROOT
from benchmarks.living_service import LivingService, living_service
from benchmarks.polling import poll, request
from benchmarks.processes import alone, children, named, resident
from benchmarks.sweeps import tiny_runs
from benchmarks.turns import Effort
from core.spec.experiment_spec import ExperimentSpec

MLFLOW: Final = ROOT / ".venv-mlflow" / "bin" / "mlflow"
PORT: Final = 5998
RECORDED: Final = 1_000
LISTED: Final = 50
POINTS: Final = 100
CLIENTS: Final = 4
SECONDS: Final = 3.0
ROUNDS: Final = 3


def measure_tracker(effort: Effort) -> dict[str, Any]:
    """Rates of both, their ratios, and what each takes when idle."""
    recorded = RECORDED // 10 if effort.quick else RECORDED
    with _mlflow() as tracker, living_service(1) as service:
        time.sleep(5.0)
        idle = {"mlflow": resident(tracker.process.pid)} | _idle(service)
        rates: dict[str, dict[str, float]] = {
            "recording": {"mlflow": tracker.record(recorded), "stepbias": _record(service, 10 * recorded)}
        }
        theirs, ours = tracker.questions(), _questions(_sweep(service))
        for name in ("listing", "status", "curve"):
            rates[name] = _in_turn({"mlflow": (PORT, theirs[name]), "stepbias": (service.port, ours[name])})
    ratios = {name: each["stepbias"] / each["mlflow"] for name, each in rates.items()}
    for name, each in rates.items():
        print(
            f"{name}: MLflow {each['mlflow']:.0f}/s, stepbias {each['stepbias']:.0f}/s, {ratios[name]:.1f} ×",
            flush=True,
        )
    print(
        f"idle: MLflow {idle['mlflow'] / 1e6:.0f} MB; stepbias with its workers {idle['stepbias'] / 1e6:.0f} MB, "
        f"{idle['stepbias'] / idle['mlflow']:.2f} of it; what a tracking server is, API and store, each by itself "
        f"{idle['api_and_store'] / 1e6:.0f} MB, {idle['api_and_store'] / idle['mlflow']:.2f}",
        flush=True,
    )
    return {"rates": rates, "ratios": ratios, "idle_bytes": idle}


def _idle(service: LivingService) -> dict[str, int]:
    """Bytes of all its processes, what they share counted once, and of API and store as if nothing were shared."""
    parts = (named(service.pid, part) for part in ("server.conf", "\0api\0"))
    return {"stepbias": resident(service.pid), "api_and_store": sum(map(alone, parts))}


class _Tracker:
    """A tracking server on SQLite, which it comes with, and one process."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._http = httpx2.Client(base_url=f"http://127.0.0.1:{PORT}/api/2.0/mlflow", timeout=60.0)
        self._run = ""

    def wait_until_it_answers(self) -> None:
        """Raises where it does not within two minutes."""
        for _ in range(240):
            try:
                self._http.post("/experiments/search", json={"max_results": 1}).raise_for_status()
            except httpx2.HTTPError:
                time.sleep(0.5)
            else:
                return
        raise TimeoutError("the tracking server does not answer")

    def record(self, count: int) -> float:
        """Runs a second, each with ten parameters and a curve of so many points."""
        begun = time.perf_counter()
        with ThreadPoolExecutor(CLIENTS) as pool:
            self._run = list(pool.map(self._record_one, range(count)))[-1]
        return count / (time.perf_counter() - begun)

    def _record_one(self, number: int) -> str:
        now = time.time_ns() // 10**6
        created = self._ask("POST", "/runs/create", {"experiment_id": "0", "start_time": now})
        run_id: str = created["run"]["info"]["run_id"]
        metrics = [
            {"key": key, "value": number / 7, "timestamp": now, "step": 0}
            for key in map("quantity_{}".format, range(30))
        ]
        curve = [{"key": "loss", "value": 1 / (step + 1), "timestamp": now, "step": step} for step in range(POINTS)]
        params = [{"key": f"parameter_{index}", "value": str(number)} for index in range(10)]
        self._ask("POST", "/runs/log-batch", {"run_id": run_id, "metrics": metrics + curve, "params": params})
        self._ask("POST", "/runs/update", {"run_id": run_id, "status": "FINISHED", "end_time": now})
        return run_id

    def questions(self) -> Mapping[str, bytes]:
        """What is asked again and again."""
        api = "/api/2.0/mlflow"
        history = {"run_id": self._run, "metric_key": "loss"}
        return {
            "listing": request("POST", f"{api}/runs/search", body={"experiment_ids": ["0"], "max_results": LISTED}),
            "status": request("GET", f"{api}/runs/get", query={"run_id": self._run}),
            "curve": request("GET", f"{api}/metrics/get-history", query=history),
        }

    def _ask(self, method: str, path: str, given: Mapping[str, Any]) -> Any:
        return self._http.request(method, path, json=given).raise_for_status().json()


@contextmanager
def _mlflow() -> Iterator[_Tracker]:
    with tempfile.TemporaryDirectory(prefix="stepbias-mlflow-") as directory:
        store, artifacts = f"sqlite:///{directory}/mlflow.db", Path(directory) / "artifacts"
        command = [str(MLFLOW), "server", "--backend-store-uri", store, "--artifacts-destination", str(artifacts)]
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(PORT), "--workers", "1"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=directory,
        )
        try:
            tracker = _Tracker(process)
            tracker.wait_until_it_answers()
            yield tracker
        finally:
            for each in [*children(process.pid), process.pid]:
                os.kill(each, signal.SIGKILL)
            process.wait()


def _record(service: LivingService, count: int) -> float:
    """Runs a second of a sweep, from its submission to the last result."""
    _, seconds = service.run(tiny_runs(count))
    return count / seconds


def _sweep(service: LivingService) -> str:
    """The id of a finished sweep of which curves are asked for, listed among as many as a page has."""
    for number in range(LISTED):
        service.run(_named(number))
    return service.run(tiny_runs(POINTS))[0].id


def _named(number: int) -> ExperimentSpec:
    return ExperimentSpec.model_validate(tiny_runs(2).model_dump(mode="json") | {"name": f"listed {number}"})


def _questions(experiment_id: str) -> Mapping[str, bytes]:
    path = f"/v1/experiments/{experiment_id}"
    return {
        "listing": request("GET", "/v1/experiments", query={"limit": LISTED}),
        "status": request("GET", path),
        "curve": request("GET", f"{path}/curves", query={"x": "init_scale", "y": "train_loss"}),
    }


def _in_turn(asked: Mapping[str, tuple[int, bytes]]) -> dict[str, float]:
    """Answers a second to so many clients at once, the median of rounds in which both are asked."""
    found: dict[str, list[float]] = {whose: [] for whose in asked}
    for _ in range(ROUNDS):
        for whose, (port, question) in asked.items():
            answered = poll(port, question, seconds=SECONDS, clients=CLIENTS)
            if answered.errors:
                raise ValueError(f"{whose} answers with errors")
            found[whose].append(answered.rate)
    return {whose: median(rates) for whose, rates in found.items()}
