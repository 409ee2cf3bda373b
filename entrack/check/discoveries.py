"""Rules for discoveries: what is searched, hop by hop, and what each hop may send to."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve

from entrack import budget
from entrack.check.heads import MOST_HEADS, distinct_groups, facts_of
from entrack.check.metrics import NOT_ESTIMATED, metric
from entrack.check.populations import population
from entrack.check.resolved import Alternate, Circuit, Discovery, Found, Group, Hop, Metric, Receiver, Screen, Task
from entrack.check.scope import Scope
from entrack.diagnostics import Label
from entrack.diagnostics.suggest import did_you_mean
from entrack.sites import RECEIVING, Part
from entrack.syntax import ast

MOST_HOPS = budget.HOPS.most


MOST_STEPS = 1000


CHECKED = 20
"""Heads that a screen checks of those it leaves out, unless it says how many."""


DEFAULT_SCORE = ast.Metric("probability", relative=True, of=(ast.Name("answer"),))


def check_discoveries(
    scope: Scope, items: list[ast.Item], alternates: Mapping[str, Alternate], seed: int
) -> tuple[list[Discovery], dict[str, Circuit]]:
    """Every discovery that makes sense, and the circuits they stand for."""
    found: list[Discovery] = []
    circuits: dict[str, Circuit] = {}
    for item, discovery in scope.sound(items, ast.Discover, lambda item: _discovery(scope, item, alternates, seed)):
        found.append(discovery)
        groups = tuple(
            Group(hop.name, hop.position, Found(item.name, hop.name), item.model.text, hop.span)
            for hop in discovery.hops
        )
        circuits[item.name] = Circuit(item.name, groups)
    return found, circuits


def _discovery(scope: Scope, item: ast.Discover, alternates: Mapping[str, Alternate], seed: int) -> Discovery | None:
    model = scope.find(item.model.text, item.model.span, "model")
    originals = population(scope, alternates, item.prompts, seed, "discover")
    against = population(scope, alternates, ast.Prompts(None, item.against, span=item.against.span), seed, "discover")
    distinct_groups(scope, item.hops)
    if len(item.hops) > MOST_HOPS:
        scope.report(
            "E706",
            f"a discovery has at most {MOST_HOPS} hops; this one has {len(item.hops):,}",
            item.name_span,
            "",
            "find groups at one position in one hop",
        )
        return None
    if not item.hops and "group" not in scope.unread:
        scope.report(
            "E520",
            f"`{item.name}` has no groups to find",
            item.name_span,
            "",
            "add a line such as `group movers at last -> logits keep 10`",
        )
    if originals is None or against is None or model is None:
        return None
    score = _score(scope, item, originals.task)
    if originals.alternate is not None or originals.count is None:
        scope.report(
            "E521",
            "a discovery runs on a number of prompts of a task",
            item.prompts.span,
            "",
            f"write, for example, `on 300 {originals.task.name}`",
        )
        return None
    if against.alternate is None or against.alternate.task.name != originals.task.name:
        scope.report(
            "E521",
            f"`against` needs an alternate of `{originals.task.name}`",
            item.against.span,
            "",
            did_you_mean(
                against.label,
                [name for name, known in alternates.items() if known.task.name == originals.task.name],
                "alternate",
            ),
        )
        return None
    hops = [_hop(scope, item, place, originals.task) for place in range(len(item.hops))]
    screen = _screen(scope, item, tuple(hop for hop in hops if hop))
    if score is None or any(hop is None for hop in hops) or (item.screen and not screen):
        return None
    paired = evolve(against, parameters=originals.parameters, seed=originals.seed, count=originals.count)
    return Discovery(
        item.name, item.model.text, originals, paired, score, tuple(hop for hop in hops if hop), item.name_span, screen
    )


def _screen(scope: Scope, item: ast.Discover, hops: tuple[Hop, ...]) -> Screen | None:
    """What a screen lets through. Reports and gives None where that makes no sense."""
    if item.screen is None:
        return None
    written, facts = item.screen, facts_of(scope, item.model)
    through = scope.whole(written.through, "`screen`", 1, MOST_HEADS)
    steps = scope.whole(written.steps, "the number of `steps`", 1, MOST_STEPS) if written.steps else 0
    check = scope.whole(written.check, "`check`", 0, MOST_HEADS) if written.check else CHECKED
    if through is None or steps is None or check is None:
        return None
    score = item.scores[0].metric if item.scores else DEFAULT_SCORE
    if isinstance(score, ast.Metric) and score.kind in NOT_ESTIMATED:
        scope.report(
            "E526",
            f"a screen cannot estimate {score.kind}",
            written.span,
            "it estimates by gradients of words' logits",
            "score by `probability of answer` or by `logit difference of answer and wrong`, or leave the screen out",
            (Label(score.span, "the score"),),
        )
        return None
    if facts and through > facts.layers * facts.heads:
        scope.report(
            "E526",
            f"a screen of {through} lets every head through",
            written.through.span,
            f"the model has {facts.layers * facts.heads} heads",
            "name a smaller number, or leave the screen out: then all heads are run",
        )
        return None
    for hop in hops:
        if hop.keep > through:
            scope.report(
                "E526",
                f"`{hop.name}` keeps {hop.keep} heads, and the screen lets {through} through",
                hop.span,
                "",
                f"screen at least {hop.keep} heads, better several times as many",
                (Label(written.through.span, "the screen"),),
            )
            return None
    return Screen(through, steps, check)


def _score(scope: Scope, item: ast.Discover, task: Task) -> Metric | None:
    scores = item.scores
    if len(scores) > 1:
        scope.report(
            "E522",
            "a discovery has one score",
            scores[1].span,
            "a second one",
            "delete one of them",
            (Label(scores[0].span, "the first"),),
        )
    written = scores[0].metric if scores else DEFAULT_SCORE
    if isinstance(written, ast.Recovery):
        scope.report(
            "E522",
            "a score is of one prompt, and a recovery of all together",
            written.span,
            "it divides by the mean difference of two runs, the same for every head",
            f"score by `{written.metric}`: the order of the heads is the same",
        )
        return None
    if isinstance(written, ast.Reading):
        scope.report(
            "E522",
            "a score is of the next token of a prompt",
            written.span,
            "path patching is read at the end of the prompt alone",
            "score by `relative probability of answer` or by `logit difference of answer and wrong`",
        )
        return None
    if written.kind == "accuracy":
        scope.report(
            "E522",
            "accuracy does not say how much one head matters",
            written.span,
            "",
            "score by `relative probability of answer` or by `logit difference of answer and wrong`",
        )
        return None
    return metric(scope, written, task, desideratum=False)


def _hop(scope: Scope, item: ast.Discover, place: int, task: Task) -> Hop | None:
    hop = item.hops[place]
    facts = facts_of(scope, item.model)
    most = facts.layers * facts.heads if facts else 1 << 20
    keep = scope.whole(hop.keep, f"`keep` (the model has {most} heads)" if facts else "`keep`", 1, most)
    if hop.position.text not in task.positions and scope.may_be_unread(hop.position.text):
        return None
    if hop.position.text not in task.positions:
        scope.report(
            "E523",
            f"the task `{task.name}` has no position `{hop.position.text}`",
            hop.position.span,
            "",
            did_you_mean(hop.position.text, task.positions),
        )
        return None
    receivers = [_receiver(scope, item, place, reference, task) for reference in hop.receivers]
    if keep is None or any(receiver is None for receiver in receivers):
        return None
    known = tuple(receiver for receiver in receivers if isinstance(receiver, Receiver))
    if known and len(known) != len(receivers):
        scope.report("E524", "the logits and heads cannot be receivers together", hop.span, "", "make two hops of it")
        return None
    return Hop(hop.name, hop.position.text, known, keep, hop.span)


def _receiver(scope: Scope, item: ast.Discover, place: int, node: ast.Reference, task: Task) -> Receiver | str | None:
    hop = item.hops[place]
    earlier = {known.name: known for known in item.hops[:place]}
    if node.plain == "logits":
        if not _is_end(task, hop.position.text):
            scope.report(
                "E525",
                f"senders at `{hop.position.text}` cannot reach the logits",
                hop.position.span,
                "every head from this position on is held, so every score would be exactly 0",
                "name the position that is the end of the prompt",
            )
            return None
        return "logits"
    match node:
        case ast.Reference(name, (ast.Dotted(component),)) if name in earlier and component in {
            known.value for known in RECEIVING
        }:
            _reach(scope, hop, earlier[name], component, node)
            return Receiver(name, Part(component))
    _no_receiver(scope, item, place, node, list(earlier))
    return None


def _no_receiver(scope: Scope, item: ast.Discover, place: int, node: ast.Reference, earlier: list[str]) -> None:
    later = [known.name for known in item.hops[place:]]
    options = [f"{name}.{component.value}" for name in earlier for component in RECEIVING]
    if node.name == item.hops[place].name:
        scope.report(
            "E524", "a group does not receive from itself", node.span, "", did_you_mean(node.name, ["logits", *options])
        )
    elif node.name in later:
        scope.report(
            "E524",
            f"`{node.name}` is found after this hop",
            node.span,
            "",
            "hops go backwards from the logits: put it above",
        )
    elif node.name in earlier:
        scope.report(
            "E524",
            "a receiver is the query, key or value of a group",
            node.span,
            "",
            f"write `{node.name}.query`, `{node.name}.key` or `{node.name}.value`",
        )
    elif node.name not in scope.unread:
        scope.report(
            "E524",
            f"there is no receiver `{node.plain or node.name}`",
            node.span,
            "",
            did_you_mean(node.plain or node.name, ["logits", *options]),
        )


def _reach(scope: Scope, hop: ast.Hop, receiver: ast.Hop, component: str, node: ast.Reference) -> None:
    if component == "query" and hop.position.text != receiver.position.text:
        scope.report(
            "E525",
            f"senders at `{hop.position.text}` cannot reach the queries of `{receiver.name}`",
            node.span,
            f"its heads stand at `{receiver.position.text}`, and a query is made at a head's own position",
            f"put the senders at `{receiver.position.text}`, or receive by key or value",
            (Label(receiver.position.span, "the receivers' position"),),
        )


def _is_end(task: Task, position: str) -> bool:
    places = [part.place for part in task.syntax.items if isinstance(part, ast.Position) and part.name == position]
    return any(isinstance(place, ast.EndOf) and place.text.plain == "prompt" for place in places)
