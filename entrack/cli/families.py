"""`entrack models --families`: what is known of each family of models, and which are refused, with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from entrack.cli.table import table
from entrack.families import FAMILIES, REFUSED
from entrack.families.base import ATTENTIONS, Family
from entrack.sites import Part

if TYPE_CHECKING:  # rich is not imported at start-up
    from rich.console import RenderableType


def known_families() -> dict[str, Any]:
    """The document: families by name, and those that are refused."""
    return {
        "families": [_known(FAMILIES[name]) for name in sorted(FAMILIES)],
        "refused": [{"name": name, "reason": reason} for name, reason in sorted(REFUSED.items())],
    }


def families_table(known: Mapping[str, Any]) -> RenderableType:
    """The same for a person: a table of families, and one of what is refused."""
    from rich.console import Group

    run = table("model_type", "models", "blocks", "tokens", "attention", "sites", "GGUF", "LoRA")
    refused = table("refused", "where", "reason")
    for each in known["families"]:
        run.add_row(
            each["name"],
            ", ".join(each["examples"]),
            "either" if " if " in each["blocks"] else each["blocks"],
            "any" if each["positions"] is None else "limited",
            "any" if each["attentions"] == list(ATTENTIONS) else ", ".join(each["attentions"]),
            _sites(each["parts"]),
            "yes" if each["gguf"] else "no",
            "all" if "MLP" in each["lora"] else "attention",
        )
        for word, reason in each["refused"].items():
            refused.add_row(each["name"], word, reason)
    for each in known["refused"]:
        refused.add_row(each["name"], "always", each["reason"])
    for column in (*run.columns, *refused.columns):
        column.no_wrap = column.header not in ("models", "reason")
    return Group(run, "", refused)


def _known(family: Family) -> dict[str, Any]:
    return {
        "name": family.name,
        "examples": list(family.examples),
        "blocks": _blocks(family),
        "positions": family.words.positions,
        "experts": family.words.experts_per_token is not None,
        "attentions": list(family.attentions),
        "parts": [part.value for part in family.parts],
        "gguf": family.gguf,
        "lora": ["attention"] if family.words.experts_per_token else ["attention", "MLP"],
        "refused": {**family.refuses, **{word: only.why for word, only in family.only.items()}},
    }


def _blocks(family: Family) -> str:
    match family.words.parallel:
        case True:
            return "parallel"
        case False:
            return "sequential"
        case word:
            return f"parallel if {word}"


def _sites(parts: list[str]) -> str:
    """All, or all but those that a family has not."""
    missing = [part.value for part in Part if part.value not in parts]
    return f"all but {', '.join(missing)}" if missing else "all"
