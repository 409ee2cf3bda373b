"""Rules for heads: written groups and circuits, and circuits from JSON files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeGuard

from entrack import budget
from entrack.check.resolved import Circuit, Group
from entrack.check.scope import Scope, name_span
from entrack.check.scores import SCORE, best, scores_of
from entrack.check.sites import exists, in_one_order, literal_site
from entrack.check.unreadable import Unreadable
from entrack.diagnostics import Label
from entrack.diagnostics.suggest import Suggestion
from entrack.model_config import ModelFacts
from entrack.ranking import Ranking
from entrack.sites import PER_HEAD, RECEIVING, Site
from entrack.source import Span
from entrack.syntax import ast

MOST_HEADS = budget.LIST_HEADS.most


MOST_GROUPS = budget.GROUPS.most


BEST = 'write `scores("scores.csv") keep 10 strongest`'


def check_written(scope: Scope, items: list[ast.Item]) -> dict[str, Circuit]:
    """Circuits and groups that are written out, by name. A group alone is a circuit of one group."""
    found: dict[str, Circuit] = {}
    for item in items:
        if not isinstance(item, ast.Group | ast.Circuit) or scope.names.get(item.name) is not item:
            continue
        budget.work_on(name_span(item))
        facts = facts_of(scope, item.model)
        groups = (item.group,) if isinstance(item, ast.Group) else item.groups
        if len(groups) > MOST_GROUPS:
            scope.report(
                "E706",
                f"a circuit has at most {MOST_GROUPS:,} groups; this one has {len(groups):,}",
                name_span(item),
                "",
                "put heads at one position into one group",
            )
            scope.broken.add(item.name)
            continue
        distinct_groups(scope, groups)
        known = [_written(scope, group, item.model.text, facts) for group in groups]
        if not groups:
            scope.report(
                "E510",
                f"the circuit `{item.name}` has no groups",
                item.span,
                "",
                "add a line such as `group movers at last = 14.13`",
            )
        if (
            scope.find(item.model.text, item.model.span, "model")
            and groups
            and all(group is not None for group in known)
        ):
            found[item.name] = Circuit(item.name, tuple(group for group in known if group is not None))
        else:
            scope.broken.add(item.name)
    return found


def facts_of(scope: Scope, model: ast.Name) -> ModelFacts | None:
    known = scope.models.get(model.text)
    return known.facts if known else None


def distinct_groups(scope: Scope, groups: tuple[ast.GroupItem | ast.Hop, ...]) -> None:
    seen: dict[str, Span] = {}
    for group in groups:
        if group.name in seen:
            scope.report(
                "E202",
                f"the group `{group.name}` is declared twice",
                group.name_span,
                "again here",
                "rename one of them",
                (Label(seen[group.name], "first declared here"),),
            )
        seen.setdefault(group.name, group.name_span)


def _best(scope: Scope, item: ast.GroupItem, given: ast.Best, model: str, facts: ModelFacts | None) -> Group | None:
    """A group of the best sites of a file of scores, as a hop keeps them."""
    match given.of:
        case ast.Call("scores", (ast.String(written) as path, *rest)) if perhaps_a_name(rest):
            keep = scope.whole(given.keep, "how many are kept", 1, MOST_HEADS)
            try:
                scores = scores_of(scope.files, written, rest[0].value if rest else SCORE, path.span)
            except Unreadable as trouble:
                scope.add(trouble.problem)
                return None
        case _:
            scope.report("E513", "the best are taken of the scores of a file", given.of.span, "", BEST)
            return None
    budget.spend(budget.HEADS, len(scores))
    if keep is None or not all(exists(scope, site, facts, path.span) for site in scores):
        return None
    ranking = Ranking(given.ranking) if given.ranking else Ranking.LOWEST
    sites = best(scores, ranking, keep)
    if not sites:
        what = f"no score of `{written}` is {ranking.kept}"
        scope.report("E218", what, given.span, "the group would be empty", "take another ranking, or other scores")
        return None
    return Group(item.name, item.position.text, in_one_order(sites), model, item.span)


def perhaps_a_name(rest: Sequence[object]) -> TypeGuard[Sequence[ast.String]]:
    """Whether what follows a file in a call is nothing, or the name of something in it."""
    return len(rest) < 2 and all(isinstance(one, ast.String) for one in rest)


def _written(scope: Scope, item: ast.GroupItem, model: str, facts: ModelFacts | None) -> Group | None:
    if isinstance(item.heads, ast.Best):
        return _best(scope, item, item.heads, model, facts)
    numbers = item.heads.sites if isinstance(item.heads, ast.SiteList) else _from_json(scope, item.heads)
    if numbers is None:
        return None
    budget.spend(budget.HEADS, len(numbers))
    sites: set[Site] = set()
    good = True
    for number in numbers:
        site = _site(scope, number)
        good = site is not None and exists(scope, site, facts, number.span) and good
        if site in sites:
            what = f"the head {site}" if site and site.part in PER_HEAD else f"`{site}`"
            scope.report("E512", f"{what} stands twice in `{item.name}`", number.span, "again here", "delete it")
        sites |= {site} if site is not None else set()
    return Group(item.name, item.position.text, in_one_order(sites), model, item.span) if good else None


def _site(scope: Scope, node: ast.SiteLiteral) -> Site | None:
    """A site of a group. What a head reads is none: a group stands for it with `.query` after its name."""
    site = literal_site(scope, node)
    if site is None or site.part not in RECEIVING:
        return site
    head = Site.of_head(site.layer, site.head)
    help = f"write `{head}`, and `.{site.part.value}` after the group's name where it is used"
    scope.report("E514", "a group has heads, and not what they read", node.span, "", help)
    return None


def _from_json(scope: Scope, call: ast.Call) -> tuple[ast.SiteLiteral, ...] | None:
    match call:
        case ast.Call("json", (ast.String(written) as path, ast.String(dotted))):
            try:
                value = scope.files.json(written, dotted, path.span)
            except Unreadable as trouble:
                scope.add(trouble.problem)
                return None
            if isinstance(value, list) and len(value) > MOST_HEADS:
                scope.report(
                    "E214",
                    f"`{dotted}` of `{written}` has {len(value):,} heads",
                    call.span,
                    f"a group has at most {MOST_HEADS:,}",
                    "keep only those that are meant",
                )
                return None
            budget.spend(budget.HEADS, len(value) if isinstance(value, list) else 0)
            if isinstance(value, list) and all(_is_pair(pair) for pair in value):
                return tuple(ast.SiteLiteral(ast.HEAD, (pair[0], pair[1]), span=call.span) for pair in value)
            scope.report(
                "E214",
                f"`{dotted}` of `{written}` is no list of heads",
                call.span,
                "",
                "heads are written [[layer, head], ...] in JSON",
            )
            return None
    scope.report(
        "E513",
        "heads are written out, or read from a JSON file",
        call.span,
        "",
        BEST
        if call.name == "scores"
        else Suggestion.of(
            'write `14.13 15.2`, or `json("circuits.json", "path.to.heads")`', call.name, ("json", "scores")
        ),
    )
    return None


def _is_pair(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(type(number) is int and 0 <= number < 1 << 20 for number in value)
    )
