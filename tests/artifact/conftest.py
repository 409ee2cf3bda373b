"""A study that has been run, made once; tests that change it take a copy."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from artifact_world import done, make_study

from entrack.artifact import documents
from entrack.report.document import document
from entrack.report.figures import drawn
from entrack.results import Results


@pytest.fixture(scope="session", autouse=True)
def drawn_once() -> Iterator[None]:
    """The figures of equal results are drawn once: most of what verifying a small pack takes. That they are the same
    bytes each time is tested where they are drawn, and in a process of its own."""
    known: dict[str, Mapping[str, bytes]] = {}

    def remembered(results: Results, formats: tuple[str, ...]) -> Mapping[str, bytes]:
        key = f"{formats} {document(results)}"
        if key not in known:
            known[key] = drawn(results, formats)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "drawn", remembered)
        yield


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The spec of a study whose values are in the store beside it, `store`."""
    spec = make_study(tmp_path_factory.mktemp("artifact") / "study")
    done("run", spec, "--store", spec.parent / "store")
    return spec


@pytest.fixture
def study(ran: Path, tmp_path: Path) -> Path:
    """The same in a folder of its own."""
    return Path(shutil.copytree(ran.parent, tmp_path / "study")) / ran.name
