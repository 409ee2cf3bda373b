"""A hub that fails: each way has its words, which tell what to do, and status 3; then a run on a good day goes on
from there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from attack_runs import SPEC
from weather_hub import NAME, Hub, serving

SECRET = "hf_canarycanarycanarycanary"
MAIN = "from entrack.cli.main import main; main()"
SMALL_DISK = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)); {MAIN}"


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    (tmp_path / "study.et").write_text(SPEC.replace('local("model")', f'hub("{NAME}")'))
    return tmp_path / "study.et"


@pytest.fixture
def hub(small: Path) -> Iterator[Hub]:
    with serving(Hub(small)) as hub:
        yield hub


def run(spec: Path, address: str, command: str = "run", code: str = MAIN) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own, which has no models yet and a secret token."""
    environment = os.environ | {
        "HF_ENDPOINT": address,
        "HF_HOME": str(spec.parent / "hub"),
        "HF_TOKEN": SECRET,
        "HF_HUB_DOWNLOAD_TIMEOUT": "2",
    }
    store = ["--store", str(spec.parent / "store")]
    ended = subprocess.run(
        [sys.executable, "-c", code, command, str(spec), *store],
        capture_output=True,
        text=True,
        env=environment,
        timeout=100,
        check=False,
    )
    assert SECRET not in ended.stdout + ended.stderr
    return ended


def fails(ended: subprocess.CompletedProcess[str], *words: str) -> None:
    assert (ended.returncode, ended.stdout) == (3, ""), ended.stderr
    last = ended.stderr.splitlines()[-1]
    assert last.startswith(f'error: model missing: hub("{NAME}")'), ended.stderr
    assert "Traceback" not in ended.stderr
    for word in words:
        assert word in last


TROUBLE: Mapping[str, tuple[str, dict[str, str], str]] = {
    "limited": ("429", {}, "wait some minutes"),
    "gated": ("403", {"X-Error-Code": "GatedRepo"}, "is gated: accept its terms"),
    "forbidden": ("403", {}, "accept its terms on its page, or log in"),
    "who asks": ("401", {}, "log in with `hf auth login`, or set HF_TOKEN"),
    "unknown": ("404", {"X-Error-Code": "RepoNotFound"}, "the hub knows no such model"),
    "unknown revision": ("404", {"X-Error-Code": "RevisionNotFound"}, "the hub knows no such model or revision"),
    "broken": ("500", {}, "the hub answers with status 500; try again later"),
    "closed": ("503", {}, "try again later"),
}


@pytest.mark.parametrize("name", TROUBLE)
def test_the_hub_says_no(name: str, hub: Hub, spec: Path) -> None:
    hub.trouble, hub.headers, words = TROUBLE[name]
    fails(run(spec, hub.address), words)
    assert not (spec.parent / "store").exists()


def test_offline(spec: Path) -> None:
    fails(run(spec, "http://127.0.0.1:9"), "no connection to the hub", 'local("folder")')


def test_a_download_that_is_cut_off(hub: Hub, spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.trouble, hub.only = "cut", "model.safetensors"
    fails(run(spec, hub.address), "it broke", "run again to go on")
    assert not list((spec.parent / "hub").rglob("model.safetensors")), "half a file has no name"
    fails(run(spec, hub.address, "plan"), "there are no weights", "`entrack run` downloads what is missing")
    hub.trouble = ""
    after = run(spec, hub.address)
    assert after.returncode == 0, after.stderr
    assert not [
        path for path in hub.asked if not path.split()[1].startswith((f"/api/models/{NAME}", f"/{NAME}/resolve/"))
    ], "nothing is asked but the model"
    offline = run(spec, "http://127.0.0.1:9")
    assert (offline.returncode, told(offline.stdout)) == (0, told(after.stdout)), offline.stderr


def test_ctrl_c_while_a_model_comes(hub: Hub, spec: Path) -> None:
    hub.trouble, hub.only = "slow", "model.safetensors"
    environment = os.environ | {
        "HF_ENDPOINT": hub.address,
        "HF_HOME": str(spec.parent / "hub"),
        "HF_HUB_DOWNLOAD_TIMEOUT": "60",
    }
    code = f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler); {MAIN}"
    running = subprocess.Popen(
        [sys.executable, "-c", code, "run", str(spec), "--store", str(spec.parent / "store")],
        env=environment,
        stdout=-1,
        stderr=-1,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not any("GET" in asked and "model.safetensors" in asked for asked in hub.asked):
        assert time.monotonic() < deadline and running.poll() is None
        time.sleep(0.05)
    time.sleep(0.5)
    running.send_signal(signal.SIGINT)
    start = time.monotonic()
    printed, said = running.communicate(timeout=60)
    assert (running.returncode, printed) == (130, ""), said
    assert "interrupted: " in said and "Traceback" not in said
    assert time.monotonic() - start < 10, "the rest of the file is not waited for"
    hub.trouble = ""
    assert run(spec, hub.address).returncode == 0


def told(printed: str) -> list[str]:
    return [line for line in printed.splitlines() if not line.startswith("steps:")]


def test_a_disk_that_is_full(hub: Hub, spec: Path) -> None:
    """No file may have more than 50,000 bytes, as on a disk on which so many are left; the weights have more."""
    fails(run(spec, hub.address, code=SMALL_DISK), "the disk is full", "HF_HOME")
    assert not list((spec.parent / "hub").rglob("model.safetensors"))
    assert run(spec, hub.address).returncode == 0


ROWS = """entrack 1
model base = builtin("boxes-base")
task pairs {
  row    = one row of dataset("someone/pairs", "data/pairs.csv", revision = "main")
  prompt = row.clean
  answer = row.answer
  at last = end of prompt
}
measure told = probability of answer (base) on all pairs
"""


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[tuple[Hub, Path, Path]]:
    """A hub with a dataset, its file, and a spec of it."""
    (tmp_path / "files").mkdir()
    file, spec = tmp_path / "files" / "pairs.csv", tmp_path / "rows.et"
    things = ("apple", "ball", "bell")
    file.write_text("clean,answer\n" + "".join(f"The {t} is in Box A. Box A contains the,{t}\n" for t in things))
    spec.write_text(ROWS)
    with serving(Hub(tmp_path / "files")) as hub:
        yield hub, file, spec


def test_a_dataset_comes_when_a_spec_is_run(rows: tuple[Hub, Path, Path]) -> None:
    hub, _, spec = rows
    nowhere = "http://127.0.0.1:9"
    checked = subprocess.run(
        [sys.executable, "-c", MAIN, "check", str(spec)],
        capture_output=True,
        text=True,
        env=os.environ | {"HF_ENDPOINT": nowhere, "HF_HOME": str(spec.parent / "hub")},
        timeout=100,
        check=False,
    )
    assert (checked.returncode, "warning[W501]" in checked.stdout + checked.stderr) == (0, True)
    planned = run(spec, hub.address, "plan")
    assert planned.returncode == 3 and "`entrack run` downloads it" in planned.stderr
    assert hub.asked == [], "only a run asks"
    assert "no connection to the hub" in run(spec, nowhere).stderr.splitlines()[-1]
    done = run(spec, hub.address)
    assert done.returncode == 0, done.stderr
    assert "n = 3 prompts" in done.stdout
    assert all("/datasets/someone/pairs/resolve/main/data/pairs.csv" in asked for asked in hub.asked)
    offline = run(spec, nowhere)
    assert (offline.returncode, told(offline.stdout)) == (0, told(done.stdout)), offline.stderr


@pytest.mark.parametrize(
    ("trouble", "headers", "words"),
    [
        ("404", {"X-Error-Code": "RevisionNotFound"}, "the hub knows no such dataset or revision"),
        ("404", {"X-Error-Code": "EntryNotFound"}, "a file of it is not on the hub"),
        ("401", {}, "log in with `hf auth login`"),
    ],
)
def test_the_hub_says_no_to_a_dataset(
    rows: tuple[Hub, Path, Path], trouble: str, headers: dict[str, str], words: str
) -> None:
    hub, _, spec = rows
    hub.trouble, hub.headers = trouble, headers
    ended = run(spec, hub.address)
    assert (ended.returncode, ended.stdout) == (3, ""), ended.stderr
    assert words in ended.stderr.splitlines()[-1]


def test_what_is_wrong_with_rows_is_said_when_they_have_come(rows: tuple[Hub, Path, Path]) -> None:
    hub, file, spec = rows
    file.write_text(file.read_text() + "The bell is in Box A. Box A contains the,\n")
    ended = run(spec, hub.address)
    assert ended.returncode == 2 and "E441" in ended.stderr and "pairs.csv:5:1" in ended.stderr, ended.stderr


def test_a_file_of_a_dataset_that_is_too_large_is_not_asked_for(rows: tuple[Hub, Path, Path]) -> None:
    hub, file, spec = rows
    file.write_text(file.read_text() + "x" * (1 << 24))
    ended = run(spec, hub.address)
    assert ended.returncode == 3 and "more than 16,777,216 bytes" in ended.stderr
    assert not [asked for asked in hub.asked if asked.startswith("GET")]
