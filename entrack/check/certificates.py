"""Rules for certified claims: what is claimed must be the mean of something that is bounded prompt by prompt, or a
ratio of two such. A claim's sides come in; what must hold of sums of cells, and these cells on fresh prompts, come
out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import assert_never

from attrs import evolve

from entrack import budget
from entrack.check.allotments import Allotment, rows_of
from entrack.check.changes import Changes
from entrack.check.resolved import (
    Act,
    Arithmetic,
    CellOf,
    CellSpec,
    Certificate,
    Constant,
    FreshCell,
    Linear,
    Measure,
    Part,
    Quantity,
    SetAct,
    Size,
    Summary,
    carries,
)
from entrack.check.sources import PARTNER, drawn_by, fresh
from entrack.check.tables import Table
from entrack.diagnostics import Label
from entrack.frozen import frozen
from entrack.syntax import ast
from entrack.syntax.unparse import written

CERTIFY = "certify"
"""The purpose for which fresh prompts are drawn."""
USUAL = 1000
"""Fresh prompts of a claim that does not say how many it may take."""
BOUNDS: Mapping[str, tuple[float, float]] = {
    "accuracy": (0.0, 1.0),
    "probability": (0.0, 1.0),
    "probability difference": (-1.0, 1.0),
    "attention": (0.0, 1.0),
}
"""Between which numbers a metric lies on every prompt; other metrics have no bounds."""
NONE = Allotment()
ONE = Linear((), 1.0, 1.0, 1.0)
WITHIN = "write, for example, `mean(M) within 0.1 of 0.5`, or make two claims of it"
MEANS = "a sum, difference or multiple of cells, or one such over another"


@frozen
class Spec:
    """What a spec measures: its measures by name, and which rows of files it takes for what."""

    measures: Mapping[str, Measure]
    allotments: Mapping[Table, Allotment]


@frozen
class Sides:
    """What a claim compares."""

    left: Quantity
    relation: str
    right: Quantity
    tolerance: Quantity | None


class Refused(Exception):
    """A claim that cannot be certified."""

    def __init__(self, code: str, message: str, label: str, help: str) -> None:
        super().__init__(message)
        self.code, self.label, self.help = code, label, help


@frozen
class Form:
    """What a side comes to: a sum, or, with `ends`, the `smallest` or `largest` of several; `over` another sum."""

    sums: tuple[Linear, ...]
    ends: str = ""
    over: Linear = ONE

    @property
    def constant(self) -> float | None:
        """The number that it is, where no cell is in it."""
        known = not self.ends and self.over == ONE and not self.sums[0].terms
        return self.sums[0].constant if known else None


def certificate_of(changes: Changes, item: ast.Claim, number: int, sides: Sides, spec: Spec) -> Certificate | None:
    """How a claim is certified. Reports one that cannot be."""
    assert item.certified is not None  # the caller asks for one
    help = "write, for example, `certified at 95 %`"
    level = changes.scope.share(item.certified.level, "the level of a certified claim", help)
    most = _most(changes, item.certified)
    if level is None or most is None:
        return None
    try:
        parts, ends = _parts(sides, spec)
        cells = _cells(parts, spec)
        fewer, rows = _left(cells, most, spec.allotments)
    except Refused as refused:
        label = Label(item.certified.span, "certified here")
        changes.scope.report(refused.code, str(refused), item.left.span, refused.label, refused.help, (label,))
        return None
    anew = tuple(evolve(one, spec=_fresh(one.spec, fewer)) for one in cells)
    text, of = item.text, _compared(item, sides, spec)
    return Certificate(number, text.value, level, fewer, parts, anew, of, ends, rows, text.span)


def _most(changes: Changes, node: ast.Certified) -> int | None:
    if node.most is None:
        return USUAL
    return changes.scope.whole(node.most, "the number of prompts", 1, budget.PROMPTS.most)


def _compared(item: ast.Claim, sides: Sides, spec: Spec) -> str:
    """The number that limits are of, as a spec would write it."""
    if _form(sides.right, spec).constant is not None:
        return written(item.left)
    return written(ast.Sum(item.left, (("-", item.right),)))


# --- what must hold ----------------------------------------------------------------------------------------------


def _parts(sides: Sides, spec: Spec) -> tuple[tuple[Part, ...], str]:
    """What must hold, and of which ends the claim is. Raises Refused."""
    if sides.relation == "==":
        raise Refused(
            "E644", "no number of prompts tells that two numbers are equal", "", "write, for example, `within 0.02 of`"
        )
    form, bound = _difference(_form(sides.left, spec), _form(sides.right, spec))
    if all(not some.terms for some in (*form.sums, form.over)):
        raise Refused("E644", "nothing that is measured is left of this claim", "both sides are the same", "delete it")
    if sides.tolerance is not None:
        near = _form(sides.tolerance, spec).constant
        if near is None or form.ends:
            raise _unfit("one number is certified `within` another, by a tolerance that is known", WITHIN)
        return (
            Part(form.sums[0], form.over, bound - near),
            Part(form.sums[0], form.over, bound + near, below=True),
        ), "within"
    below = sides.relation in ("<", "<=")
    fits = "largest" if below else "smallest"
    if form.ends not in ("", fits):
        raise _unfit(f"the {form.ends} of some numbers is certified from the other side", _of_all(form.ends))
    return tuple(Part(some, form.over, bound, below) for some in form.sums), fits


def _difference(left: Form, right: Form) -> tuple[Form, float]:
    """A number, and the bound that it is compared with: the right side, or, where this is none, 0. Raises Refused."""
    if right.constant is not None:
        return left, right.constant
    if right.over != ONE:
        raise _unfit("a ratio is certified on the left, against a number", "turn the claim round")
    return _sum(left, _times(right, -1.0)), 0.0


def _form(quantity: Quantity, spec: Spec) -> Form:
    """Raises Refused."""
    match quantity:
        case Constant(value):
            return Form((Linear((), value, value, value),))
        case CellOf():
            return Form((_of_cell(quantity, spec),))
        case Summary():
            return _summary(quantity, spec)
        case Size():
            raise _unfit("a number of heads is the same on all prompts", "claim it without `certified`")
        case Arithmetic(first, rest):
            form = _form(first, spec)
            for sign, operand in rest:
                form = _computed(form, sign, _form(operand, spec))
            return form
    assert_never(quantity)


def _of_cell(cell: CellOf, spec: Spec) -> Linear:
    """Raises Refused where the cell has no bounds."""
    measure = spec.measures.get(cell.measure)
    if measure is None:
        raise Refused(
            "E643",
            f"`{cell.measure}` is no mean over prompts",
            "it compares circuits",
            "claim it without `certified`, or certify the accuracies that it is made of",
        )
    metric = measure.metric
    if metric.recovery is not None or metric.kind not in BOUNDS:
        raise Refused(
            "E643",
            f"`{metric.name}` has no bounds on a prompt",
            "so no number of prompts tells how far its mean may lie from what they show",
            "certify an accuracy, a probability or a probability difference",
        )
    return Linear(((1.0, cell),), 0.0, *BOUNDS[metric.kind])


def _summary(quantity: Summary, spec: Spec) -> Form:
    measure = spec.measures.get(quantity.measure)
    names = [] if measure is None else [name for name, _ in measure.axes]
    labels = [one.labels for one in measure.cells if carries(one.labels, names, quantity.labels)] if measure else [()]
    several = [_of_cell(CellOf(quantity.measure, some), spec) for some in labels]
    if not several:
        raise _unfit(f"no cell of `{quantity.measure}` has all these labels", "name labels that go together")
    if quantity.kind == "mean":
        return Form((_added([_multiple(one, 1 / len(several)) for one in several]),))
    return Form(tuple(several), quantity.kind if len(several) > 1 else "")


def _computed(form: Form, sign: str, other: Form) -> Form:
    match sign:
        case "+":
            return _sum(form, other)
        case "-":
            return _sum(form, _times(other, -1.0))
        case "*" if other.constant is not None:
            return _times(form, other.constant)
        case "*" if form.constant is not None:
            return _times(other, form.constant)
        case "/" if other.constant:
            return _times(form, 1 / other.constant)
        case "/" if not (form.ends or other.ends) and form.over == other.over == ONE and other.constant is None:
            return _ratio(form, other)
    raise _unfit("this is no mean over prompts, and no ratio of two")


def _ratio(form: Form, other: Form) -> Form:
    first, second = form.sums[0], other.sums[0]
    if first.least < 0 or second.least < 0:
        raise _unfit("a ratio is certified of what is nowhere below 0", "compare without dividing: `a - 0.8 * b >= 0`")
    return Form((first,), over=second)


def _sum(form: Form, other: Form) -> Form:
    if form.over != ONE or other.over != ONE:
        raise _unfit("a ratio is certified by itself", "certify the ratio alone, or write it without dividing")
    if form.ends and other.ends:
        raise _unfit("one number is the smallest or largest of some, not two", "certify each by itself")
    return Form(tuple(_added([one, two]) for one in form.sums for two in other.sums), form.ends or other.ends)


def _times(form: Form, factor: float) -> Form:
    ends = {"smallest": "largest", "largest": "smallest", "": ""}[form.ends] if factor < 0 else form.ends
    if factor < 0 and form.over != ONE:
        raise _unfit("a ratio is certified of what is nowhere below 0", "turn the comparison instead of the sign")
    return evolve(form, sums=tuple(_multiple(one, factor) for one in form.sums), ends=ends)


def _multiple(one: Linear, factor: float) -> Linear:
    ends = sorted((factor * one.least, factor * one.most))
    terms = tuple((factor * each, cell) for each, cell in one.terms)
    return Linear(terms if factor else (), factor * one.constant, ends[0], ends[1])


def _added(several: Sequence[Linear]) -> Linear:
    """Cells that stand in several are put together."""
    factors: dict[CellOf, float] = {}
    for one in several:
        for factor, cell in one.terms:
            factors[cell] = factors.get(cell, 0.0) + factor
    terms = tuple((factor, cell) for cell, factor in factors.items() if factor)
    constant = sum(one.constant for one in several)
    least, most = sum(one.least for one in several), sum(one.most for one in several)
    return Linear(terms, constant, least, most)


def _unfit(message: str, help: str = f"certify {MEANS}") -> Refused:
    return Refused("E644", message, "", help)


def _of_all(ends: str) -> str:
    return f"claim of all: `{ends}(M) {'>=' if ends == 'smallest' else '<='} ...`"


# --- fresh prompts -----------------------------------------------------------------------------------------------


def _cells(parts: Iterable[Part], spec: Spec) -> tuple[FreshCell, ...]:
    """All cells of some parts, each once, as they are measured."""
    named = dict.fromkeys(cell for part in parts for cell in part.cells)
    found = []
    for cell in named:
        measure = spec.measures[cell.measure]
        found.append(FreshCell(cell, measure.metric, next(one for one in measure.cells if one.labels == cell.labels)))
    return tuple(found)


def _left(cells: Sequence[FreshCell], most: int, allotments: Mapping[Table, Allotment]) -> tuple[int, str]:
    """How many fresh prompts the rows of files are enough for, if not for `most`, and the file that has not more.
    Raises Refused where there is not one."""
    fewest, rows = most, ""
    for one in cells:
        _no_rows_beside(one)
        for table, each in rows_of(one.spec.population).items():
            allotment = allotments.get(table, NONE)
            enough = allotment.left(CERTIFY, len(table)) // (each * one.spec.draws) if len(table) else most
            if enough < fewest:
                fewest, rows = enough, table.name
    if fewest < 1:
        raise Refused(
            "E647",
            f"no row of `{rows}` is left that could be a fresh prompt",
            "the measures and what else the spec does take all of them",
            "measure on fewer prompts: what a claim is certified on, nothing else was seen on",
        )
    return fewest, rows


def _no_rows_beside(one: FreshCell) -> None:
    """Raises Refused where a source draws rows of a file for each fresh prompt."""
    sources = (act.source for act in one.spec.intervention.acts if isinstance(act, SetAct))
    drawn = (population for source in sources for population, _ in drawn_by(fresh(source, 1), one.spec.population, 1))
    taken = next((population for population in drawn if population.purpose == PARTNER and rows_of(population)), None)
    if taken is not None:
        raise Refused(
            "E644",
            "each fresh prompt would take a row of a file for what is set in it, beside its own",
            f"`{one.spec.intervention.label}` takes them from `{taken.label}`",
            "patch from an alternate, or set to a mean",
        )


def _fresh(spec: CellSpec, most: int) -> CellSpec:
    """A cell on fresh prompts."""
    acts = tuple(_fresh_act(act, spec.population.count or most) for act in spec.intervention.acts)
    population = evolve(spec.population, purpose=CERTIFY, count=most)
    return evolve(spec, population=population, intervention=evolve(spec.intervention, acts=acts))


def _fresh_act(act: Act, measured: int) -> Act:
    return evolve(act, source=fresh(act.source, measured)) if isinstance(act, SetAct) else act
