"""Limits: what a spec may ask for, all in one table, and the budget of work that each command has.

A limit of size is looked at where a thing is read. A limit of work is counted where the work is done, over a whole
command, whatever asks for it: `spend(DRAWN, 7)`. Counts are of what is done, never of time, so a spec that is refused
here is refused on every machine.

The budget of a command is started by whoever begins one (`within`), and found through a context variable, because work
is done many calls below, in functions of values that should not carry a counter. Outside of `within` nothing is
counted. `Spent` ends the work; `check`, `lower` and `format` turn it into one diagnostic (E707) that names the limit.

A plan draws all prompts where `check` draws a sample, so it may do more (`planned`). Where it goes beyond what `check`
may, it says so once, by `tell`: that is how a long plan is told from one that hangs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from attrs import define, field

from entrack.frozen import frozen
from entrack.source import NOWHERE, Span


@frozen(eq=False)
class Limit:
    """At most `most` of what `name` says, in the plural; the diagnostic is `code`, and `help` says what to do.

    `planned` is what a plan or a run may do, 0 for a limit of size.
    """

    name: str
    most: int
    code: str
    help: str = ""
    planned: int = 0

    @property
    def of_work(self) -> bool:
        return self.planned > 0


# Sizes: of a file, of a thing in it.
CHARACTERS = Limit("characters of a file, included or not", 1 << 20, "E701")
PIECES = Limit("words, numbers and signs of a file", 1 << 15, "E701")
DIGITS = Limit("digits of a number", 18, "E702")
TEXT = Limit("characters of a text, and of a prompt when its holes are filled", 1 << 16, "E703")
HOLES = Limit("holes of a text, with those of the texts in it", 1 << 12, "E703")
DEPTH = Limit("brackets in brackets, and signs in a row", 64, "E704")
SWEEP = Limit("values of a sweep", 10_000, "E705")
CELLS = Limit("cells of a measure, with draws", 100_000, "E705")
LINES = Limit("lines of a task, an alternate or a desideratum", 256, "E706")
HOPS = Limit("hops of a discovery", 256, "E706")
GROUPS = Limit("groups of a circuit", 2048, "E706")
NAME = Limit("letters of a name", 200, "E708")
DRAWS = Limit("draws of a measure", 1000, "E304")
DRAWN_AT_ONCE = Limit("values drawn at once", 1000, "E304")
PROMPTS = Limit("prompts in one set", 100_000, "E304")
POOL = Limit("values from one number to another, drawn from", 100_000, "E403")
TRIES = Limit("tries to draw an alternate whose constraints hold", 1000, "E422")
FILES = Limit("included files", 256, "E216")
FILES_DEEP = Limit("files that include one another in turn", 32, "E216")
FILE_BYTES = Limit("bytes of a column's or circuit's file", 1 << 24, "E212")
ROWS = Limit("rows of a column that are read", 100_000, "E213")
COLUMNS = Limit("columns of a table", 1000, "E213")
CELLS_READ = Limit("cells of a table", 1 << 22, "E213")
LIST_HEADS = Limit("heads of a group", 1 << 16, "E214")

# Work: over a whole command.
READ = Limit(
    "words, numbers and signs of all files together", 1 << 16, "E707", "include fewer or shorter files", 1 << 16
)
NAMED_FILES = Limit("files that are looked for", 4096, "E707", "name each file once", 4096)
DATA = Limit(
    "bytes of columns and circuits that are read",
    1 << 25,
    "E707",
    "keep only what the spec needs in its files",
    1 << 25,
)
SEARCHED = Limit(
    "characters of tables that are searched for a column",
    1 << 26,
    "E707",
    "put columns that are used together into a smaller file",
    1 << 26,
)
LOOKED_AT = Limit(
    "lines of tasks that are gone through for their alternates, measures and positions",
    400_000,
    "E707",
    "declare fewer alternates, or shorter tasks",
    400_000,
)
HEADS = Limit(
    "heads of groups, in all circuits and interventions together",
    250_000,
    "E707",
    "name fewer groups at once, or fewer heads",
    250_000,
)
EXPANDED = Limit(
    "parts of interventions, in all turns of loops and all arguments",
    400_000,
    "E707",
    "loop over fewer values, or name fewer interventions",
    400_000,
)
ALL_CELLS = Limit(
    "cells of all measures, and sets of prompts in their sweeps",
    150_000,
    "E707",
    "sweep over fewer values, or make several specs of it",
    150_000,
)
CELLS_SEEN = Limit(
    "cells that are looked at for claims", 1_000_000, "E707", "name one label of each axis in a claim", 1_000_000
)
PROBLEMS = Limit("problems", 10_000, "E707", "correct those that are shown first", 10_000)
MADE = Limit(
    "values drawn and holes filled",
    600_000,
    "E707",
    "draw fewer values, fill fewer holes, or loosen the constraints of alternates",
    100_000_000,
)
POOLED = Limit(
    "values of pools that are gone through",
    50_000_000,
    "E707",
    "draw from shorter columns and lists, or from a range",
    1_000_000_000,
)
RENDERED = Limit(
    "characters of texts that are made",
    200_000_000,
    "E707",
    "write shorter texts, and fewer of them into one another",
    2_000_000_000,
)
ENCODED = Limit(
    "characters that tokenizers read",
    10_000_000,
    "E707",
    "write shorter prompts, or name fewer single words in a task",
    1_000_000_000,
)
REALISED = Limit(
    "prompts that are drawn, alternates counted too",
    8_000,
    "E707",
    "ask for fewer prompts, fewer draws, or fewer seeds",
    500_000,
)
FOLLOWED = Limit(
    "words of lists, and whole words, that are put after prompts",
    400_000,
    "E707",
    "measure shorter lists of words, or on fewer prompts",
    4_000_000,
)
STEPS = Limit(
    "steps that are asked for",
    25_000,
    "E707",
    "measure fewer cells, remove fewer heads, or make several specs of it",
    500_000,
)
STEP_PARTS = Limit(
    "positions and heads of steps", 3_000_000, "E707", "let fewer groups be kept or set at once", 100_000_000
)
WRITTEN = Limit("characters that are written", 1 << 23, "E707", "split the file and `include` the parts", 1 << 23)

# These end no work: where one is spent, something is left out.
COMPARED = Limit("letters compared to find a near name", 1_000_000, "", "", 1_000_000)
"""Messages say no near name any more."""
READ_AGAIN = Limit("words, numbers and signs read again to find where mistakes end", 1 << 16, "", "", 1 << 16)
"""Only the mistakes that were found so far are shown."""

LIMITS = tuple(value for value in list(globals().values()) if isinstance(value, Limit))


class Spent(Exception):
    """A limit of work is spent; `at` is the part of the spec that was being worked on."""

    def __init__(self, limit: Limit, most: int, at: Span) -> None:
        super().__init__(f"{limit.name}: {most:,}")
        self.limit, self.most, self.at = limit, most, at


@define
class Budget:
    """What a command has done so far. `tell` hears of the first limit that a plan passes which `check` would stop
    at."""

    planning: bool = False
    tell: Callable[[Limit], None] = lambda limit: None
    at: Span = NOWHERE
    spent: dict[Limit, int] = field(factory=dict)
    told: bool = False

    def over(self, limit: Limit, total: int) -> None:
        """That a limit which `check` has is passed. Raises Spent where a plan may not pass it either."""
        most = limit.planned if self.planning else limit.most
        if total > most:
            raise Spent(limit, most, self.at)
        if not self.told:
            self.told = True
            self.tell(limit)


_running: ContextVar[Budget | None] = ContextVar("budget", default=None)


@contextmanager
def within(tell: Callable[[Limit], None] = lambda limit: None, *, planning: bool = False) -> Iterator[Budget]:
    """Count what is done in the block, for a command that begins here; a command inside another is part of it."""
    outer = _running.get()
    if outer is not None:
        yield outer
        return
    token = _running.set(Budget(planning, tell))
    try:
        yield _running.get() or Budget()
    finally:
        _running.reset(token)


def spend(limit: Limit, many: int = 1) -> None:
    """Count work that is about to be done. Raises Spent when it is more than the command may do."""
    budget = _running.get()
    if budget is not None:
        spent = budget.spent
        spent[limit] = total = spent.get(limit, 0) + many
        if total > (limit.planned if budget.told else limit.most):  # once told, a plan has only its own limits to pass
            budget.over(limit, total)


def affords(limit: Limit, many: int) -> bool:
    """The same for work that may be left out: whether it may be done."""
    budget = _running.get()
    if budget is None:
        return True
    total = budget.spent.get(limit, 0) + many
    if total > limit.most:
        return False
    budget.spent[limit] = total
    return True


def afford_all(many: Mapping[Limit, int]) -> bool:
    """Count work that was done before, as it was counted then, unless it comes to a limit: then none is counted, and
    it is to be done again, which tells where. Whether it may be left undone."""
    budget = _running.get()
    if budget is None:
        return True
    totals = {limit: budget.spent.get(limit, 0) + more for limit, more in many.items()}
    if any(
        total > (limit.planned if budget.planning and budget.told else limit.most) for limit, total in totals.items()
    ):
        return False
    budget.spent.update(totals)
    return True


def since(before: Mapping[Limit, int]) -> dict[Limit, int]:
    """What the command has done since then."""
    return {limit: total - before.get(limit, 0) for limit, total in so_far().items() if total != before.get(limit, 0)}


@contextmanager
def uncounted() -> Iterator[None]:
    """Do work that has been counted already."""
    token = _running.set(None)
    try:
        yield
    finally:
        _running.reset(token)


def times_over(before: Mapping[Limit, int], share: float) -> int:
    """How many times what was done since `before` may be done again, so that this share of no limit of work is
    passed."""
    budget = _running.get()
    if budget is None:
        return 1 << 20
    left = (
        (share * limit.most - total) / (total - before.get(limit, 0))
        for limit, total in budget.spent.items()
        if total > before.get(limit, 0)
    )
    return max(0, int(min(left, default=1 << 20)))


def so_far() -> Mapping[Limit, int]:
    """What the command has done."""
    budget = _running.get()
    return dict(budget.spent) if budget is not None else {}


def work_on(span: Span) -> None:
    """That this part of the spec is worked on: a diagnostic points at it."""
    budget = _running.get()
    if budget is not None:
        budget.at = span
