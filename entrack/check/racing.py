"""Rules for `racing at 95 %`: how certain a race is, and what cannot race."""

from __future__ import annotations

from entrack.check.resolved import BATCH
from entrack.check.scope import Scope
from entrack.diagnostics import Label
from entrack.syntax import ast


def racing(scope: Scope, item: ast.Discover, prompts: int) -> float | None:
    """How likely a race keeps what all prompts would, as a share. Reports and gives None where there can be no race;
    None where none is asked for."""
    if item.racing is None:
        return None
    level = scope.share(item.racing.level, "the level of a race", "write, for example, `racing at 95 %`")
    if prompts <= BATCH:
        scope.report(
            "E527",
            f"{prompts} prompt{'s' * (prompts != 1)} cannot race",
            item.racing.span,
            f"a race is run in rounds of {BATCH} prompts, and is looked at between them",
            "race on several hundred prompts, or leave the race out",
            (Label(item.prompts.span, "the prompts"),),
        )
        return None
    return level
