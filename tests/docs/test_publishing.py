"""The commands of docs/publishing.md, as they stand there, against a stand-in for the services."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from stand_in import COMMIT, DEPOSIT, StandIn, stand_in

PAGE = Path(__file__).parents[2] / "docs" / "publishing.md"
PACK = b"PK\3\4 what stands for a pack\n"


def commands(service: str) -> str:
    """The block of commands below what the page says of a service."""
    after = PAGE.read_text(encoding="utf-8").split(f"**{service}", 1)[1]
    found = re.search(r"```sh\n(.*?)```", after, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def service() -> Iterator[StandIn]:
    with stand_in() as made:
        yield made


def ran(text: str, folder: Path, **world: str) -> None:
    """A block of commands, of which each must succeed, from the folder of the pack and from nobody's home."""
    (folder / "study.etz").write_bytes(PACK)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-eu", "-c", text],
        env={"PATH": path, "HOME": str(folder), "no_proxy": "*", **world},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="curl and jq are not installed")
def test_zenodo_gets_the_pack_its_metadata_and_is_told_to_publish(service: StandIn, tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    metadata = re.search(r"`metadata\.json` is `(\{.*?\}\})`", page)
    assert metadata is not None
    told = json.loads(metadata[1].replace("...", '"A study"'))
    (tmp_path / "metadata.json").write_text(json.dumps(told))
    text = commands("Zenodo")
    assert text.count("https://zenodo.org") == 1
    ran(text.replace("https://zenodo.org", service.address), tmp_path, ZENODO_TOKEN="a-token")
    assert [(one.method, one.path) for one in service.asked] == [
        ("POST", DEPOSIT),
        ("PUT", "/api/files/a-bucket/study.etz"),
        ("PUT", f"{DEPOSIT}/42"),
        ("POST", f"{DEPOSIT}/42/actions/publish"),
    ]
    assert {one.token for one in service.asked} == {"Bearer a-token"}
    assert service.files == {"study.etz": PACK}
    assert json.loads(service.asked[2].body) == told


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="curl and jq are not installed")
def test_what_zenodo_refuses_ends_the_commands(service: StandIn, tmp_path: Path) -> None:
    """The first is refused, and nothing is published."""
    with pytest.raises(AssertionError, match="404"):
        ran(commands("Zenodo").replace("https://zenodo.org", f"{service.address}/no"), tmp_path, ZENODO_TOKEN="a-token")
    assert len(service.asked) == 1


def test_the_hub_gets_the_pack_and_gives_it(service: StandIn, tmp_path: Path) -> None:
    """But for the login, which asks for a token: it is in the surroundings."""
    (login, upload, download) = commands("The Hugging Face hub").splitlines()
    assert login == "hf auth login"
    quiet = {"HF_HUB_DISABLE_UPDATE_CHECK": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    world = {"HF_ENDPOINT": service.address, "HF_TOKEN": "hf_token", "HF_HOME": str(tmp_path / "hf"), **quiet}
    ran(upload, tmp_path, **world)
    assert service.files == {"study.etz": PACK}
    assert {one.token for one in service.asked if one.method == "POST"} == {"Bearer hf_token"}
    reader = tmp_path / "reader"
    reader.mkdir()
    ran(f"rm study.etz; {download.replace('COMMIT', COMMIT)}", reader, **world)
    assert (reader / "study.etz").read_bytes() == PACK
