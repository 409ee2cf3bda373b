"""Files and paths from strangers: a diagnostic, in good time, and no file outside the spec's folder is opened."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from attack_files import COLUMN, HEADS, OUTSIDE, PATHS, SCORES, VECTORS
from attack_guard import Guard
from attack_runs import SPEC, Study, entrack, refused, well_said

GROUP = "group g in base at last = 0.1 1.3"
POOL = '["apple", "ball", "bell", "book"]'
NAMED = {
    "heads": lambda path: SPEC.replace(GROUP, f'group g in base at last = json("{path}", "heads")'),
    "column": lambda path: SPEC.replace(POOL, f'column("{path}", "object")'),
    "scores": lambda path: SPEC.replace(GROUP, f'group g in base at last = scores("{path}") keep 2'),
    "vector": lambda path: SPEC.replace(GROUP, f'{GROUP}\nvector v in base = file("{path}")'),
    "include": lambda path: SPEC.replace("model base", f'include "{path}"\nmodel base'),
    "local": lambda path: SPEC.replace('local("model")', f'local("{path}")'),
    "gguf": lambda path: SPEC.replace('local("model")', f'gguf("{path}")'),
    "lora": lambda path: SPEC.replace('local("model")', f'local("model") + lora("{path}")'),
}
ANYWHERE = {"E210", "E211", "E212", "E213", "E214", "E217", "E503", "W501"}


@pytest.mark.parametrize("name", HEADS)
def test_heads(name: str, study: Study, guard: Guard) -> None:
    content, code = HEADS[name]
    (study.folder / "heads.json").write_bytes(content.encode() if isinstance(content, str) else content)
    study.spec.write_text(NAMED["heads"]("heads.json"))
    refused(study, guard, code)


@pytest.mark.parametrize("name", COLUMN)
def test_columns(name: str, study: Study, guard: Guard) -> None:
    content, code = COLUMN[name]
    (study.folder / "objects.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    study.spec.write_text(NAMED["column"]("objects.csv"))
    refused(study, guard, code)


@pytest.mark.parametrize("name", SCORES)
def test_scores(name: str, study: Study, guard: Guard) -> None:
    content, code = SCORES[name]
    (study.folder / "scores.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    study.spec.write_text(NAMED["scores"]("scores.csv"))
    refused(study, guard, code)


@pytest.mark.parametrize("name", VECTORS)
def test_vectors(name: str, study: Study, guard: Guard) -> None:
    content, code = VECTORS[name]
    (study.folder / "v.safetensors").write_bytes(content)
    study.spec.write_text(NAMED["vector"]("v.safetensors"))
    refused(study, guard, code)


@pytest.mark.parametrize("name", PATHS)
def test_paths(name: str, study: Study, guard: Guard) -> None:
    plant, path, code = PATHS[name]
    plant(study.folder, guard)
    study.spec.write_text(NAMED["heads"](path))
    refused(study, guard, code)


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("construct", [construct for construct in NAMED if construct != "heads"])
def test_every_construct_that_names_a_file(construct: str, name: str, study: Study, guard: Guard) -> None:
    plant, path, _ = PATHS[name]
    plant(study.folder, guard)
    study.spec.write_text(NAMED[construct](path))
    with guard.watching():
        result = entrack("run", study.spec, "--store", study.folder / "store")
    assert result.exit_code in (2, 3), result.output
    well_said(
        result,
        next(
            code
            for code in (*sorted(ANYWHERE), "model missing", "model refused")
            if code in result.stderr and code != "W501"
        ),
    )


@pytest.mark.parametrize("command", ["check", "run", "plan", "fmt"])
@pytest.mark.parametrize("kind", ["device", "huge", "folder", "missing", "not UTF-8", "below a file"])
def test_specs_that_are_none(kind: str, command: str, study: Study, guard: Guard) -> None:
    path = {"device": Path("/dev/zero"), "folder": study.folder, "below a file": study.spec / "x"}.get(
        kind, study.folder / "other.et"
    )
    if kind == "huge":
        path.touch()
        os.truncate(path, 1 << 40)
    if kind == "not UTF-8":
        path.write_bytes(b"entrack 1 \xff\xfe")
    with guard.watching():
        result = entrack(command, path, *(["--store", study.folder / "store"] if command in ("run", "plan") else []))
    well_said(result, "spec missing", path.name)


def test_an_include_of_a_spec_that_is_too_large(study: Study, guard: Guard) -> None:
    (study.folder / "large.et").write_text("entrack 1\n" + "#" * (1 << 21))
    study.spec.write_text(NAMED["include"]("large.et"))
    refused(study, guard, "E701")


def test_includes_by_the_hundred(study: Study, guard: Guard) -> None:
    """Each file includes the two after it: two to the hundredth, if they were read as often as they are named."""
    for place in range(100):
        (study.folder / f"i{place}.et").write_text(f'entrack 1\ninclude "i{place + 1}.et"\ninclude "i{place + 2}.et"\n')
    study.spec.write_text(NAMED["include"]("i0.et"))
    refused(study, guard, "E216")
