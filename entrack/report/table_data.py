"""Results as tables of safe text, independent of whether a terminal or a browser shows them: all tables of a run, and
those of discoveries and masks."""

from __future__ import annotations

from entrack.ranking import Ranking, per_cent, significant
from entrack.report.claims_table import claims_grid
from entrack.report.format import change_in, estimate, number, spread, visible
from entrack.report.grid import Grid
from entrack.report.lookup import found_on, pick, ranked, receiver_words, sites_word
from entrack.report.measure_table import WIDTH, measure_grids
from entrack.results import Discovery, Group, Mask, Measure, Missed, Race, Results, Screen
from entrack.sites import Part, Site

NAMED = {Part.OUTPUT: "heads as layer.head", Part.MLP: "MLPs as mlp.layer"}
"""How sites are written, in words."""
ALSO = {Ranking.LOWEST: "low", Ranking.HIGHEST: "high", Ranking.STRONGEST: "strongly"}
"""How a site scored that a group would have kept, by its ranking."""


def grids(results: Results, width: int = WIDTH) -> tuple[Grid, ...]:
    """Every table: measures, then discoveries, under the spec's titles where it asks for them; then masks and
    claims."""
    found = [
        grid
        for title, item in titled(results)
        for grid in (measure_grids(item, title, width) if isinstance(item, Measure) else (discovery_grid(item, title),))
    ]
    return (*found, *mask_grids(results), *([claims_grid(results.claims)] if results.claims else []))


def titled(results: Results) -> list[tuple[str, Measure | Discovery]]:
    """Measures, then discoveries, each under the titles that the spec gives it, or under its name."""
    wanted = [(table.title, pick(table.of, results)) for table in results.tables]
    asked = {item.name for _, item in wanted}
    every = [*wanted, *((item.name, item) for item in results if item.name not in asked)]
    order = [item.name for item in results]
    return sorted(every, key=lambda pair: order.index(pair[1].name))


def mask_grids(results: Results) -> tuple[Grid, ...]:
    """A table for each mask."""
    names = dict.fromkeys(mask.name for mask in results.masks)
    return tuple(masks_grid(tuple(mask for mask in results.masks if mask.name == name)) for name in names)


def discovery_grid(discovery: Discovery, title: str = "") -> Grid:
    """One row per group: where it stands, what it feeds, how many sites were scored, those kept with their scores."""
    rows = tuple((_group_words(group), _kept_words(group)) for group in discovery.groups)
    notes = [visible(f"{group.name}: {group.note}") for group in discovery.groups if group.note]
    also = [
        visible(f"{group.name}: {site} also scored {ALSO[group.ranking]} here, and stands in {other}")
        for group in discovery.groups
        for site, other in group.also
    ]
    words = (
        f"model: {discovery.model}; {_named(discovery)}, from 0, with their score "
        f"({change_in(discovery.score)}), mean over n = {_prompts_words(discovery)}"
    )
    screens = [visible(f"{group.name}: {_screen_words(group.screen)}") for group in discovery.groups if group.screen]
    raced = [(group.name, group.race) for group in discovery.groups if group.race]
    races = [visible(f"{name}: {_race_words(race, discovery.n)}") for name, race in raced]
    lines = [visible(words), *screens, *races, *notes, *also]
    rankings = {group.ranking.value for group in discovery.groups}
    first = rankings.pop() if len(rankings) == 1 else "best"
    kept = f"{sites_word(_every_site(discovery))} kept, {first} score first"
    return Grid(visible(title or discovery.name), ("group", kept), rows, "\n".join(lines))


def group_grid(group: Group) -> Grid:
    """One group: where it stands, what it feeds, how many sites were scored, those kept with their scores."""
    first = "best" if group.ranking is Ranking.STRONGEST else group.ranking.value
    notes = [visible(group.note)] if group.note else []
    screen = [visible(_screen_words(group.screen))] if group.screen else []
    head = ("group", f"{sites_word((*group.scores, *group.sites))} kept, {first} score first")
    return Grid(visible(group.name), head, ((_group_words(group), _kept_words(group)),), "\n".join([*screen, *notes]))


def _prompts_words(discovery: Discovery) -> str:
    """The prompts that the scores are of, and, where these chose nothing, their intervals."""
    fresh = next((group.confirmed.n for group in discovery.groups if group.confirmed), None)
    if fresh is None:
        return f"{found_on(discovery)} prompts"
    return f"{fresh} fresh prompts, 95 % interval in brackets; found on {found_on(discovery)} others"


def _every_site(discovery: Discovery) -> list[Site]:
    return [site for group in discovery.groups for site in (*group.scores, *group.sites)]


def _named(discovery: Discovery) -> str:
    """How sites are written."""
    parts = {site.part for site in _every_site(discovery)} or {Part.OUTPUT}
    return " and ".join(words for part, words in NAMED.items() if part in parts)


def masks_grid(masks: tuple[Mask, ...]) -> Grid:
    """One row per group and desideratum of one mask: how many of how many heads it patches, how well, and which."""
    groups = list(dict.fromkeys(mask.group for mask in masks))
    ordered = sorted(masks, key=lambda mask: groups.index(mask.group))
    rows = tuple(
        (
            "" if mask.group == last else f"{visible(mask.group)}\n{visible(f'at {mask.position}')}",
            visible(mask.desideratum),
            f"{len(mask.sites)} of {len(mask.over)}",
            number(mask.validation, 2),
            tuple(map(str, sorted(mask.sites))) or ("none",),
        )
        for mask, last in zip(ordered, ["", *(mask.group for mask in ordered)], strict=False)
    )
    models = ", ".join(dict.fromkeys(mask.model for mask in masks))
    words = (
        f"masks learned in {models}; accuracy on n = {spread(mask.n for mask in masks)} validation "
        "prompts, each mask at its best"
    )
    word = sites_word(site for mask in masks for site in mask.over)
    last = "heads patched, as layer.head" if word == "heads" else f"{word} patched"
    head = ("group", "desideratum", "patched", "accuracy", last)
    return Grid(visible(masks[0].name), head, rows, visible(words), frozenset({2, 3}))


def _group_words(group: Group) -> str:
    every = len(group.scores)
    run = len(group.screen.through) if group.screen else every - group.known_zero
    how = f"{_significant_words(group)}{_ranking_words(group)}"
    counts = f"{len(group.sites)} kept of {run} scored{how}" if every else f"{len(group.sites)} heads, not scored"
    out = [f"{group.screen.missed.others} screened out"] if group.screen else []
    zeros = [f"{group.known_zero} known zeros"] if group.known_zero else []
    return "\n".join(
        [visible(group.name), visible(f"at {group.position} -> {receiver_words(group)}"), counts, *out, *zeros]
    )


def _significant_words(group: Group) -> str:
    known = group.significance
    return f"\n{significant(known.rate)}" if known and known.decides else ""


def _ranking_words(group: Group) -> str:
    return "" if group.ranking is Ranking.LOWEST else f", {group.ranking.value} first"


def _screen_words(screen: Screen) -> str:
    """How far a screen can be trusted, in a line."""
    known, missed = screen.agreement, screen.missed
    how = f"by gradients at {screen.steps} points" if screen.steps else "by one gradient"
    ranks = "nothing to rank"
    if known:
        word = sites_word(screen.through)
        ranks = f"rank correlation with the scores {estimate(known.value, known.interval, 2)} over {known.n} {word}"
    places = f"; those kept stood at places {spread(screen.places)} of {len(screen.through)}" if screen.places else ""
    return f"screened {how}, {ranks}{places}; {_missed_words(missed)}"


def _race_words(race: Race, prompts: int) -> str:
    """Of what a race is certain, and what it cost, in a line."""
    word = sites_word(race.prompts)
    share = f" ({100 * race.pairs / race.of_pairs:.0f} %)" if race.of_pairs else ""
    late = f"{len(race.undecided)} {word} were run on all" if race.undecided else "none was run on all"
    return (
        f"raced: at {per_cent(race.level)}, those kept are those that all {prompts} prompts would keep; "
        f"{race.pairs:,} of {race.of_pairs:,} pairs of {word} and prompts were run{share}, and {late} to be decided"
    )


def _missed_words(missed: Missed) -> str:
    if not missed.others:
        return "none was left out"
    if not missed.checked:
        return f"{missed.others} were left out, and none checked"
    of_all = map(int, (missed.of_others.low, missed.of_others.high))
    named = f" ({' '.join(map(str, missed.sites))})" if missed.sites else ""
    found = f"{len(missed.sites)} of {len(missed.checked)} checked would have been kept{named}"
    return f"of {missed.others} left out {found}: {spread(of_all)} of all (95 %)"


def _kept_words(group: Group) -> tuple[str, ...]:
    scores = [(site, *group.reported(site)) for site in ranked(group)]
    return tuple(
        str(site) if score is None else f"{site} {estimate(score, interval, 3)}" for site, score, interval in scores
    )
