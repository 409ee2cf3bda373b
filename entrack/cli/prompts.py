"""`entrack prompts`: prompts with positions and answers marked, as text, and as JSON for other programs."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from entrack.api import PURPOSES, Spec
from entrack.diagnostics.escape import visible
from entrack.diagnostics.suggest import did_you_mean
from entrack.prompts.tokenise import Prompt, TokenisedPrompts
from entrack.prompts.tokenizer import Tokenizer


def trouble(spec: Spec, name: str, model: str | None, purpose: str) -> str | None:
    """What is wrong with the request, if something is."""
    names = [*spec.resolved.tasks, *spec.resolved.alternates]
    if name not in names:
        return f"the spec has no task, alternate or desideratum `{name}`; {did_you_mean(name, names, 'task')}"
    if model is not None and model not in spec.resolved.models:
        return f"the spec has no model `{model}`; {did_you_mean(model, spec.resolved.models, 'model')}"
    if purpose not in PURPOSES:
        return f"prompts are drawn for {', '.join(PURPOSES)}, not for `{purpose}`"
    return None


def prompts_json(realised: TokenisedPrompts) -> list[dict[str, Any]]:
    """The documented list of `entrack prompts --json`: everything that is needed to check our numbers with other
    code."""
    return [_pair(pair.original, pair.alternate) for pair in realised.pairs]


def prompt_table(realised: TokenisedPrompts, tokens: Tokenizer) -> RenderableType:
    """Each prompt with its positions as numbered tokens under it."""
    parts: list[RenderableType] = []
    for place, pair in enumerate(realised.pairs):
        parts.append(_shown(f"{place + 1}", pair.original, tokens))
        if pair.alternate is not None:
            parts.append(_shown("   alternate", pair.alternate, tokens))
        parts.append(Text(""))
    return Group(*parts)


def _pair(original: Prompt, alternate: Prompt | None) -> dict[str, Any]:
    entry = _prompt(original)
    if alternate is not None:
        entry["alternate"] = _prompt(alternate)
    if "target" in original.words:
        entry["target"] = original.words["target"]
        entry["target_ids"] = list(original.ids["target"])
    return entry


def _prompt(prompt: Prompt) -> dict[str, Any]:
    return {
        **({"rows": [row.table.place(row.number) for row in prompt.rows]} if prompt.rows else {}),
        "text": prompt.text,
        "token_ids": list(prompt.token_ids),
        "positions": dict(prompt.positions),
        **({"spans": {name: list(tokens) for name, tokens in prompt.spans.items()}} if prompt.spans else {}),
        "answer": prompt.words["answer"],
        "answer_ids": list(prompt.ids["answer"]),
        "words": {
            name: {"text": prompt.words[name], "ids": list(ids)}
            for name, ids in prompt.ids.items()
            if name not in ("answer", "target")
        },
    }


def _shown(head: str, prompt: Prompt, tokens: Tokenizer) -> Text:
    out = Text(f"{head}  ", "bold")
    out.append("".join(f"{visible(row.table.place(row.number))}  " for row in prompt.rows), "dim")
    out.append(visible(prompt.text)).append(" -> ").append(visible(prompt.words["answer"]), "bold green")
    if "target" in prompt.words:
        out.append("  target ").append(visible(prompt.words["target"]), "bold magenta")
    one = {name: f"{place} {_word(prompt, place, tokens)!r}" for name, place in prompt.positions.items()}
    several = {
        name: f"{span[0]}..{span[-1]} {_word(prompt, span[0], tokens)!r} to {_word(prompt, span[-1], tokens)!r}"
        for name, span in prompt.spans.items()
    }
    marks = ", ".join(f"{name} = {shown}" for name, shown in (one | several).items())
    return out.append(f"\n     {len(prompt.token_ids)} tokens; {marks}", "dim")


def _word(prompt: Prompt, place: int, tokens: Tokenizer) -> str:
    return visible(tokens.word(prompt.token_ids[place]).strip())
