"""`entrack models --families`: what it says of each family is what its record says, for people and for programs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import evolve
from typer.testing import CliRunner

from entrack.cli import families
from entrack.cli.app import app
from entrack.families import FAMILIES, REFUSED
from entrack.sites import Part


def said(*options: str) -> str:
    ran = CliRunner().invoke(app, ["models", "--families", *options])
    assert ran.exit_code == 0 and ran.stderr == ""
    return ran.stdout


def document() -> dict[str, Any]:
    whole: dict[str, Any] = json.loads(said("--json"))
    return whole


def test_every_family_has_its_entry() -> None:
    known = {each["name"]: each for each in document()["families"]}
    assert set(known) == set(FAMILIES)
    assert known["gptj"]["blocks"] == "parallel" and known["llama"]["blocks"] == "sequential"
    assert known["gpt_neox"]["blocks"] == "parallel if use_parallel_residual"
    assert known["opt"]["positions"] == "max_position_embeddings" and known["llama"]["positions"] is None
    assert known["gemma2"]["attentions"] == ["eager"] and known["gemma3_text"]["gguf"] == "gemma3"
    assert [name for name, each in known.items() if each["experts"]] == ["mixtral", "qwen3_moe"]
    assert all(each["examples"] and each["parts"] for each in known.values())


def test_what_is_refused_is_there_with_its_reason() -> None:
    whole = document()
    assert {each["name"]: each["reason"] for each in whole["refused"]} == REFUSED
    (opt,) = (each for each in whole["families"] if each["name"] == "opt")
    assert opt["refused"]["do_layer_norm_before"].endswith("as in opt-350m")


def test_the_table_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    rows = [line.split() for line in said().splitlines()]
    first = {row[0]: row for row in rows if row}
    assert set(FAMILIES) | set(REFUSED) <= set(first)
    assert first["mixtral"][-1] == "attention" and first["llama"][-2:] == ["yes", "all"]
    assert ["opt", "word_embed_proj_dim", "its"] in [row[:3] for row in rows]


def test_a_part_that_a_family_has_not_is_named() -> None:
    """All families have all parts today."""
    whole = FAMILIES["llama"]
    some = evolve(whole, parts={part: door for part, door in whole.parts.items() if part is not Part.MLP})
    assert families._sites(families._known(some)["parts"]) == "all but mlp"
    assert families._sites(families._known(whole)["parts"]) == "all"
