"""What a run found, part by part: frozen values with units, axes, intervals and where they came from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from math import nan
from typing import Any

from attrs import field

from entrack.arguments import text
from entrack.errors import UnknownName, unknown
from entrack.frozen import frozen
from entrack.labels import told_apart
from entrack.results.drawing import painter
from entrack.results.interval import Interval as Interval
from entrack.results.text_table import Row, Tabular, TextTable
from entrack.sites import Part, Site


@frozen
class Axis:
    """One way in which the cells of a measure differ: its name (model, intervention, prompts, ...) and its labels in
    order. `over` is what the labels of a loop are: `layers`, `heads`, `neurons`, `tokens` or `positions`. Where these
    are numbers of tokens, `tokens` are the texts of these in the first prompt."""

    name: str
    labels: tuple[str, ...]
    tokens: tuple[str, ...] = ()
    over: str = ""


@frozen
class Cell:
    """One number of a measure. `labels` has one label per axis. `outcomes` are the per-prompt values that `value` was
    made of.

    `interval` says how `value` would vary with other prompts and, where there are several draws, with other draws, of
    which `interval_of_these_draws` says nothing: it is for the prompts of such draws as these. Both are None where
    there are no prompts (an overlap of circuits: `n` is then a number of heads). `sd` is over draws, where there are
    several, or over sets of removed heads; `draws` are the values draw by draw, or set by set, and `draw_intervals` the
    intervals of these, where they have some. `ranges`, of a recovery, are how far the clean run of each prompt lies
    from its corrupted one, over the mean of these. `random`, of an intervention with random circuits, are their groups
    draw by draw, each with its sites.
    """

    labels: tuple[str, ...]
    value: float
    n: int
    interval: Interval | None
    outcomes: tuple[float, ...] = field(repr=False)
    sd: float | None = None
    draws: tuple[float, ...] = ()
    address: str = ""
    ranges: tuple[float, ...] = field(default=(), repr=False)
    interval_of_these_draws: Interval | None = None
    draw_intervals: tuple[Interval, ...] = ()
    random: tuple[tuple[tuple[str, tuple[Site, ...]], ...], ...] = field(default=(), repr=False)

    def to_numpy(self) -> Any:
        """The per-prompt outcomes as an array (prompt) of float64; empty where there are none."""
        return array(self.outcomes)


@frozen
class Measure(Tabular):
    """A grid of cells. `metric` is accuracy, probability, logit difference, ...; `unit` says how to read the values:
    fraction of prompts, probability, logits, ... Each cell has one label of each axis."""

    name: str
    metric: str
    unit: str
    axes: tuple[Axis, ...]
    cells: tuple[Cell, ...]

    def __repr__(self) -> str:
        return f"<Measure {plain(self.name)}: {plain(self.metric)}, {len(self.cells):,} cells>"

    def cell(self, *labels: str) -> Cell:
        """The one cell that carries all these labels. Raises UnknownName when none or several do."""
        known = [label for axis in self.axes for label in axis.labels]
        for label in labels:
            if text(label, "a label") not in known:
                raise unknown(f"no cell of {self.name} has the label", label, known)
        carrying = [cell.labels for cell in self.cells if all(label in cell.labels for label in labels)]
        chosen = set(told_apart(carrying, labels))
        hits = [cell for cell in self.cells if cell.labels in chosen]
        if len(hits) != 1:
            said = ", ".join(labels) or "no label asked for, so all"
            raise UnknownName(f"{len(hits)} cells of {self.name} carry {said}; axes: {self._axes()}")
        return hits[0]

    def records(self) -> list[dict[str, Any]]:
        """One flat record a cell, for a data frame. An axis that is called as another column is `axis n`."""
        names = [f"axis {axis.name}" if axis.name in NUMBERS else axis.name for axis in self.axes]
        return [
            {
                "measure": self.name,
                **dict(zip(names, cell.labels, strict=True)),
                "value": cell.value,
                "n": cell.n,
                "low": cell.interval.low if cell.interval else None,
                "high": cell.interval.high if cell.interval else None,
                "sd": cell.sd,
            }
            for cell in self.cells
        ]

    def text_table(self) -> TextTable:
        """A row a cell: its labels, `value`, `low`, `high`, `n` and, where there are draws, `sd`."""
        left_out = {"measure"} if any(cell.sd is not None for cell in self.cells) else {"measure", "sd"}
        rows = ({name: entry for name, entry in record.items() if name not in left_out} for record in self.records())
        unit = f" ({self.unit})" if self.unit and self.unit != self.metric else ""
        brackets = ["95 % intervals in brackets"] if any(cell.interval for cell in self.cells) else []
        return TextTable(self.name, "; ".join([f"{self.metric}{unit}", *brackets]), tuple(map(in_order, rows)))

    def to_pandas(self) -> Any:
        """The cells as a pandas data frame. Raises ImportError, saying what to install, where pandas is not there."""
        return frame(self.records())

    def to_numpy(self) -> Any:
        """The values as an array of float64 with a dimension for each of `axes`, as long as its labels and in their
        order; nan where there is no cell."""
        values = {cell.labels: cell.value for cell in self.cells}
        return array([values.get(labels) for labels in product(*(axis.labels for axis in self.axes))]).reshape(
            [len(axis.labels) for axis in self.axes]
        )

    def plot(
        self,
        ax: Any = None,
        *,
        kind: str | None = None,
        by: str | None = None,
        coloured: str | None = None,
        error: str = "interval",
        width: str | None = None,
    ) -> Any:
        """Draw the measure with matplotlib, and give its Axes; several where there are several panels.

        `ax` are the axes to draw into, one for each panel; None for a figure of its own, which a notebook shows, in the
        looks of `entrack run --out` and of a `width`: single, text, double or slide. `kind` is bars, curves, heatmap or
        scatter, None for what suits the measure; `by` is the axis along x, `coloured` that of the colours, `error`
        interval, sd or none. Raises ArgumentError, and ImportError where matplotlib is not there.
        """
        return painter().plot(self, ax, kind, by, coloured, error, width)

    def _axes(self) -> str:
        return "; ".join(f"{axis.name}: {', '.join(axis.labels)}" for axis in self.axes)


@frozen
class Mask:
    """A mask learned over a group for one desideratum. `values` are the masks of `over`, 0 to 1; `sites` those it
    patches (rounded to 0). It is the mask after `step` steps of Adam, whose accuracy on the `n` validation prompts is
    `validation`."""

    name: str
    model: str
    group: str
    desideratum: str
    position: str
    over: tuple[Site, ...]
    values: tuple[float, ...]
    sites: tuple[Site, ...]
    step: int
    validation: float
    n: int
    address: str = ""

    def __repr__(self) -> str:
        patched = f"{len(self.sites):,} of {len(self.over):,} patched"
        return f"<Mask {plain(self.name)}: {plain(self.group)} for {plain(self.desideratum)}, {patched}>"

    @property
    def heads(self) -> tuple[Site, ...]:
        """Of the sites that it patches, those that are heads."""
        return heads_among(self.sites)

    def heatmap(self, ax: Any = None, *, width: str | None = None) -> Any:
        """Draw the mask of heads with matplotlib, layer by head, and give its Axes. `ax` and `width` are as of
        `Measure.plot`. Raises ArgumentError, and ImportError where matplotlib is not there."""
        return painter().mask_heatmap(self, ax, width)

    def records(self) -> list[dict[str, Any]]:
        """One flat record a site that the mask is over; `head` is None where it is no head."""
        return [
            {
                "mask": self.name,
                "group": self.group,
                "desideratum": self.desideratum,
                "site": str(site),
                "layer": site.layer,
                "head": site.index,
                "value": value,
                "patched": site in self.sites,
            }
            for site, value in zip(self.over, self.values, strict=True)
        ]

    def to_pandas(self) -> Any:
        """The mask of every site as a pandas data frame."""
        return frame(self.records())


class Masks(tuple[Mask, ...]):
    """All masks of a run, in the order of the spec."""

    __slots__ = ()

    def to_pandas(self) -> Any:
        """The masks of all their sites as one pandas data frame."""
        return frame([record for mask in self for record in mask.records()])


@frozen
class Figure:
    """A figure that the spec asks for: `kind` (bars, curves, heatmap, diagram, scatter) of the result `of`, with its
    options."""

    title: str
    kind: str
    of: str
    options: Mapping[str, str] = field(factory=dict)


@frozen
class Table:
    """A table that the spec asks for."""

    title: str
    of: str


NUMBERS = ("measure", "value", "low", "high", "n", "sd")
"""Columns of a measure that are no axes."""


def in_order(record: Mapping[str, Any]) -> Row:
    """A record with its interval beside its value."""
    last = ("n", "sd")
    return {name: entry for name, entry in record.items() if name not in last} | {
        name: record[name] for name in last if name in record
    }


def masks_table(masks: tuple[Mask, ...]) -> TextTable:
    """A row a mask of one name: `value` is its accuracy on the validation prompts."""
    rows: tuple[Row, ...] = tuple(
        {
            "group": mask.group,
            "position": mask.position,
            "desideratum": mask.desideratum,
            "value": mask.validation,
            "n": mask.n,
            "patched": len(mask.sites),
            "of": len(mask.over),
            "sites": " ".join(map(str, mask.sites)),
        }
        for mask in masks
    )
    return TextTable(masks[0].name, f"masks learned in {masks[0].model}; accuracy on validation prompts", rows)


def plain(text: str) -> str:
    """A text in one line, with escapes for what nobody sees."""
    return repr(text)[1:-1]


def heads_among(sites: tuple[Site, ...]) -> tuple[Site, ...]:
    """Of sites, those that are heads."""
    return tuple(site for site in sites if site.part is Part.OUTPUT)


def array(values: Iterable[float | None]) -> Any:
    """Numbers as an array of float64 in one dimension; nan for what has none."""
    import numpy

    return numpy.array([nan if value is None else value for value in values], dtype=numpy.float64)


def frame(records: list[dict[str, Any]]) -> Any:
    """Flat records as a pandas data frame. Raises ImportError, saying what to install, where pandas is not there."""
    try:
        import pandas
    except ImportError:
        raise ImportError("to_pandas needs pandas: pip install pandas") from None
    return pandas.DataFrame(records)
