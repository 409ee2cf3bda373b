"""All that a run found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from attrs import field

from entrack.arguments import text
from entrack.errors import ArgumentError, unknown
from entrack.frozen import frozen
from entrack.results import as_json
from entrack.results.claims import Claims, claims_table
from entrack.results.discoveries import Discovery
from entrack.results.macros import numbers_tex
from entrack.results.provenance import Provenance
from entrack.results.text_table import TextTable
from entrack.results.values import Figure, Mask, Masks, Measure, Table, frame, masks_table, plain


@frozen
class Results:
    """Everything a run found, in the order of the spec."""

    title: str
    measures: tuple[Measure, ...]
    discoveries: tuple[Discovery, ...]
    masks: Masks = field(converter=Masks)
    claims: Claims = field(converter=Claims)
    figures: tuple[Figure, ...]
    tables: tuple[Table, ...]
    provenance: Provenance
    html: Callable[[Results], str] | None = field(default=None, kw_only=True, eq=False, repr=False)
    """How a notebook shows them (`report/html`, for what a run gives); None: as text."""

    def __repr__(self) -> str:
        names = ", ".join([plain(item.name) for item in self][:12])
        held = f"{sum(claim.passed for claim in self.claims):,} of {len(self.claims):,} claims hold"
        return f"<Results {self.title!r}: {names}{', ...' * (len([*self]) > 12)}; {held}>"

    def __getitem__(self, name: str) -> Measure | Discovery:
        """The measure or discovery of that name. Raises UnknownName."""
        text(name, "the name of a result")
        for found in self:
            if found.name == name:
                return found
        raise unknown("there is no measure or discovery", name, [found.name for found in self])

    def __iter__(self) -> Iterator[Measure | Discovery]:
        """Measures, then discoveries, in the order of the spec."""
        return iter((*self.measures, *self.discoveries))

    def mask(self, group: str, desideratum: str) -> Mask:
        """The mask over a group for a desideratum. Raises UnknownName, and ArgumentError where several masks have
        both."""
        groups = [mask.group for mask in self.masks]
        if text(group, "group") not in groups:
            raise unknown("there is no mask over", group, groups)
        of = [mask for mask in self.masks if mask.group == group]
        hits = [mask for mask in of if mask.desideratum == text(desideratum, "desideratum")]
        if not hits:
            raise unknown(f"there is no mask over {group} for", desideratum, [mask.desideratum for mask in of])
        if len({mask.name for mask in hits}) > 1:
            raise ArgumentError(
                f"{len(hits)} masks are over {group} for {desideratum}: {', '.join(mask.name for mask in hits)}; "
                "look through `masks`"
            )
        return hits[0]

    @property
    def passed(self) -> bool:
        """Whether every claim holds."""
        return all(claim.passed for claim in self.claims)

    def to_pandas(self) -> Any:
        """All cells of all measures as one pandas data frame."""
        return frame([record for measure in self.measures for record in measure.records()])

    def text_tables(self) -> tuple[TextTable, ...]:
        """Measures, discoveries, masks and claims as tables for CSV, LaTeX and Markdown."""
        masks = dict.fromkeys(mask.name for mask in self.masks)
        return (
            *(item.text_table() for item in self),
            *(masks_table(tuple(mask for mask in self.masks if mask.name == name)) for name in masks),
            *([claims_table(self.claims)] if self.claims else []),
        )

    def numbers_tex(self) -> str:
        r"""A `\newcommand` for every cell and claim, so that a paper's text holds the numbers of the run."""
        return numbers_tex(self)

    def to_json(self) -> dict[str, Any]:
        """The document of `run --json`; see docs/results.md."""
        return {
            "entrack_results": 1,
            "title": self.title,
            "measures": [as_json.measure_json(measure) for measure in self.measures],
            "discoveries": [as_json.discovery_json(discovery) for discovery in self.discoveries],
            "masks": [as_json.mask_json(mask) for mask in self.masks],
            "claims": [as_json.claim_json(claim) for claim in self.claims],
            "provenance": as_json.provenance_json(self.provenance),
        }

    def _repr_html_(self) -> str | None:
        return None if self.html is None else self.html(self)
