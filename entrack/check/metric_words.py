"""Rules for the words of a task that a metric may be of: one, a list of them, by their first tokens or whole."""

from __future__ import annotations

from collections.abc import Mapping

from entrack.check.resolved import TOLD, Task
from entrack.check.scope import Scope, article
from entrack.check.tasks import types_of
from entrack.check.types import WORD, Type
from entrack.diagnostics.suggest import did_you_mean
from entrack.syntax import ast

WHOLE = ("probability", "log probability", "probability difference", "log probability difference")
"""Metrics that may be of whole words: of all their tokens."""
WORDLESS = ("entropy", "KL from clean")
"""Metrics of the next token that are of no word."""
AVERAGED = ("logit", "logit difference")
"""Metrics that are a mean over the words of a list; of the others a list is `any of` its words."""
Words = ast.Name | ast.WholeWord | ast.AnyWord


def name_of(word: Words) -> ast.Name:
    """The variable that is meant."""
    return word if isinstance(word, ast.Name) else name_of(word.name)


def _is_whole(word: Words) -> bool:
    return isinstance(word, ast.WholeWord) or (isinstance(word, ast.AnyWord) and _is_whole(word.name))


def words_fit(scope: Scope, node: ast.Metric, task: Task, known: list[str]) -> bool:
    """Whether a metric can be of the words that it names; `known` are those that there are."""
    types = types_of(scope, task)
    return all(_word(scope, node, word, task, known, types) for word in node.of) and _whole_or_not(scope, node)


def second_there(scope: Scope, node: ast.Metric, task: Task, known: list[str]) -> bool:
    """Whether a metric of two words, where none is named, has a `wrong` that it can be of."""
    if "wrong" not in known:
        help = f"write `{node.kind} of answer and wrong`, and give the task a `wrong`"
        scope.report("E604", f"a {node.kind} is of two words", node.span, "", help)
        return False
    if node.kind not in AVERAGED and types_of(scope, task).get("wrong", WORD).many:
        message = f"{article(node.kind)} is of one word, or of any of several"
        help = f"write `{node.kind} of answer and any of wrong`"
        scope.report("E604", message, node.span, "`wrong` is a list", help)
        return False
    return True


def whole_words(quantity: ast.Quantity) -> bool:
    """Whether something is measured of all tokens of words, and not of their first."""
    inner = quantity.metric if isinstance(quantity, ast.Recovery | ast.LogitLens) else quantity
    return isinstance(inner, ast.Metric) and any(map(_is_whole, inner.of))


def tells_first_tokens(quantity: ast.Quantity) -> bool:
    """Whether words are told by their first tokens: not where they are whole, nor where nothing is of a word."""
    inner = quantity if isinstance(quantity, ast.Metric | ast.Loss | ast.Attention) else quantity.metric
    return isinstance(inner, ast.Metric) and inner.kind not in WORDLESS and not whole_words(inner)


def _whole_or_not(scope: Scope, node: ast.Metric) -> bool:
    """Whether a metric can be of whole words, where it is, and is of these alone."""
    whole = [word for word in node.of if _is_whole(word)]
    if whole and node.kind not in WHOLE:
        not_whole(scope, node, f"{article(node.kind)} is of one token, and a whole word has several")
        return False
    if whole and len(whole) < len(node.of):
        other = next(word for word in node.of if not _is_whole(word))
        scope.report(
            "E604",
            "a whole word and a first token are not compared",
            other.span,
            "told by its first token",
            f"write `whole {name_of(other).text}`, or leave out `whole`",
        )
        return False
    return True


def not_whole(scope: Scope, node: ast.Metric, message: str) -> None:
    """Report that a metric is of a whole word where it cannot be."""
    whole = [word for word in node.of if _is_whole(word)]
    kind = "log probability" if len(whole) == 1 else "log probability difference"
    help = f"leave out `whole`, or take the `{kind} of {' and '.join(word.text for word in whole)}`"
    scope.report("E604", message, whole[0].span, "", help)


def _word(
    scope: Scope,
    node: ast.Metric,
    word: Words,
    task: Task,
    known: list[str],
    types: Mapping[str, Type],
) -> bool:
    """Whether a metric can be of this: a word, or a list of words where it says what is done with several."""
    name = name_of(word)
    if name.text not in known:
        help = (
            "give the task one, such as `wrong = one from LIST except answer`"
            if name.text == "wrong"
            else did_you_mean(name.text, known)
        )
        scope.report("E604", f"the task `{task.name}` has no variable `{name.text}`", name.span, "", help)
        return False
    kind = types.get(name.text, WORD)
    if kind.base == "unknown":
        return True
    if kind.many:
        return _list(scope, node, word, name)
    if isinstance(word, ast.AnyWord):
        scope.report(
            "E604", "`any of` is of a list of words", word.span, f"`{name.text}` is {kind}", f"write `{word.name.text}`"
        )
        return False
    if kind != WORD and name.text not in TOLD:
        words = [word for word, other in types.items() if other == WORD or word in TOLD]
        scope.report(
            "E604",
            "a metric is of one word",
            name.span,
            f"`{name.text}` is {kind}",
            f"name one of {', '.join(f'`{word}`' for word in words)}",
        )
        return False
    return True


def _list(scope: Scope, node: ast.Metric, word: Words, name: ast.Name) -> bool:
    """Whether it is said of a list what the metric does with it."""
    averaged, together = node.kind in AVERAGED, isinstance(word, ast.AnyWord)
    if averaged and together:
        scope.report(
            "E604",
            f"a {node.kind} is of the mean logit of a list",
            word.span,
            "logits of several words do not add up to that of any of them",
            f"write `{name.text}`, or take the `probability of any of {name.text}`",
        )
    elif not averaged and not together:
        scope.report(
            "E604",
            f"{article(node.kind)} is of one word, or of any of several",
            name.span,
            f"`{name.text}` is a list",
            f"write `any of {word.text}`, or name one word",
        )
    return averaged != together
