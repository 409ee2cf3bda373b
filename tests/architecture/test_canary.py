"""The canary bites: whatever turns data into code is refused, for entrack and for those who read files for it."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import canary
import pytest
from canary import CodeFromData


class Planted:
    """Asks for a function when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.getenv, ("HOME",)


PICKLE = pickle.dumps(Planted())
ATTACKS: dict[str, tuple[str, dict[str, Any]]] = {
    "a pickle": ("import pickle; pickle.loads(data)", {"data": PICKLE}),
    "a pickle, by the name of C": (
        "from _pickle import Unpickler; import io; Unpickler(io.BytesIO(data)).load()",
        {"data": PICKLE},
    ),
    "a pickle, in Python": ("import pickle; pickle._loads(data)", {"data": PICKLE}),
    "eval": ("eval(data)", {"data": "1 + 1"}),
    "exec": ("exec(data)", {"data": "1 + 1"}),
    "a shell": ("import os; os.system(data)", {"data": "true"}),
    "a program": ("import subprocess; subprocess.run(data)", {"data": ["true"]}),
    "a program, without a module": ("import os; os.posix_spawn(data, [data], {})", {"data": "/bin/true"}),
    "another program": ("import os; os.execv(data, [data])", {"data": "/bin/true"}),
}


@pytest.fixture(autouse=True)
def forgiven() -> Iterator[None]:
    """What is tried here is tried on purpose."""
    yield
    canary.attempts.clear()


def as_if_in(module: str, text: str, given: dict[str, Any]) -> None:
    """Call a function that a module called so would have. It is put together by hand: the canary listens already."""
    inside = types.FunctionType(
        compile(text, f"{module}.py", "exec"), {**given, "__name__": module, "__builtins__": __builtins__}
    )
    inside()


@pytest.mark.parametrize(
    "module",
    [
        "entrack.store.index",
        "entrack.engine.load",
        "diskcache.core",
        "safetensors",
        "transformers.modeling_utils",
        "huggingface_hub.file_download",
    ],
)
@pytest.mark.parametrize("kind", ATTACKS)
def test_data_does_not_run(module: str, kind: str) -> None:
    text, given = ATTACKS[kind]
    with pytest.raises(CodeFromData, match=f"asked for by {module}"):
        as_if_in(module, text, given)
    assert canary.attempts


def test_an_except_does_not_hide_it() -> None:
    with pytest.raises(CodeFromData):
        as_if_in("diskcache.core", "try:\n    eval(data)\nexcept Exception:\n    pass", {"data": "1"})
    assert canary.attempts, "and were it caught all the same, the test would fail"


def test_a_module_from_a_folder_of_data_is_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `trust_remote_code` would, and as a spec's folder on the path would."""
    (tmp_path / "modeling_planted.py").write_text("print('run')")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(CodeFromData, match="modeling_planted"):
        __import__("modeling_planted")
    assert "modeling_planted" not in sys.modules


def test_torch_load_is_refused(tmp_path: Path) -> None:
    import torch

    (tmp_path / "model.bin").write_bytes(b"")
    torch.save(Planted(), tmp_path / "model.bin")
    with pytest.raises(CodeFromData):
        torch.load(tmp_path / "model.bin", weights_only=False)


WORKER = str(canary.ROOT / "entrack" / "prompts" / "tokenizer_worker.py")


@pytest.mark.parametrize("module", [*canary.APART, *canary.WORKERS])
@pytest.mark.parametrize(
    "command",
    [
        ["true"],
        [sys.executable, "-c", ""],
        [sys.executable, "-I", "-S", "-B", WORKER, "/tmp"],
        [sys.executable, WORKER, "/tmp"],
        [sys.executable, "-P", WORKER],
        [sys.executable, "-P", str(canary.WORKERS["entrack.workers.processes"]), "more"],
    ],
)
def test_what_starts_a_worker_starts_nothing_else(command: list[str], module: str) -> None:
    with pytest.raises(CodeFromData, match=f"asked for by {re.escape(module)}"):
        as_if_in(module, "import subprocess; subprocess.run(data, cwd='/')", {"data": command})


def test_what_is_innocent_is_let_through() -> None:
    from collections import namedtuple

    Pair = namedtuple("Pair", "a b")
    assert Pair(1, 2).b == 2
    assert subprocess.run([sys.executable, "-c", ""], check=False, timeout=60).returncode == 0
