"""What is tested of every family: parts, acts and positions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine_models import SPREAD

from entrack.families import FAMILIES
from entrack.families.base import Family
from entrack.plan.steps import Position, Spans
from entrack.sites import PER_HEAD, Part

PARTS = tuple(part for part in Part if part is not Part.NORMED)
"""Parts that a spec can name."""
ACTS: Mapping[str, str] = {"set": "S", "add": "A", "scale": "C", "project out": "P"}
"""And the letters that stand for them in the table."""
SPAN = Spans(tuple((first - 1, first, first + 1) for first in SPREAD))
POSITIONS: Mapping[str, Position] = {"token": SPREAD, "span": SPAN, "every token": None}
FACTOR = -1.75


SITES: Mapping[Part, str] = {
    Part.RESIDUAL: "`residual.3`",
    Part.MID: "`residual.3.mid`",
    Part.POST: "`residual.3.post`",
    Part.ATTENTION: "`attention.3`",
    Part.MLP: "`mlp.3`",
    Part.NEURON: "`neuron.3.102`",
    Part.OUTPUT: "`3.1`",
    Part.QUERY: "`3.1.query`",
    Part.KEY: "`3.1.key`",
    Part.VALUE: "`3.1.value`",
}
"""How sites of each part are written."""


def table() -> str:
    """Families by sites, in Markdown: the acts that are tested."""
    return "\n".join(_rows())


def _rows() -> Iterator[str]:
    yield f"| `model_type` | {' | '.join(SITES.values())} |"
    yield f"|---|{'---|' * len(SITES)}"
    for name, family in sorted(FAMILIES.items()):
        yield f"| `{name}` | {' | '.join(_cell(family, part) for part in SITES)} |"


def _cell(family: Family, part: Part) -> str:
    if part not in family.parts:
        return "-"
    acts = " ".join(letter for act, letter in ACTS.items() if part in acts_on(act))
    return f"{acts} (not where blocks are parallel)" if family.words.parallel and part is Part.MID else acts


def acts_on(act: str) -> tuple[Part, ...]:
    """The parts that an act changes."""
    narrow = (*PER_HEAD, Part.NEURON)
    return tuple(part for part in PARTS if act != "project out" or part not in narrow)
