"""Results as tables of safe text, independent of whether a terminal or a browser shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve, frozen

from entrack.report.format import change_in, decimals_for, estimate, number, short, spread, visible
from entrack.report.lookup import bare, fixed_labels, free_axes, head_score, of_heads, pick, ranked, receiver_words
from entrack.results import Axis, Cell, Claim, Discovery, Group, Interval, Mask, Measure, Provenance, Results, Screen

WIDTH = 100
"""Columns that a table of a measure may take."""
PASS, FAIL = "✓ pass", "✗ FAIL"

Entry = str | tuple[str, ...]
"""What stands in a cell: text, or a list of short things to be set side by side."""


@frozen
class Grid:
    """A table as text, safe to show. `right` are the columns of numbers; `good` says, row by row, what passed."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Entry, ...], ...]
    caption: str
    right: frozenset[int] = frozenset()
    good: tuple[bool, ...] = ()


def grids(results: Results, width: int = WIDTH) -> tuple[Grid, ...]:
    """Every table: measures, then discoveries, under the spec's titles where it asks for them; then masks and
    claims."""
    wanted = [(table.title, pick(table.of, results)) for table in results.tables]
    asked = {item.name for _, item in wanted}
    every = [*wanted, *((item.name, item) for item in results if item.name not in asked)]
    order = [item.name for item in results]
    every.sort(key=lambda pair: order.index(pair[1].name))
    found = [
        measure_grid(item, title, width) if isinstance(item, Measure) else discovery_grid(item, title)
        for title, item in every
    ]
    masks = dict.fromkeys(mask.name for mask in results.masks)
    found += [masks_grid(tuple(mask for mask in results.masks if mask.name == name)) for name in masks]
    return (*found, *([claims_grid(results.claims)] if results.claims else []))


def measure_grid(measure: Measure, title: str = "", width: int = WIDTH) -> Grid:
    """Rows by columns where that fits into `width` and one n holds for all, or stands beside each; otherwise one row
    per cell."""
    alike = of_heads(measure) or len({cell.n for cell in measure.cells}) == 1
    for across in reversed(free_axes(measure)):
        grid = _crossed(measure, across)
        if len(free_axes(measure)) > 1 and alike and _width(grid) <= width:
            return evolve(grid, title=visible(title or measure.name))
    return evolve(_tidy(measure), title=visible(title or measure.name))


def discovery_grid(discovery: Discovery, title: str = "") -> Grid:
    """One row per group: where it stands, what it feeds, how many heads were scored, those kept with their scores."""
    rows = tuple((_group_words(group), _kept_words(group)) for group in discovery.groups)
    notes = [visible(f"{group.name}: {group.note}") for group in discovery.groups if group.note]
    also = [
        visible(f"{group.name}: {head} also scored low here, and stands in {other}")
        for group in discovery.groups
        for head, other in group.also
    ]
    words = (
        f"model: {discovery.model}; heads as layer.head, from 0, with their score "
        f"({change_in(discovery.score)}), mean over n = "
    )
    screens = [visible(f"{group.name}: {_screen_words(group.screen)}") for group in discovery.groups if group.screen]
    lines = [f"{visible(words)}{discovery.n} prompts", *screens, *notes, *also]
    return Grid(visible(title or discovery.name), ("group", "heads kept, lowest score first"), rows, "\n".join(lines))


def masks_grid(masks: tuple[Mask, ...]) -> Grid:
    """One row per group and desideratum of one mask: how many of how many heads it patches, how well, and which."""
    groups = list(dict.fromkeys(mask.group for mask in masks))
    ordered = sorted(masks, key=lambda mask: groups.index(mask.group))
    rows = tuple(
        (
            "" if mask.group == last else f"{visible(mask.group)}\n{visible(f'at {mask.position}')}",
            visible(mask.desideratum),
            f"{len(mask.heads)} of {len(mask.over)}",
            number(mask.validation, 2),
            tuple(str(head) for head in sorted(mask.heads)) or ("none",),
        )
        for mask, last in zip(ordered, ["", *(mask.group for mask in ordered)], strict=False)
    )
    models = ", ".join(dict.fromkeys(mask.model for mask in masks))
    words = (
        f"masks learned in {models}; accuracy on n = {spread(mask.n for mask in masks)} validation "
        "prompts, each mask at its best"
    )
    head = ("group", "desideratum", "patched", "accuracy", "heads patched, as layer.head")
    return Grid(visible(masks[0].name), head, rows, visible(words), frozenset({2, 3}))


def claims_grid(claims: tuple[Claim, ...]) -> Grid:
    """One row per claim: whether it holds, what was measured, what it was held against, what was published."""
    rows = tuple(
        (
            PASS if claim.passed else FAIL,
            visible(claim.text),
            f"{visible(claim.expression)} = {_measured(claim)}",
            bound_words(claim),
            "" if claim.published is None else number(claim.published, decimals_for([claim.interval])),
            str(claim.n or ""),
        )
        for claim in claims
    )
    held = sum(claim.passed for claim in claims)
    brackets = (
        "; 95 % intervals in brackets, by bootstrap over n prompts" if any(_interval(claim) for claim in claims) else ""
    )
    caption = f"{held} of {len(claims)} hold{brackets}"
    head = ("", "claim", "measured", "must be", "published", "n")
    return Grid("claims", head, rows, caption, frozenset({4, 5}), tuple(claim.passed for claim in claims))


def bound_words(claim: Claim) -> str:
    """`>= 0.95`, or `within 0.03 of 0.82`."""
    if claim.tolerance is None:
        return f"{visible(claim.relation)} {_plain(claim.bound)}"
    return f"{visible(claim.relation)} {_plain(claim.tolerance)} of {_plain(claim.bound)}"


def _measured(claim: Claim) -> str:
    """What a claim came to."""
    return _plain(claim.value) if claim.n == 0 else estimate(claim.value, _interval(claim), _telling(claim))


def _interval(claim: Claim) -> Interval | None:
    """What rests on heads alone has no interval: a number of them, or a share."""
    return None if claim.interval.low == claim.interval.high else claim.interval


def _telling(claim: Claim) -> int:
    """Decimals enough that 0.9496 is not shown as the 0.95 that it fails to reach."""
    tolerance = claim.tolerance or 0.0
    edges = [edge for edge in (claim.bound, claim.bound - tolerance, claim.bound + tolerance) if edge != claim.value]
    fewest = decimals_for([claim.interval])
    clear = (many for many in range(fewest, 7) if all(abs(claim.value - edge) >= 0.5 / 10**many for edge in edges))
    return next(clear, fewest)


def provenance_lines(provenance: Provenance) -> tuple[str, ...]:
    """Where the numbers came from, in a few lines."""
    changed = set(provenance.changed_params)
    params = ", ".join(
        f"{name} = {_plain(value)}{' (changed)' if name in changed else ''}"
        for name, value in provenance.params.items()
    )
    lines = [
        f"spec: {provenance.spec} {short(provenance.spec_address)}; language {provenance.language}; "
        f"entrack {provenance.entrack}; seed {provenance.seed}",
        *([f"params: {params}"] if params else []),
        *(f"model {name}: {_facts(facts)}" for name, facts in provenance.models.items()),
        _steps(provenance),
        *(f"computed with: {_facts(entry)}" for entry in provenance.realised),
        *(f"reused: {_reused(entry)}" for entry in provenance.reused),
        *([f"tolerance: {provenance.tolerance}"] if provenance.tolerance else []),
    ]
    return tuple(visible(line) for line in lines)


def _reused(entry: Mapping[str, Any]) -> str:
    """Where values came from that were not made as this run makes them."""
    days = dict.fromkeys(str(entry[name])[:10] for name in ("first", "last") if entry[name])
    when = f" computed {' to '.join(days)}" if days else ""
    rest = {name: value for name, value in entry.items() if name not in ("steps", "machine", "first", "last")}
    return f"{entry['steps']} values{when} on {entry['machine']} machine with {_facts(rest)}"


def _steps(provenance: Provenance) -> str:
    zero = (
        f"; {provenance.known_zero} not run, because their heads cannot reach a receiver"
        if provenance.known_zero
        else ""
    )
    out = (
        f"; {provenance.screened_out} not run, because a screen let none of their heads through"
        if provenance.screened_out
        else ""
    )
    return (
        f"steps: {provenance.steps}, of which {provenance.computed} computed and {provenance.found} found "
        f"in the store{zero}{out}"
    )


def caption(measure: Measure) -> str:
    """What the numbers of a measure are: metric, unit, n, the labels that all cells share."""
    unit = f" ({measure.unit})" if measure.unit and measure.unit != measure.metric else ""
    things = "heads" if of_heads(measure) else "prompts"
    counts = f"n = {spread(cell.n for cell in measure.cells)} {things}" if measure.cells else "no cells"
    shared = [f"{axis}: {label}" for axis, label in fixed_labels(measure)]
    return visible("; ".join([f"{measure.metric}{unit}, {counts}", *shared]))


def _crossed(measure: Measure, across: Axis) -> Grid:
    """Rows are all free axes but one, whose labels are the columns. A label that repeats the row above is left out."""
    down = [axis for axis in free_axes(measure) if axis is not across]
    places = [measure.axes.index(axis) for axis in down]
    column = measure.axes.index(across)
    cells = {(tuple(cell.labels[place] for place in places), cell.labels[column]): cell for cell in measure.cells}
    keys = sorted(
        {key for key, _ in cells},
        key=lambda key: [axis.labels.index(label) for axis, label in zip(down, key, strict=True)],
    )
    decimals, counted = _decimals(measure), of_heads(measure)
    names = {key: tuple(bare(measure, axis, label) for axis, label in zip(down, key, strict=True)) for key in keys}
    rows = [
        (
            *_unrepeated(key, before, names[key]),
            *(_cell(cells.get((key, label)), decimals, counted=counted) for label in across.labels),
        )
        for key, before in zip(keys, [(), *keys], strict=False)
    ]
    head = tuple(visible(text) for text in (*(axis.name for axis in down), *across.labels))
    words = "; ".join([caption(measure), f"columns: {visible(across.name)}", *_how(measure)])
    return Grid("", head, tuple(rows), words, frozenset(range(len(down), len(head))))


def _tidy(measure: Measure) -> Grid:
    axes = free_axes(measure)
    places = [measure.axes.index(axis) for axis in axes]
    decimals = _decimals(measure)
    sd = any(cell.sd is not None for cell in measure.cells)
    rows = tuple(
        (
            *(visible(bare(measure, axis, cell.labels[place])) for axis, place in zip(axes, places, strict=True)),
            estimate(cell.value, cell.interval, decimals),
            *([_sd(cell, decimals)] if sd else []),
            str(cell.n),
        )
        for cell in measure.cells
    )
    head = (*(visible(axis.name) for axis in axes), visible(measure.metric), *(["sd over draws"] if sd else []), "n")
    return Grid("", head, rows, "; ".join([caption(measure), *_how(measure)]), frozenset(range(len(axes), len(head))))


def _how(measure: Measure) -> list[str]:
    """What stands beside the values."""
    draws = {len(cell.draws) for cell in measure.cells if cell.sd is not None}
    brackets = ["95 % interval in brackets"] if any(cell.interval for cell in measure.cells) else []
    return [*brackets, *([f"sd over {spread(draws)} draws"] if draws - {0} else [])]


def _decimals(measure: Measure) -> int:
    """A fall of 1 % is where a head is said not to matter: 0.006 is not shown as 0.01."""
    return max(decimals_for(cell.interval for cell in measure.cells), 3 if measure.metric == "minimality" else 0)


def _cell(cell: Cell | None, decimals: int, *, counted: bool = False) -> str:
    """`counted`: a share of `n` heads, said beside it because it differs."""
    if cell is None:
        return "-"
    text = estimate(cell.value, cell.interval, decimals) + (f" of {cell.n}" if counted else "")
    return text if cell.sd is None else f"{text}\nsd {_sd(cell, decimals)}"


def _sd(cell: Cell, decimals: int) -> str:
    return "" if cell.sd is None else number(cell.sd, max(decimals, 3))


def _unrepeated(key: tuple[str, ...], before: tuple[str, ...], shown: tuple[str, ...]) -> tuple[str, ...]:
    """The names `shown` of a row's labels `key`, but for those that the row above has too."""
    same = 0
    while same < len(before) and key[same] == before[same]:
        same += 1
    return tuple("" if place < same else visible(label) for place, label in enumerate(shown))


def _width(grid: Grid) -> int:
    texts = [grid.head, *grid.rows]
    return sum(max(_longest(row[column]) for row in texts) + 3 for column in range(len(grid.head)))


def _longest(entry: Entry) -> int:
    return max((len(line) for line in (entry.split("\n") if isinstance(entry, str) else entry)), default=0)


def _group_words(group: Group) -> str:
    every = len(group.scores)
    run = len(group.screen.through) if group.screen else every - group.known_zero
    counts = f"{len(group.heads)} kept of {run} scored" if every else f"{len(group.heads)} heads, not scored"
    out = [f"{group.screen.missed.others} screened out"] if group.screen else []
    zeros = [f"{group.known_zero} known zeros"] if group.known_zero else []
    return "\n".join(
        [visible(group.name), visible(f"at {group.position} -> {receiver_words(group)}"), counts, *out, *zeros]
    )


def _screen_words(screen: Screen) -> str:
    """How far a screen can be trusted, in a line."""
    known, missed = screen.agreement, screen.missed
    how = f"by gradients at {screen.steps} points" if screen.steps else "by one gradient"
    ranks = (
        f"rank correlation with the scores {estimate(known.value, known.interval, 2)} over {known.n} heads"
        if known
        else "nothing to rank"
    )
    places = f"; those kept stood at places {_span(screen.places)} of {len(screen.through)}" if screen.places else ""
    if not missed.others:
        return f"screened {how}, {ranks}{places}; none was left out"
    if not missed.checked:
        return f"screened {how}, {ranks}{places}; {missed.others} were left out, and none checked"
    found = (
        f"{len(missed.heads)} of {len(missed.checked)} checked would have been "
        f"kept{''.join(f' {head}' for head in missed.heads)}"
    )
    return (
        f"screened {how}, {ranks}{places}; of {missed.others} left out {found}: "
        f"{_span((int(missed.of_others.low), int(missed.of_others.high)))} of all (95 %)"
    )


def _span(places: tuple[int, ...]) -> str:
    low, high = min(places), max(places)
    return f"{low}" if low == high else f"{low} to {high}"


def _kept_words(group: Group) -> tuple[str, ...]:
    scores = [(head, head_score(group, head)) for head in ranked(group)]
    return tuple(str(head) if score is None else f"{head} {number(score, 3)}" for head, score in scores)


def _plain(value: float) -> str:
    return f"{value:g}"


def _facts(facts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {short(str(value))}" for name, value in facts.items() if value not in (None, "", (), []))
