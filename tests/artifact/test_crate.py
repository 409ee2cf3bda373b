"""A pack's `ro-crate-metadata.json`: held against the profiles that it names by their own validator, where that is
here."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from artifact_world import done

ROOT = Path(__file__).parents[2]
VALIDATOR = ROOT / ".venv-crates" / "bin" / "python"
SCRIPT = Path(__file__).with_name("validate_crate.py")


@pytest.fixture
def pack(ran: Path, tmp_path: Path) -> Path:
    study = Path(shutil.copytree(ran.parent, tmp_path / "study"))
    (study / "LICENSE").write_text("All rights reserved\n")
    done("pack", study / ran.name, "--store", study / "store")
    return study / "study.etz"


def graph(pack: Path) -> dict[str, dict[str, Any]]:
    with zipfile.ZipFile(pack) as archive:
        told = json.loads(archive.read("ro-crate-metadata.json"))
    return {entity["@id"]: entity for entity in told["@graph"]}


def ids(value: Any) -> list[str]:
    """What a value refers to."""
    if isinstance(value, dict):
        return [value["@id"]] if set(value) == {"@id"} else [id for each in value.values() for id in ids(each)]
    return [id for each in value for id in ids(each)] if isinstance(value, list) else []


def test_it_tells_of_what_is_in_the_pack(pack: Path) -> None:
    entities = graph(pack)
    with zipfile.ZipFile(pack) as archive:
        names = set(archive.namelist())
    for id, entity in entities.items():
        kinds = [entity["@type"]] if isinstance(entity["@type"], str) else entity["@type"]
        if "File" in kinds:
            assert unquote(id) in names
        if "Dataset" in kinds and id != "./":
            assert any(name.startswith(id) for name in names)
    files = {name for name in names if "/" not in name} - {"pack.json", "manifest-sha256.txt", "ro-crate-metadata.json"}
    assert files <= set(entities)
    assert entities["#author-1"]["name"] == "Ada Quux"
    assert entities["#author-2"]["name"] == "Ben Corge"


def test_what_it_refers_to_is_there(pack: Path) -> None:
    entities = graph(pack)
    outside = {id for entity in entities.values() for id in ids(list(entity.values())) if id not in entities}
    assert all(id.startswith(("https://", "http://")) for id in outside), outside


def validated(*packs: Path) -> subprocess.CompletedProcess[str]:
    command = [str(VALIDATOR), str(SCRIPT), *map(str, packs)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def changed(pack: Path, place: Path, id: str, *gone: str) -> Path:
    """A pack whose metadata lack something."""
    with zipfile.ZipFile(pack) as archive, zipfile.ZipFile(place, "w") as other:
        for name in archive.namelist():
            data = archive.read(name)
            if name == "ro-crate-metadata.json":
                told = json.loads(data)
                (entity,) = (each for each in told["@graph"] if each["@id"] == id)
                for word in gone:
                    del entity[word]
                data = json.dumps(told).encode()
            other.writestr(name, data)
    return place


@pytest.mark.skipif(
    not VALIDATOR.exists(), reason="roc-validator is in an environment of its own, which `make crates` makes"
)
def test_it_has_what_its_profiles_require(pack: Path, tmp_path: Path) -> None:
    good = validated(pack)
    assert good.returncode == 0, good.stdout + good.stderr
    assert good.stdout.count(": valid") == 4
    dateless = changed(pack, tmp_path / "dateless.zip", "./", "datePublished")
    aimless = changed(pack, tmp_path / "aimless.zip", "#run", "instrument")
    bad = validated(dateless, aimless)
    assert bad.returncode == 1
    lines = bad.stdout.splitlines()
    assert any(line.startswith("dateless.zip, ro-crate-1.1: ro-crate-1.1_") for line in lines), bad.stdout
    assert any(line.startswith("aimless.zip, process-run-crate-0.5: process-run-crate") for line in lines), bad.stdout
