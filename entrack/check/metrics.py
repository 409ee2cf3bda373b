"""Rules for metrics: which there are, and which words of a task each may be of."""

from __future__ import annotations

from entrack.check.resolved import Metric, Task
from entrack.check.scope import Scope
from entrack.check.tasks import types_of
from entrack.check.types import WORD
from entrack.diagnostics.suggest import did_you_mean
from entrack.syntax import ast

TOLD = ("answer", "wrong", "target")


UNITS = {
    "accuracy": "fraction of prompts",
    "probability": "probability",
    "logit": "logits",
    "logit difference": "logits",
}


def metric(scope: Scope, node: ast.Metric, task: Task, *, desideratum: bool) -> Metric | None:
    """A metric with the variables it is of: by default the answer, or the target of a desideratum."""
    known = [binding.name for binding in task.bindings] + (["target"] if desideratum else [])
    of = tuple(name.text for name in node.of)
    types = types_of(scope, task)
    for name in node.of:
        if name.text not in known:
            help = (
                "give the task one, such as `wrong = one from LIST except answer`"
                if name.text == "wrong"
                else did_you_mean(name.text, known)
            )
            scope.report("E604", f"the task `{task.name}` has no variable `{name.text}`", name.span, "", help)
            return None
        kind = types.get(name.text, WORD)
        if kind != WORD and name.text not in TOLD:
            words = [word for word, other in types.items() if other == WORD or word in TOLD]
            scope.report(
                "E604",
                "a metric is of one word",
                name.span,
                f"`{name.text}` is {kind}",
                f"name one of {', '.join(f'`{word}`' for word in words)}",
            )
            return None
    default = "target" if desideratum else "answer"
    if not of:
        of = (default,)
        if node.kind == "logit difference":
            if "wrong" not in known:
                scope.report(
                    "E604",
                    "a logit difference is of two words",
                    node.span,
                    "",
                    "write `logit difference of answer and wrong`, and give the task a `wrong`",
                )
                return None
            of = (default, "wrong")
    unit = "ratio" if node.relative else UNITS[node.kind]
    return Metric(str(node), node.kind, node.relative, of, unit)
