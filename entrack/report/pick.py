"""Pick: from the name that a figure or table gives (`table_2`, `cir`, `cir.value_fetcher`) to what it shows."""

from __future__ import annotations

from attrs import evolve

from entrack.results import Axis, Cell, Discovery, Group, Measure, Results
from entrack.sites import Head


def pick(of: str, results: Results) -> Measure | Discovery:
    """What is called `of`; `discovery.group` is that discovery with this one group. Raises KeyError."""
    owner, dot, group = of.rpartition(".")
    if not dot or any(item.name == of for item in results):
        return results[of]
    found = results[owner]
    if isinstance(found, Measure):
        raise KeyError(f"{owner!r} is a measure and has no group {group!r}")
    groups = tuple(each for each in found.groups if each.name == group)
    if not groups:
        raise KeyError(f"the discovery {owner!r} has no group {group!r}")
    return evolve(found, groups=groups)


def free_axes(measure: Measure) -> tuple[Axis, ...]:
    """The axes along which the cells differ."""
    return tuple(axis for axis in measure.axes if len(axis.labels) > 1)


def fixed_labels(measure: Measure) -> tuple[tuple[str, str], ...]:
    """Axis and label where there is only one."""
    return tuple((axis.name, axis.labels[0]) for axis in measure.axes if len(axis.labels) == 1)


def head_score(group: Group, head: Head) -> float | None:
    """A head's mean score, where the heads of this group were scored."""
    return group.scores[head.layer][head.head] if group.scores else None


def ranked(group: Group) -> tuple[Head, ...]:
    """The heads kept, lowest score first; ties by layer and head."""
    return tuple(sorted(group.heads, key=lambda head: (head_score(group, head) or 0.0, head)))


def receiver_words(group: Group) -> str:
    """`logits`, or `position_detector.key, .value`: a receiver is named once."""
    words: list[str] = []
    before = ""
    for receiver in group.receivers:
        target, _, component = receiver.rpartition(".")
        words.append(f".{component}" if target and target == before else receiver)
        before = target
    return ", ".join(words)


def kept_scores(discovery: Discovery) -> Measure:
    """The scores of the heads kept, as a measure: an axis of groups and one of heads."""
    cells = tuple(
        Cell((group.name, str(head)), head_score(group, head) or 0.0, discovery.n, interval, ())
        for group in discovery.groups
        for head, interval in sorted(zip(group.heads, group.intervals, strict=True))
    )
    heads = {cell.labels[1]: None for cell in cells}
    axes = (Axis("group", tuple(group.name for group in discovery.groups)), Axis("head", tuple(heads)))
    return Measure(discovery.name, discovery.score, discovery.score, axes, cells)
