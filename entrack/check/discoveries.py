"""Rules for discoveries: what is searched, hop by hop, and what each hop may send to."""

from __future__ import annotations

from attrs import evolve

from entrack import budget
from entrack.check.evidence import can_be_significant, confirming, fresh
from entrack.check.heads import MOST_HEADS, distinct_groups, facts_of
from entrack.check.metric_words import whole_words
from entrack.check.metrics import NOT_ESTIMATED, metric
from entrack.check.populations import population
from entrack.check.racing import racing
from entrack.check.receivers import Given, receiver
from entrack.check.resolved import Circuit, Discovery, Found, Group, Hop, Metric, Receiver, Screen, Task
from entrack.check.scope import Scope
from entrack.check.spans import one_token
from entrack.diagnostics import Label
from entrack.diagnostics.suggest import did_you_mean
from entrack.model_config import ModelFacts
from entrack.ranking import Ranking
from entrack.sites import HEADS, SENDING, Part, every_sender
from entrack.syntax import ast

MOST_HOPS = budget.HOPS.most


MOST_STEPS = 1000


CHECKED = 20
"""Heads that a screen checks of those it leaves out, unless it says how many."""


DEFAULT_SCORE = ast.Metric("probability", relative=True, of=(ast.Name("answer"),))


def check_discoveries(given: Given, items: list[ast.Item]) -> tuple[list[Discovery], dict[str, Circuit]]:
    """Every discovery that makes sense, and the circuits they stand for."""
    found: list[Discovery] = []
    circuits: dict[str, Circuit] = {}
    for item, discovery in given.scope.sound(items, ast.Discover, lambda item: _discovery(given, item)):
        found.append(discovery)
        groups = tuple(
            Group(hop.name, hop.position, Found(item.name, hop.name, hop.senders), item.model.text, hop.span)
            for hop in discovery.hops
        )
        circuits[item.name] = Circuit(item.name, groups)
    return found, circuits


def _discovery(given: Given, item: ast.Discover) -> Discovery | None:
    scope, alternates, seed = given.scope, given.alternates, given.seed
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
    hops = [_hop(given, item, place, originals.task) for place in range(len(item.hops))]
    screen = _screen(scope, item, tuple(hop for hop in hops if hop))
    confirm, level = confirming(scope, item), racing(scope, item, originals.count)
    sound = can_be_significant(scope, item, originals.count) and not (item.confirms and confirm is None)
    sound = sound and not (item.racing and not level) and not (item.screen and not screen)
    if not sound or score is None or any(hop is None for hop in hops):
        return None
    paired = evolve(against, parameters=originals.parameters, seed=originals.seed, count=originals.count)
    return Discovery(
        item.name,
        item.model.text,
        originals,
        paired,
        score,
        tuple(hop for hop in hops if hop),
        item.name_span,
        screen,
        fresh(originals, paired, confirm) if confirm else None,
        level,
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
    most = max((_most(facts, hop.senders) for hop in hops), default=0) if facts else 0
    if facts and hops and through > most:
        every = _words(HEADS) if _all_heads(hops) else "senders"
        scope.report(
            "E526",
            f"a screen of {through} lets every {'head' if _all_heads(hops) else 'sender'} through",
            written.through.span,
            f"the model has {most} {'heads' if _all_heads(hops) else 'senders of a hop at most'}",
            f"name a smaller number, or leave the screen out: then all {every} are run",
        )
        return None
    for hop in hops:
        if hop.keep > through and hop.rate is None:
            scope.report(
                "E526",
                f"`{hop.name}` keeps {hop.keep} {_words(hop.senders)}, and the screen lets {through} through",
                hop.span,
                "",
                f"screen at least {hop.keep} {_words(hop.senders)}, better several times as many",
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
    if whole_words(written):
        scope.report(
            "E522",
            "a score is of the next token of a prompt, and a whole word of several",
            written.span,
            "path patching is read at the end of the prompt alone",
            "score by the first token, and measure the whole word of what was found",
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


def _hop(given: Given, item: ast.Discover, place: int, task: Task) -> Hop | None:
    scope, hop = given.scope, item.hops[place]
    facts, senders = facts_of(scope, item.model), _senders(scope, hop)
    most = _most(facts, senders) if facts and senders else 1 << 20
    keep, rate = _keep(scope, hop.keep, f"`keep` (the model has {most} {_words(senders)})" if facts else "`keep`", most)
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
    if not one_token(scope, task, hop.position.text, hop.position.span, "a hop's senders stand"):
        return None
    receivers = [receiver(given, item, place, reference, task) for reference in hop.receivers]
    if keep is None or not senders or any(one is None for one in receivers):
        return None
    known = tuple(one for one in receivers if isinstance(one, Receiver))
    if known and len(known) != len(receivers):
        scope.report("E524", "the logits and heads cannot be receivers together", hop.span, "", "make two hops of it")
        return None
    ranking = Ranking(hop.ranking) if hop.ranking else Ranking.LOWEST
    return Hop(hop.name, hop.position.text, known, keep, hop.span, senders, ranking, rate)


def _keep(
    scope: Scope, node: ast.Integer | ast.Name | ast.Significant, what: str, most: int
) -> tuple[int | None, float | None]:
    """How many are kept at most, and at which false discovery rate. Reports and gives None for what is out of range."""
    if isinstance(node, ast.Name) and node.text == "significant" and node.text not in scope.params:
        scope.report("E201", "no param is called `significant`", node.span, "", "write `significant at 5 %`")
        return None, None
    if not isinstance(node, ast.Significant):
        return scope.whole(node, what, 1, most), None
    rate = scope.share(node.rate, "a false discovery rate")
    return (None, None) if rate is None else (most, rate)


def _senders(scope: Scope, hop: ast.Hop) -> tuple[Part, ...]:
    """The parts that send, heads first; empty where one is said twice."""
    words = [name.text for name in hop.senders]
    again = next((name for place, name in enumerate(hop.senders) if name.text in words[:place]), None)
    if again is not None:
        scope.report("E202", f"`{again.text}` is said twice", again.span, "again here", "delete one of them")
        return ()
    return tuple(part for word, part in SENDING.items() if word in words) or HEADS


def _most(facts: ModelFacts, senders: tuple[Part, ...]) -> int:
    """How many could send."""
    return sum(len(every_sender(part, facts.layers, facts.heads)) for part in senders)


def _words(senders: tuple[Part, ...]) -> str:
    return " and ".join(word for word, part in SENDING.items() if part in senders) or "senders"


def _all_heads(hops: tuple[Hop, ...]) -> bool:
    return all(hop.senders == HEADS for hop in hops)
