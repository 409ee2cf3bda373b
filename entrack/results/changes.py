"""What differs between the results of two runs of a spec: numbers, verdicts, and which sites are kept."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

from entrack.frozen import frozen
from entrack.results.claims import Claim
from entrack.results.values import Cell, Measure
from entrack.results.whole import Results
from entrack.sites import Site

Key = TypeVar("Key", bound=Hashable)
Found = TypeVar("Found")


@frozen
class CellChange:
    """A cell whose value, n or interval is another. `before` or `after` is None where it is new, or gone; `measure` is
    the one that it stands in, or stood in."""

    measure: Measure
    labels: tuple[str, ...]
    before: Cell | None
    after: Cell | None


@frozen
class ClaimChange:
    """A claim that came to another value or verdict, is held against another bound, is new, or is gone."""

    text: str
    before: Claim | None
    after: Claim | None

    @property
    def turned(self) -> bool:
        """Whether it holds now and did not, or the other way round."""
        return self.before is not None and self.after is not None and self.before.verdict != self.after.verdict


@frozen
class KeptChange:
    """What a group of a discovery, or a mask, takes now and did not (`came`), and the other way round (`went`)."""

    of: str
    came: tuple[Site, ...]
    went: tuple[Site, ...]


@frozen
class Changes:
    """All differences, in the order of the spec; what is gone comes after what is there."""

    cells: tuple[CellChange, ...]
    claims: tuple[ClaimChange, ...]
    kept: tuple[KeptChange, ...]

    def __bool__(self) -> bool:
        return bool(self.cells or self.claims or self.kept)


def changes(before: Results, after: Results) -> Changes:
    """What is otherwise in the later of two results."""
    measures = {measure.name: measure for measure in (*before.measures, *after.measures)}
    cells = (
        CellChange(measures[name], labels, one, other)
        for (name, labels), one, other in _pairs(_cells(before), _cells(after))
        if _said(one) != _said(other)
    )
    claims = (
        ClaimChange(text, one, other)
        for (text, _), one, other in _pairs(_claims(before), _claims(after))
        if _held(one) != _held(other)
    )
    kept = (
        KeptChange(of, _without(other or (), one or ()), _without(one or (), other or ()))
        for of, one, other in _pairs(_kept(before), _kept(after))
        if set(one or ()) != set(other or ())
    )
    return Changes(tuple(cells), tuple(claims), tuple(kept))


def _pairs(before: Mapping[Key, Found], after: Mapping[Key, Found]) -> Iterable[tuple[Key, Found | None, Found | None]]:
    return ((key, before.get(key), after.get(key)) for key in dict.fromkeys((*after, *before)))


def _cells(results: Results) -> dict[tuple[str, tuple[str, ...]], Cell]:
    return {(measure.name, cell.labels): cell for measure in results.measures for cell in measure.cells}


def _claims(results: Results) -> dict[tuple[str, int], Claim]:
    """Claims by their sentences; of several with one sentence each has its number."""
    texts = [claim.text for claim in results.claims]
    return {(claim.text, texts[:place].count(claim.text)): claim for place, claim in enumerate(results.claims)}


def _kept(results: Results) -> dict[str, tuple[Site, ...]]:
    groups = {f"{found.name}.{group.name}": group.sites for found in results.discoveries for group in found.groups}
    masks = {f"{mask.name}[{mask.group}, {mask.desideratum}]": mask.sites for mask in results.masks}
    return {**groups, **masks}


def _said(cell: Cell | None) -> str:
    """What is compared of a cell: as text, since what is not a number is no other than itself."""
    return "" if cell is None else repr((cell.value, cell.n, cell.interval, cell.sd))


def _held(claim: Claim | None) -> str:
    if claim is None:
        return ""
    return repr((claim.value, claim.verdict, claim.relation, claim.bound, claim.tolerance, claim.interval))


def _without(sites: tuple[Site, ...], others: tuple[Site, ...]) -> tuple[Site, ...]:
    return tuple(site for site in sites if site not in others)
