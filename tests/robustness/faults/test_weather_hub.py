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
