"""The `stepbias` command, as its users type it."""

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from arro3.io import read_parquet
from click.testing import CliRunner, Result

from core.identity import NUMERICS_VERSION
from jobs.records import LiveWorker, Queue
from stepbias.cli import submit
from stepbias.cli.main import app
from tests.stepbias.client.living_service import LivingService, living_service, small_spec
from tests.stepbias.launcher.household import hearing

COMMANDS = [
    "up",
    "demo",
    "submit",
    "estimate",
    "upload",
    "watch",
    "fetch",
    "cancel",
    "retry",
    "delete",
    "list",
    "rename",
    "tag",
    "note",
    "presets",
    "status",
    "spec",
    "curves",
    "figure",
    "analyse",
    "report",
    "compare",
    "export",
    "completion",
    "run",
    "backup",
    "restore",
    "doctor",
    "explorer",
    "serve",
]
DOCUMENTS = {"spec.json", "results.json", "curves.json", "report.json", "report.txt"}
MORE = {"analysis.json", "manifest.json", *(f"results.{form}" for form in ("csv", "ndjson", "parquet", "npz"))}
"""What only a service has, or saves."""
PICTURES = {"risk", "excess-risk", "stability", "trajectory", "early-stopping", "phase", "effective-init", "predictor"}
FILES = DOCUMENTS | {f"{name}.png" for name in PICTURES}


@pytest.fixture(scope="module")
def service() -> Iterator[LivingService]:
    """A service for the tests of this file."""
    with living_service() as service:
        yield service


@pytest.fixture
def spec_file(tmp_path: Path) -> Path:
    """The small spec, in a file."""
    file = tmp_path / "spec.json"
    file.write_text(json.dumps(small_spec()))
    return file


def _stepbias(*words: str | Path, service: LivingService | None = None, stdin: bytes | None = None) -> Result:
    environment = {"STEPBIAS_URL": service.url} if service else {}
    return CliRunner().invoke(app, [str(word) for word in words], env=environment, input=stdin)


def _is_one_sentence(result: Result) -> bool:
    """Whether the command failed as expected errors should: exit code 1, a line on stderr, nothing else."""
    is_exit = result.exception is None or isinstance(result.exception, SystemExit)
    return (
        is_exit
        and result.exit_code == 1
        and result.stdout == ""
        and result.stderr.startswith("stepbias: ")
        and "Traceback" not in result.stderr
    )


def _submitted(service: LivingService, name: str, **changes: Any) -> str:
    """The id of a new experiment."""
    spec = json.dumps(small_spec(name=name, **changes)).encode()
    return _stepbias("submit", "-", service=service, stdin=spec).stdout.strip()


def test_help_answers_without_the_numerics() -> None:
    """Who asks for help waits for no numerics, no part of the service, and no library of HTTP or of terminals."""
    program = (
        "import sys\n"
        "from stepbias.cli.main import app\n"
        "try:\n    app(['--help'])\n"
        "finally:\n    print(sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert all(command in done.stdout for command in COMMANDS)
    heavy = ["numpy", "scipy", "matplotlib", "pydantic", "celery", "redis", "fastapi", "uvicorn", "httpx2"]
    assert not [name for name in heavy if f"'{name}'" in done.stderr]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    """Each has a help text of its own."""
    result = _stepbias(command, "--help")
    assert result.exit_code == 0
    assert f"stepbias {command}" in result.stdout


@pytest.mark.parametrize(
    "words", [["no-such-command"], ["submit"], ["up", "--port", "70000"], ["list", "--limit", "x"]]
)
def test_a_slip_of_the_tongue_is_a_usage_error(words: list[str]) -> None:
    """Exit code 2, which scripts can tell from a failure."""
    assert _stepbias(*words).exit_code == 2


def test_submit_prints_the_id_alone(service: LivingService, spec_file: Path) -> None:
    """So that a script can take it; what is meant for people is on stderr. From a file and from stdin."""
    from_file = _stepbias("submit", spec_file, service=service)
    assert from_file.exit_code == 0
    assert "0 of 6 runs" in from_file.stderr
    assert service.context.store.experiment(from_file.stdout.strip()).runs_total == 6
    from_stdin = _stepbias("submit", "-", service=service, stdin=spec_file.read_bytes())
    assert from_stdin.stdout == from_file.stdout


def test_upload_prints_the_id_alone(service: LivingService, tmp_path: Path) -> None:
    """A spec that names it is then taken; what is meant for people is on stderr."""
    file = tmp_path / "data.csv"
    file.write_text("a,b,c\n1,2,3\n4,5,6\n")
    uploaded = _stepbias("upload", file, "--target", "b", service=service)
    assert uploaded.exit_code == 0
    assert uploaded.stderr == "2 samples in 2 columns\n"
    data = {"kind": "dataset", "id": uploaded.stdout.strip()}
    assert _submitted(service, "on uploaded data", data=data)


def test_upload_shows_what_was_guessed_and_dropped(service: LivingService, tmp_path: Path) -> None:
    """On stderr, a line each; options are passed on."""
    file = tmp_path / "data.csv"
    file.write_text("id;a;c\n7;1,5;True\n8;;True\n9;2,5;False\n")
    words = ["--drop", "id", "--missing", "drop", "--name", "mine", "--delimiter", "semicolon"]
    result = _stepbias("upload", file, *words, service=service)
    assert result.stderr.splitlines() == [
        "2 samples in 1 columns",
        "dropped: column 'id': as asked",
        "dropped: 1 of 3 samples, where values are missing; the first is line 3",
        "converted: column 'c': True became 1, False 0",
        "guessed: target: 'c', the last column",
        "guessed: decimal: comma",
    ]


def test_upload_takes_npy_files_and_says_what_is_in_them(service: LivingService, tmp_path: Path) -> None:
    """One for each array."""
    arrays = {"X": np.eye(3), "y": np.ones(3), "true_predictor": np.ones(3), "held_out_X": np.eye(3)[:2]}
    arrays["held_out_y"] = np.ones(2)
    for name, array in arrays.items():
        np.save(tmp_path / name, array)
    result = _stepbias("upload", *(tmp_path / f"{name}.npy" for name in arrays), service=service)
    assert result.stderr == "3 samples in 3 columns, 2 held out, with a true predictor\n"


def test_watch_shows_progress_to_the_end(service: LivingService) -> None:
    """Away from a terminal in lines, and the outcome as the last word."""
    experiment_id = _submitted(service, "watched")
    with service.at_work():
        result = _stepbias("watch", experiment_id, service=service)
    assert result.exit_code == 0
    assert "100%  succeeded: 6 of 6 runs" in result.stderr
    assert result.stdout.startswith(f"{experiment_id} succeeded: 6 runs: ")


def test_estimate_prints_what_it_would_cost_and_submits_nothing(service: LivingService, spec_file: Path) -> None:
    """JSON on stdout, a sentence beside it."""
    before = _stepbias("list", service=service).stdout
    result = _stepbias("estimate", spec_file, service=service)
    assert result.exit_code == 0
    assert json.loads(result.stdout)["runs"] == 6
    assert "6 runs: about" in result.stderr
    assert "on one core" in result.stderr
    assert "Nothing would run now" in result.stderr
    store, worker = service.context.store, LiveWorker(name="w", numerics=NUMERICS_VERSION, idle=1, processes=1)
    store.register(worker, queues=Queue, seconds=60.0)
    at_work = _stepbias("estimate", spec_file, service=service)
    store.register(worker, queues=Queue, seconds=0.0)
    assert "Done in about" in at_work.stderr
    assert "With the one process that lives now" in at_work.stderr
    assert _stepbias("list", service=service).stdout == before


def test_submit_can_watch(service: LivingService) -> None:
    """The id alone on stdout, for a shell to keep; the outcome beside it."""
    with service.at_work():
        spec = json.dumps(small_spec(name="submitted and watched")).encode()
        result = _stepbias("submit", "-", "--watch", service=service, stdin=spec)
    assert result.exit_code == 0
    (experiment_id,) = result.stdout.splitlines()
    assert result.stderr.splitlines()[-1].startswith(f"{experiment_id} succeeded")


def test_watching_a_failure_fails_and_says_why(service: LivingService) -> None:
    """Fractions of a step size that is found not to exist: the squares of these numbers vanish."""
    data = {"kind": "inline", "X": [[1e-120, 2e-120]], "y": [1.0]}
    experiment_id = _submitted(service, "impossible", data=data)
    with service.at_work():
        result = _stepbias("watch", experiment_id, service=service)
    assert result.exit_code == 1
    assert f"stepbias: experiment {experiment_id} failed with 0 of 6 runs done: " in result.stderr
    assert "fractions_of_max_stable" in result.stderr
    with service.at_work():
        assert "0 of 6 runs" in _stepbias("retry", experiment_id, service=service).stdout


def test_ctrl_c_ends_the_watching_and_not_the_experiment(service: LivingService) -> None:
    """Exit code 130, and how to come back."""
    experiment_id = _submitted(service, "left alone")
    words = hearing(sys.executable, "-m", "stepbias.cli.main", "watch", experiment_id, "--url", service.url)
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watcher:
        assert watcher.stderr is not None
        first = watcher.stderr.readline()
        watcher.send_signal(signal.SIGINT)
        _, rest = watcher.communicate(timeout=30)
    assert "planning" in first
    assert watcher.returncode == 130
    assert f"The experiment goes on; to see it again: stepbias watch {experiment_id}" in rest
    assert "Traceback" not in rest
    assert _stepbias("cancel", experiment_id, service=service).stdout == "cancelled: 0 of 6 runs\n"


def test_list_shows_the_newest_first(service: LivingService) -> None:
    """Whole ids, a line for each experiment, and no more than asked for."""
    ids = [_submitted(service, f"[bold]listed {number}[/]") for number in range(3)]
    result = _stepbias("list", "--limit", "2", service=service)
    header, *lines = result.stdout.splitlines()
    assert header.split() == ["id", "status", "runs", "created", "name", "tags"]
    assert [line.split()[0] for line in lines] == [ids[2], ids[1]]
    assert "[bold]listed 2[/]" in lines[0]
    assert "0/6" in lines[0]


def test_an_empty_list_says_so() -> None:
    """And how to change that."""
    with living_service() as empty:
        result = _stepbias("list", service=empty)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no experiments yet" in result.stderr


def test_an_invalid_spec_is_refused_with_pointers(service: LivingService) -> None:
    """A line on stderr for each place."""
    result = _stepbias("submit", "-", service=service, stdin=b'{"name": 3}')
    assert _is_one_sentence(result)
    assert "\n  /name: a string is wanted\n" in result.stderr


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["submit", "no-such-file.json"], "no-such-file.json: No such file or directory"),
        (["submit", os.devnull], "The body is empty"),
        (["upload", "no-such-file.csv"], "no-such-file.csv: No such file or directory"),
        (["upload", "data.txt"], "one file that ends with"),
        (["upload", "X.npy", "data.csv"], "X.npy and y.npy"),
        (["watch", "-nobody"], "no experiment of that id"),
        (["fetch", "nobody"], "no experiment of that id"),
        (["cancel", "nobody"], "no experiment of that id"),
        (["list", "--url", "here"], "'here' is no address"),
    ],
)
def test_expected_errors_are_one_sentence(service: LivingService, words: list[str], reason: str) -> None:
    """Never a traceback."""
    result = _stepbias(*words, service=service)
    assert _is_one_sentence(result)
    assert reason in result.stderr


def test_a_service_that_is_not_there_is_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person who forgot to start it does not wait for a minute."""
    assert submit.FIRST_CONTACT <= 5.0
    monkeypatch.setattr(submit, "FIRST_CONTACT", 0.0)
    result = _stepbias("list", "--url", "http://127.0.0.1:9")
    assert _is_one_sentence(result)
    assert "does not answer at http://127.0.0.1:9" in result.stderr
    assert "stepbias up" in result.stderr


def test_fetch_saves_what_the_service_sends(service: LivingService, tmp_path: Path) -> None:
    """Spec, results and curves to the byte, and the figure."""
    experiment_id = _submitted(service, "fetched")
    out = tmp_path / "a" / "b"
    with service.at_work():
        _stepbias("watch", experiment_id, service=service)
        result = _stepbias("fetch", experiment_id, "--out", out, service=service)
    assert result.exit_code == 0, result.stderr
    assert {path.name for path in out.iterdir()} == FILES | MORE
    assert {Path(line).name for line in result.stdout.splitlines()} == FILES | MORE
    digests = json.loads((out / "manifest.json").read_text())
    assert hashlib.sha256((out / "results.json").read_bytes()).hexdigest() in json.dumps(digests)
    assert json.loads((out / "analysis.json").read_text())[0]["analysis"]["max_stable_step"] > 0
    assert (out / "spec.json").read_bytes() == service.context.store.spec(experiment_id)
    assert json.loads((out / "results.json").read_text())["dims"] == {"init_scale": 3, "step_size_fraction": 2}
    assert (out / "risk.png").read_bytes().startswith(b"\x89PNG")


def test_fetch_saves_results_as_what_is_asked_for(service: LivingService, tmp_path: Path) -> None:
    """Instead of JSON; and says where they are not all."""
    experiment_id = _submitted(service, "as tables", data=small_spec()["data"] | {"seed": 815})
    formats = ("csv", "ndjson", "parquet", "npz")
    flags = [word for form in formats for word in ("--format", form)]
    result = _stepbias("fetch", experiment_id, *flags, "--out", tmp_path, service=service)
    assert result.exit_code == 0, result.stderr
    assert {path.name for path in tmp_path.glob("results.*")} == {f"results.{form}" for form in formats}
    assert (tmp_path / "results.csv").read_bytes().startswith(b"index,init_scale,step_size_fraction,")
    assert "The results are of 0 of 6 runs: the experiment is planning." in result.stderr


def test_fetch_leaves_out_what_the_experiment_does_not_offer(service: LivingService, tmp_path: Path) -> None:
    """Before the first run is stored there is nothing to draw; the rest is saved."""
    experiment_id = _submitted(service, "fetched too early")
    result = _stepbias("fetch", experiment_id, "--out", tmp_path, service=service)
    assert result.exit_code == 0
    assert {path.name for path in tmp_path.iterdir()} == DOCUMENTS | MORE
    assert "risk.png is left out: " in result.stderr
    assert "409" not in result.stderr


def test_arrays_and_trajectories_are_saved_where_they_are_asked_for(service: LivingService, tmp_path: Path) -> None:
    """One file for each run, its name its index; the same from a service and from this process."""
    recording = {"points": 5, "vectors": ["predictor", "time_average"]}
    spec = json.dumps(small_spec(name="every number", recording=recording)).encode()
    flags = ("--arrays", "--trajectories", "--out")
    with service.at_work():
        experiment_id = _stepbias("submit", "-", "--watch", service=service, stdin=spec).stdout.split()[0]
        assert _stepbias("fetch", experiment_id, *flags, tmp_path / "there", service=service).exit_code == 0
    assert _stepbias("run", "-", *flags, tmp_path / "here", stdin=spec).exit_code == 0
    here, there = (
        {str(path.relative_to(tmp_path / place)): path.read_bytes() for path in (tmp_path / place).rglob("*.npz")}
        for place in ("here", "there")
    )
    runs = {f"{folder}/{index}.npz" for folder in ("runs", "trajectories", "vectors") for index in range(6)}
    assert there.keys() == runs | {"problems/0-data.npz", "problems/0-interpolators.npz", "results.npz"}
    assert here == {name: content for name, content in there.items() if name != "results.npz"}


def test_fetch_saves_the_arrays_of_the_runs_that_are_stored(service: LivingService, tmp_path: Path) -> None:
    """Of none, before any is; the data are known, the interpolators are left out with the reason."""
    data = small_spec()["data"] | {"seed": 4711}
    experiment_id = _submitted(service, "nothing is stored", data=data)
    result = _stepbias("fetch", experiment_id, "--arrays", "--out", tmp_path, service=service)
    assert result.exit_code == 0
    assert {path.name for path in tmp_path.rglob("*.npz")} == {"0-data.npz", "results.npz"}
    assert "problems/0-interpolators.npz is left out: " in result.stderr


def test_run_leaves_the_files_that_fetch_would(service: LivingService, tmp_path: Path) -> None:
    """The layering: without any service, the same numbers to the last digit."""
    spec = json.dumps(small_spec(name="here and there")).encode()
    with service.at_work():
        experiment_id = _stepbias("submit", "-", "--watch", service=service, stdin=spec).stdout.split()[0]
        _stepbias("fetch", experiment_id, "--format", "json", "--out", tmp_path / "there", service=service)
    result = _stepbias("run", "-", "--out", tmp_path / "here", stdin=spec)
    assert result.exit_code == 0, result.stderr
    here, there = (
        {path.name: path.read_bytes() for path in (tmp_path / place).iterdir()} for place in ("here", "there")
    )
    assert here.keys() == FILES
    assert there.keys() == FILES | {"analysis.json", "manifest.json"}
    # Ids are random; nothing else differs in a single byte.
    here_id = json.loads(here["results.json"])["attrs"]["experiment_id"].encode()
    for name in FILES:
        content = there[name]
        assert here[name].replace(here_id, experiment_id.encode()) == content, name


def _numbers(file: Path) -> Any:
    """All that is in a file of results but of which experiment they are."""
    match file.suffix:
        case ".parquet":
            table = read_parquet(file).read_all()
            return {name: table[name].to_pylist() for name in table.schema.names}
        case ".npz":
            with np.load(file) as arrays:
                return {name: repr(arrays[name].tolist()) for name in arrays if name != "attrs"}
        case ".json":
            return json.loads(file.read_text()) | {"attrs": None}
    return file.read_bytes()


@pytest.mark.parametrize("form", ["json", "ndjson", "CSV", "parquet", "npz"])
def test_run_saves_the_runs_alone_as_the_file_that_is_named(service: LivingService, tmp_path: Path, form: str) -> None:
    """By its ending, with the numbers of the service; what belongs into files of its own is refused at once."""
    spec = json.dumps(small_spec(name="one file")).encode()
    with service.at_work():
        experiment_id = _stepbias("submit", "-", "--watch", service=service, stdin=spec).stdout.split()[0]
        _stepbias("fetch", experiment_id, "--format", form.lower(), "--out", tmp_path / "there", service=service)
    file = tmp_path / "here" / f"results.{form}"
    result = _stepbias("run", "-", "--out", file, stdin=spec)
    assert result.exit_code == 0, result.stderr
    assert list(file.parent.iterdir()) == [file]
    assert _numbers(file) == _numbers(tmp_path / "there" / f"results.{form.lower()}")
    assert len(file.read_bytes()) > 500
    refused = _stepbias("run", "-", "--out", file, "--arrays", stdin=spec)
    assert _is_one_sentence(refused)
    assert "give a directory" in refused.stderr


def test_what_cannot_be_written_is_told_as_it_is(service: LivingService) -> None:
    """A device is no directory."""
    experiment_id = _submitted(service, "nowhere")
    for command in (("fetch", experiment_id), ("run", "-")):
        result = _stepbias(*command, "--out", "/dev/full", service=service, stdin=json.dumps(small_spec()).encode())
        assert _is_one_sentence(result)
        assert result.stderr == "stepbias: /dev/full: Not a directory\n"


def test_an_id_that_is_too_short_is_said_to_be(service: LivingService) -> None:
    """With what is wanted."""
    experiment_id = _submitted(service, "cut too short")
    result = _stepbias("watch", experiment_id[:5], service=service)
    assert _is_one_sentence(result)
    assert f"8 digits, and {experiment_id[:5]} has 5 digits" in result.stderr


def test_run_refuses_a_spec_as_the_service_does() -> None:
    """The same sentences and pointers; data that only a service has are refused too."""
    invalid = _stepbias("run", "-", stdin=b'{"name": 3}')
    assert _is_one_sentence(invalid)
    assert "\n  /name: a string is wanted\n" in invalid.stderr
    uploaded = _stepbias("run", "-", stdin=json.dumps(small_spec(data={"kind": "dataset", "id": "a" * 64})).encode())
    assert _is_one_sentence(uploaded)
    assert "\n  /data/kind: uploads are kept by a service" in uploaded.stderr


def test_a_failed_run_fails_and_says_why(tmp_path: Path) -> None:
    """In one sentence: the tracebacks that a worker logs are for the operator of a service."""
    data = {"kind": "inline", "X": [[1.0], [1.0]], "y": [1.0, 2.0]}
    spec = json.dumps(small_spec(data=data)).encode()
    words = [sys.executable, "-m", "stepbias.cli.main", "run", "-", "--out", str(tmp_path)]
    done = subprocess.run(words, input=spec, capture_output=True, check=False)
    assert done.returncode == 1
    assert b"fractions_of_max_stable" in done.stderr
    assert b"Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_presets_are_listed_and_printed_as_specs(service: LivingService) -> None:
    """What is printed can be submitted."""
    listing = _stepbias("presets", service=service)
    assert listing.exit_code == 0
    assert any(line.startswith("figure-1") for line in listing.stdout.splitlines())
    sizes = [
        json.loads(_stepbias("presets", "figure-1", "--size", size, service=service).stdout)
        for size in ("demo", "full")
    ]
    assert all(spec["data"]["kind"] == "sparse_regression" for spec in sizes)
    assert sizes[0] != sizes[1]


def test_an_unknown_preset_is_answered_with_those_there_are(service: LivingService) -> None:
    """One sentence."""
    result = _stepbias("presets", "figure-99", service=service)
    assert _is_one_sentence(result)
    assert "figure-1" in result.stderr


def test_a_terminal_is_not_needed_to_read_a_spec(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes pass from stdin unchanged, whatever the encoding of the terminal."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("α".encode()), encoding="ascii"))
    assert submit.spec_bytes("-") == "α".encode()


def test_the_version_is_printed() -> None:
    """That of the package."""
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"stepbias {version('stepbias')}\n")
