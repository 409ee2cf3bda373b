"""The scope of a program: every declared name with its item, the problems found so far, and the files at hand.

Names share one space, so that a reader never has to ask which of two is meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from math import isfinite
from pathlib import Path
from typing import TypeVar

from attrs import define, field

from entrack import budget
from entrack.check.files import Files
from entrack.check.resolved import Model, Population, Task
from entrack.diagnostics import Diagnostic, Label
from entrack.diagnostics.suggest import Suggestion, did_you_mean
from entrack.models.datasets import Dataset, locate_dataset
from entrack.models.supplied import NOTHING_SUPPLIED, Supplied
from entrack.ranking import per_cent
from entrack.source import Source, Span
from entrack.syntax import ast
from entrack.syntax.parse import parse

ITEM_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "model": ast.Model,
    "task": ast.Task,
    "alternate": ast.Alternate,
    "desideratum": ast.Desideratum,
    "group": ast.Group,
    "circuit": ast.Circuit,
    "discovery": ast.Discover,
    "mask": ast.Mask,
    "vector": ast.Vector,
    "intervention": ast.Intervention,
    "measure": (ast.Measure, ast.Examine, ast.Overlap),
    "param": ast.Param,
}
EXACT = 2**53
"""Whole numbers up to here are exact as floats too."""
RESERVED = ("logits", "nothing", "original", "alternate", "layers", "random")
NOT_DECLARED: Mapping[str, tuple[str, ...]] = {"intervention": ("nothing",)}
"""Names that stand for an item of a kind without being declared."""
OF_A_MASK: Mapping[str, tuple[str, ...]] = {"group": ("heads",), "desideratum": ("desideratum",)}
"""Parts of a mask that stand for an item of a kind, or for several."""
OTHER_PARTS = re.compile(r"(resid|residual|mlp|hook|embed|unembed|attn|attention|block|layer|ln|head|neuron)s?(\d*$|_)")
SPELLED = re.compile(r"[LlAa](?:ayer)?(\d+)[._]?[Hh](?:ead)?(\d+)$")
"""What other tools call the parts of a model that can be patched or silenced."""
Item = TypeVar(
    "Item",
    ast.Mask,
    ast.Vector,
    ast.Measure,
    ast.Examine,
    ast.Overlap,
    ast.Discover,
    ast.Alternate,
    ast.Desideratum,
)
Made = TypeVar("Made")
TokenCount = Callable[[Population, Model, Mapping[str, float]], int | tuple[Diagnostic, ...] | None]
Parse = Callable[[Source], tuple[ast.Program, tuple[Diagnostic, ...]]]


@define
class Scope:
    """Mutable while a program is checked, and never seen afterwards."""

    files: Files
    overrides: Mapping[str, float]
    stand_in: Path | None = None
    """A folder in place of every model that is not here."""
    supplied: Supplied = NOTHING_SUPPLIED
    """What is said of models and datasets from outside."""
    names: dict[str, ast.Item] = field(factory=dict)
    unread: set[str] = field(factory=set)
    problems: list[Diagnostic] = field(factory=list)
    sources: dict[str, Source] = field(factory=dict)
    params: dict[str, float] = field(factory=dict)
    models: dict[str, Model] = field(factory=dict)
    tasks: dict[str, Task] = field(factory=dict)
    typed: dict[str, Mapping[str, object]] = field(factory=dict)
    """The types of the variables of each task that has been checked."""
    data: dict[str, Source] = field(factory=dict)
    """The texts of tables, which problems may point into."""
    datasets: dict[Dataset, Path] = field(factory=dict)
    """Where the datasets are that are on this machine."""
    absent: dict[str, Dataset] = field(factory=dict)
    """The datasets that are not on this machine."""
    asked: set[object] = field(factory=set)
    """What has been asked of a column, so that what is wrong with it is said once."""
    broken: set[str] = field(factory=set)
    """Names whose item has errors: what uses them is not complained about again."""
    tokens: TokenCount | None = None
    """What counts the tokens of a population's prompts, where tokenizers can be read."""
    parse: Parse = parse
    """What reads each file of the spec."""
    _called: dict[tuple[str, ...], list[str]] = field(factory=dict, init=False)

    def report(
        self, code: str, message: str, span: Span, label: str = "", help: str = "", related: tuple[Label, ...] = ()
    ) -> None:
        self.add(Diagnostic(code, message, span, label, help, related))

    def add(self, problem: Diagnostic) -> None:
        budget.spend(budget.PROBLEMS)
        self.problems.append(problem)

    def count_tokens(self, population: Population, model: Model) -> int | tuple[Diagnostic, ...] | None:
        """How many tokens the first prompt of a population has, or why it has none; None where its model's tokenizer
        is not here."""
        return None if self.tokens is None or model.source is None else self.tokens(population, model, self.params)

    def located(self, dataset: Dataset) -> Path | None:
        """Where the file of a dataset is; None where it is not on this machine."""
        supplied = self.supplied.datasets.get((dataset.name, dataset.file))
        found = locate_dataset(dataset) if self.supplied.sources is None else supplied
        if found is not None:
            self.datasets[dataset] = found
        return found

    def declare(self, items: Iterable[ast.Item]) -> None:
        self._called.clear()
        for item in items:
            name = getattr(item, "name", None)
            if not isinstance(name, str):
                continue
            span = name_span(item)
            if name in RESERVED:
                self.report(
                    "E203", f"`{name}` is a word of the language", span, "cannot be declared", "choose another name"
                )
            elif name in self.names:
                first = Label(name_span(self.names[name]), "first declared here")
                self.report("E202", f"`{name}` is declared twice", span, "again here", "rename one of them", (first,))
            else:
                self.names[name] = item

    def sound(
        self, items: Iterable[ast.Item], kind: type[Item], resolve: Callable[[Item], Made | None]
    ) -> Iterator[tuple[Item, Made]]:
        """The items of a kind that resolve without an error, with what they resolve to. The others count as broken."""
        for item in items:
            if not isinstance(item, kind) or self.names.get(item.name) is not item:
                continue
            before = len(self.problems)
            budget.work_on(name_span(item))
            resolved = resolve(item)
            if resolved is None or any(problem.is_error for problem in self.problems[before:]):
                self.broken.add(item.name)
            else:
                yield item, resolved

    def find(self, name: str, span: Span, *kinds: str) -> ast.Item | None:
        """The item that a name stands for, of one of these kinds; reports what is wrong and gives None otherwise."""
        span = Span(span.file, span.start, span.start + len(name))
        item = self.names.get(name)
        wanted = tuple(ITEM_TYPES[kind] for kind in kinds)
        if item is not None and isinstance(item, wanted):
            return item
        if item is not None:
            self.report(
                "E204",
                f"`{name}` is {article(kind_of(item))}, not {article(listed(kinds))}",
                span,
                "used here",
                self._instead(name, item, kinds),
                (Label(name_span(item), "declared here"),),
            )
        elif not self.may_be_unread(name):
            self.report("E201", f"no {listed(kinds)} is called `{name}`", span, "used here", self._missing(name, kinds))
        return None

    def _missing(self, name: str, kinds: tuple[str, ...]) -> str:
        """Help for a name that nothing has: somebody used to other tools may mean a part of the model."""
        spelled = SPELLED.match(name) if "group" in kinds else None
        if spelled is not None:
            return f"a head is written `{spelled[1]}.{spelled[2]}`: `zero {spelled[1]}.{spelled[2]} at last`"
        if "group" in kinds and OTHER_PARTS.match(name):
            return (
                "sites are written `2.1`, `mlp.2`, `attention.2`, `residual.2` or `neuron.2.5`, with a token: "
                "`zero mlp.2 at last`"
            )
        others = [known for kind in kinds for known in NOT_DECLARED.get(kind, ())]
        others += [
            f"{mask}.{part}" for kind in kinds for part in OF_A_MASK.get(kind, ()) for mask in self.called("mask")
        ]
        if kinds == ("intervention",) and not self.called("intervention"):
            help = f"declare it, such as `intervention {name}(c) = keep c, mean elsewhere over ALTERNATE`"
            return Suggestion.of(help, name, others)
        return did_you_mean(name, self.called(*kinds), kinds[0]).also(*others)

    def _instead(self, name: str, item: ast.Item, kinds: tuple[str, ...]) -> str:
        if kinds == ("intervention",) and kind_of(item) in ("circuit", "group", "discovery"):
            return f"say what is done to its heads, such as `zero {name}`, or name an intervention and give it `{name}`"
        return did_you_mean(name, [known for known in self.called(*kinds) if known != name], kinds[0])

    def may_be_unread(self, name: str) -> bool:
        """Whether a name may be declared in an item or a file that cannot be read: then nothing is said of it."""
        return name in self.unread or ast.EVERYTHING in self.unread

    def called(self, *kinds: str) -> list[str]:
        """The names of all items of these kinds."""
        wanted = tuple(ITEM_TYPES[kind] for kind in kinds)
        if kinds not in self._called:
            self._called[kinds] = [name for name, item in self.names.items() if isinstance(item, wanted)]
        return self._called[kinds]

    def number(self, node: ast.Expression | ast.Name) -> float | None:
        """A number that is known before a run: written, a param, or computed from such. Reports and gives None
        otherwise."""
        match node:
            case ast.Integer(value):
                return value
            case ast.Number():
                return node.value
            case ast.Name(name) | ast.Reference(name, ()):
                if self.find(name, node.span, "param") is None:
                    return None
                return self.params[name]
            case ast.Negative(sign, operand):
                inner = self.number(operand)
                return None if inner is None else -inner if sign == "-" else inner
            case ast.Sum(first, rest) | ast.Product(first, rest):
                return self._computed(first, rest, node.span)
        self.report(
            "E303", "a number is wanted here", node.span, "this is none", "write a number or the name of a param"
        )
        return None

    def whole(self, node: ast.Expression | ast.Name, what: str, least: int = 1, most: int = 10_000_000) -> int | None:
        """A whole number in a range. Reports and gives None otherwise."""
        value = self.number(node)
        if value is None:
            return None
        if not isfinite(value) or value != int(value) or not least <= value <= most:
            self.report(
                "E304",
                f"{what} is a whole number from {least} to {most}",
                node.span,
                f"this is {value:.12g}",
                "change the number",
            )
            return None
        return int(value)

    def share(self, node: ast.Percent, what: str, help: str = "change the number") -> float | None:
        """What a percentage is of 1. Reports and gives None where it is nothing, all or more."""
        if not 0 < node.share < 1:
            self.report(
                "E304",
                f"{what} lies between 0 % and 100 %",
                node.span,
                f"this is {per_cent(node.share)}",
                help,
            )
            return None
        return node.share

    def _computed(
        self, first: ast.Expression, rest: tuple[tuple[str, ast.Expression], ...], span: Span
    ) -> float | None:
        total = self.number(first)
        for sign, operand in rest:
            value = self.number(operand)
            if total is None or value is None:
                return None
            if sign == "/" and value == 0:
                self.report("E303", "this divides by zero", span)
                return None
            total = {"+": total + value, "-": total - value, "*": total * value, "/": total / value if value else 0.0}[
                sign
            ]
            total = total if abs(total) <= EXACT else float(total)  # whole numbers of Python grow without bound
        return total


def name_span(item: ast.Item) -> Span:
    """Where an item's name stands."""
    if isinstance(item, ast.Group):
        return item.group.name_span
    return getattr(item, "name_span", item.span)


def listed(kinds: Iterable[str]) -> str:
    """`task, alternate or desideratum`."""
    *first, last = kinds
    return f"{', '.join(first)} or {last}" if first else last


def article(words: str) -> str:
    """With `a` or `an` before it."""
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def kind_of(item: ast.Item) -> str:
    return next(kind for kind, cls in ITEM_TYPES.items() if isinstance(item, cls))
