"""A kernel that changes raises the version of its step, or somebody says that it gives the same numbers.

ENTRACK_DIGESTS=same-numbers pytest tests/engine/test_engine_versions.py     records the kernels as they are, where no
version was raised
ENTRACK_DIGESTS=raised pytest tests/engine/test_engine_versions.py           records those whose version was raised
"""

from __future__ import annotations

import json

import pytest
from attrs import evolve
from engine_digests import RECORD, Made, asked, digest, imported, now, reached, trouble

NOW = now()
MADE = Made(2, {"entrack.engine.outcomes": "a", "entrack.engine.reference": "b"})
CHANGED = evolve(MADE, modules={**MADE.modules, "entrack.engine.reference": "c"})


def recorded() -> dict[str, Made]:
    return {kind: Made(**entry) for kind, entry in json.loads(RECORD.read_text(encoding="utf-8")).items()}


def write(kinds: dict[str, Made]) -> None:
    entries = {kind: {"version": made.version, "modules": dict(made.modules)} for kind, made in sorted(kinds.items())}
    RECORD.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")


@pytest.mark.parametrize("kind", NOW)
def test_no_kernel_changes_in_silence(kind: str) -> None:
    before = recorded()
    wrong = trouble(kind, NOW[kind], before.get(kind), asked())
    assert wrong is None, wrong
    if NOW[kind] != before.get(kind):
        write({**before, kind: NOW[kind]})


def test_no_kind_is_recorded_that_is_gone() -> None:
    """A name may come back with another meaning: take its entry out of versions.json, and never give the name and
    version again."""
    assert set(recorded()) <= set(NOW)


def test_what_does_not_count() -> None:
    text = (
        '"""About."""\nimport torch\n\nX = 1\n"""One."""\n\n\ndef f(a):\n    """Say."""\n    # why\n    return a + X\n'
    )
    assert digest(text) == digest("import torch\nX=1\ndef f(a): return (a + X)\n")


@pytest.mark.parametrize(
    "text", ["X = 2", "X = 1.0", "X = True", "X = '1'", "Y = 1", "X = 1\nX = 1", "X: int = 1", "X = -1", ""]
)
def test_what_counts(text: str) -> None:
    assert digest(text) != digest("X = 1")


def test_imports_are_followed_wherever_they_stand() -> None:
    text = (
        "from entrack.engine import tracing\nimport entrack.engine.activation_cache\ndef f():\n    from "
        "entrack.engine.outcomes import outcomes\nfrom entrack.sites import Site"
    )
    assert set(imported(text)) == {
        "entrack.engine.tracing",
        "entrack.engine.activation_cache",
        "entrack.engine.outcomes",
    }
    assert reached({"entrack.engine.reference"}) > {
        "entrack.engine.tracing",
        "entrack.engine.outcomes",
        "entrack.engine.kernels.evaluate",
    }
    assert all("entrack.engine.tracing" in made.modules for made in NOW.values()), "every kernel runs a model"


def test_what_is_said() -> None:
    assert trouble("PathPatch", MADE, MADE, None) is None
    said = trouble("PathPatch", CHANGED, MADE, None)
    assert (
        said is not None
        and "entrack.engine.reference)" in said
        and "raise the version" in said
        and "ENTRACK_DIGESTS=same-numbers" in said
    )
    assert trouble("PathPatch", CHANGED, MADE, "same-numbers") is None
    assert trouble("PathPatch", CHANGED, MADE, "raised") is not None, "it was not raised"
    raised = evolve(CHANGED, version=3)
    assert "ENTRACK_DIGESTS=raised" in str(trouble("PathPatch", raised, MADE, None))
    assert trouble("PathPatch", raised, MADE, "raised") is None and trouble("New", MADE, None, "raised") is None
    assert "take a higher one" in str(trouble("PathPatch", evolve(MADE, version=1), MADE, None))


def test_a_family_counts_as_what_computes_a_step() -> None:
    assert all("entrack.families.llama" in made.modules for made in NOW.values())
