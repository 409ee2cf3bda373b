"""A whole discovery, from its four hops: what each takes in its sampled layers, times all its layers, and clean runs
once.

Where all layers were run this is a sum of what was measured; where they were sampled it is an estimate, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.records import Ratio, Record, ratios
from benchmarks.tasks import PathPatch, Size

WORK = "discovery"
WHO = ("ours", "floor", "plain")


def discovery(size: Size, hops: Sequence[PathPatch], records: Sequence[Mapping[str, Any]]) -> list[Record]:
    """Records of a discovery, where all hops have been measured by all of `WHO`."""
    by = {(one["work"], one["who"]): one for one in records if one["size"] == size.name}
    if not all((hop.row, who) in by for hop in hops for who in WHO):
        return []
    rounds = {who: _rounds(size, hops, [by[hop.row, who] for hop in hops]) for who in WHO}
    idle = sum(size.heads * hop.zeros * by[hop.row, "plain"]["seconds"] / by[hop.row, "plain"]["units"] for hop in hops)
    return [_record(size, hops, who, rounds, idle, by[hops[0].row, who]) for who in WHO]


def _rounds(size: Size, hops: Sequence[PathPatch], of: Sequence[Mapping[str, Any]]) -> list[float]:
    """Seconds by round."""
    scales = [senders(size, hop) / one["units"] for hop, one in zip(hops, of, strict=True)]
    captures = [
        one["prepare_seconds"]
        for one, hop in zip(of, hops, strict=True)
        if hop.at not in [other.at for other in hops[: hops.index(hop)]]
    ]
    clean = max(0.0, max(one["first_seconds"] - median(one["rounds"]) for one in of))
    by_round = zip(*(one["rounds"] for one in of), strict=True)
    return [
        sum(captures) + clean + sum(scale * seconds for scale, seconds in zip(scales, turn, strict=True))
        for turn in by_round
    ]


def senders(size: Size, hop: PathPatch) -> int:
    """All heads of the layers that can reach a receiver."""
    return size.heads * (size.layers - hop.zeros)


def _record(
    size: Size,
    hops: Sequence[PathPatch],
    who: str,
    rounds: Mapping[str, list[float]],
    idle: float,
    like: Mapping[str, Any],
) -> Record:
    """`idle` are the seconds that `plain` would spend on layers that cannot reach a receiver."""
    own = rounds[who]
    whole = all(len(hop.layers) == size.layers - hop.zeros for hop in hops) and (
        who != "plain" or len(hops[0].heads) == size.heads
    )
    words = "the four hops, added up, clean runs and captures of alternates once"
    return Record(
        work=WORK,
        who=who,
        size=size.name,
        sample=words
        if whole
        else f"ESTIMATED: {words}, each hop's sampled senders scaled to all that can reach a receiver; not run in full",
        units=sum(senders(size, hop) for hop in hops),
        seconds=median(own),
        **ratios(own, _ratio(rounds["plain"], own), _ratio(own, rounds["floor"])),
        counting_zeros=(median(rounds["plain"]) + idle) / median(own) if who != "plain" else None,
        rounds=own,
        machine=dict(like["machine"]),
        versions=dict(like["versions"]),
    )


def _ratio(slow: list[float], fast: list[float]) -> Ratio:
    return Ratio.of(a / b for a, b in zip(slow, fast, strict=True))
