"""`entrack plan --explain`, as a table and as JSON: what each compiler pass removes, and from which steps."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from entrack.cli.plans import RACING, may_come_json, may_come_words
from entrack.cli.table import table
from entrack.diagnostics.escape import visible
from entrack.plan.explain import AS_WRITTEN, Explained, Explanation, Stage
from entrack.plan.passes import PASSES

MOST_NOTES = 6
"""Of one kind of step; the others are in --json."""


def explained_json(given: Explanation) -> dict[str, Any]:
    """The explanation as it is."""
    return {
        "steps": {
            "asked": given.asked,
            "different": given.steps,
            "stored": given.found,
            "known_zero": given.zero,
            "screened_out": given.screened_out,
            **({"decided": given.decided} if given.decided else {}),
            **({"not_kept": given.not_kept} if given.not_kept else {}),
        },
        "order": {
            "model_changes": [given.as_made.models, given.ordered.models],
            "batch_changes": [given.as_made.batches, given.ordered.batches],
        },
        "total": _json(given.total),
        "kinds": [_json(part) for part in given.parts],
        **({"may_come": may_come_json(given.may_come)} if given.may_come else {}),
    }


def explained_view(given: Explanation) -> RenderableType:
    """The explanation for a person."""
    return Group(
        _plan_passes(given), Text(), _passes(given.total), *(part for kind in given.parts for part in _kind(kind))
    )


def _json(part: Explained) -> dict[str, Any]:
    stages = [{"pass": stage.name, "token_layers": stage.token_layers, "flops": stage.flops} for stage in part.stages]
    return {"what": part.what, "steps": part.steps, "stages": stages, "notes": dict(part.notes)}


def _plan_passes(given: Explanation) -> RenderableType:
    out = f"{given.screened_out:,} are screened out; " if given.screened_out else ""
    out += f"{given.decided:,} are of heads that a race has decided; " if given.decided else ""
    out += f"{given.not_kept:,} are of heads that were not kept, and are not confirmed; " if given.not_kept else ""
    left = given.steps - given.found - given.zero - given.screened_out - given.decided - given.not_kept
    more = may_come_words(given.may_come)
    later = f"\nTheir steps are known when others have run: {', '.join(given.deferred)}." if given.deferred else ""
    racing = f"\n{RACING}." if given.racing else ""
    return Text(
        f"{given.asked:,} steps are asked for; {given.steps:,} differ; {given.found:,} are in the store; "
        f"{given.zero:,} are known to be zero; {out}{left:,} are left.\n"
        f"Their order changes the model {given.ordered.models:,} times instead of {given.as_made.models:,}, "
        f"the prompts {given.ordered.batches:,} times instead of {given.as_made.batches:,}.{later}{racing}{more}"
    )


def _passes(total: Explained) -> Table:
    numbers = ("token-layers", "operations", "left")
    made = table("pass", "takes away", *numbers, right=numbers)
    what = {one.name: one.what for one in PASSES}
    for stage in total.stages:
        made.add_row(
            stage.name,
            what.get(stage.name, "nothing yet"),
            f"{stage.token_layers:,}",
            _operations(stage),
            _share(stage, total.stages[0]),
        )
    return made


def _kind(kind: Explained) -> list[RenderableType]:
    first, last = kind.stages[0], kind.stages[-1]
    head = Text(f"\n{visible(kind.what)} ({kind.steps:,} step{'s' * (kind.steps != 1)})", style="bold")
    cost = Text(
        f"  token-layers {first.token_layers:,} -> {last.token_layers:,}, operations {_operations(first)} "
        f"-> {_operations(last)} ({_times(first, last)})"
    )
    notes = [Text(f"  {count:>5,} x  {note}") for note, count in list(kind.notes.items())[:MOST_NOTES]]
    more = len(kind.notes) - len(notes)
    return [head, cost, *notes, *([Text(f"           and {more:,} more; --json has all")] if more > 0 else [])]


def _operations(stage: Stage) -> str:
    return f"{stage.flops:.2e}" if stage.flops else "0"


def _share(stage: Stage, first: Stage) -> str:
    return "" if stage.name == AS_WRITTEN or not first.flops else f"{stage.flops / first.flops:.2%}"


def _times(first: Stage, last: Stage) -> str:
    if not last.flops:
        return "run for other steps already"
    return (
        "all of it"
        if last.flops > 0.95 * first.flops
        else f"{first.flops / last.flops:,.{0 if first.flops > 10 * last.flops else 1}f}x less"
    )
