"""Rules for what a discovery says of how sure it is: which of its hops keep what is significant, and on how many fresh
prompts what was kept is confirmed."""

from __future__ import annotations

from attrs import evolve

from entrack.check.populations import MOST_PROMPTS
from entrack.check.resolved import Population
from entrack.check.scope import Scope
from entrack.diagnostics import Label
from entrack.syntax import ast

CONFIRM = "confirm"
"""The purpose of prompts on which what was found is confirmed."""


def can_be_significant(scope: Scope, item: ast.Discover, count: int) -> bool:
    """Whether hops that keep what is significant can find any. Reports those that cannot."""
    hops = [hop for hop in item.hops if isinstance(hop.keep, ast.Significant)]
    race = item.racing
    if hops and race is not None:
        scope.report(
            "E528",
            "a race parts the best from the rest, and does not say what is significant",
            hops[0].keep.span,
            "this keeps as many as differ from zero",
            "keep a number, such as `keep 10`, or leave `racing` out",
            (Label(race.span, "the race"),),
        )
        return False
    if hops and count == 1:
        scope.report(
            "E528",
            "nothing is significant of one prompt",
            hops[0].keep.span,
            "it shows no spread, and what differs from zero is told by that",
            "discover on more prompts, such as 100",
            (Label(item.prompts.span, "one prompt"),),
        )
        return False
    return True


def confirming(scope: Scope, item: ast.Discover) -> int | None:
    """On how many prompts a discovery is confirmed. Reports and gives None where that makes no sense."""
    if len(item.confirms) > 1:
        scope.report(
            "E529",
            "a discovery is confirmed once",
            item.confirms[1].span,
            "a second time",
            "delete one of them",
            (Label(item.confirms[0].span, "the first"),),
        )
        return None
    if not item.confirms:
        return None
    return scope.whole(item.confirms[0].count, "the number of prompts to confirm on", 2, MOST_PROMPTS)


def fresh(originals: Population, alternates: Population, count: int) -> tuple[Population, Population]:
    """So many prompts that nothing else is found or measured on."""
    first, second = (evolve(each, count=count, purpose=CONFIRM) for each in (originals, alternates))
    return first, second
