"""Tables for a terminal, as rich renderables. `table_data.py` decides what they contain; this module sets their layout.

Text is given to rich as `Text`, never as markup, so that a spec's `[bold]` is shown as it is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from rich import box
from rich.columns import Columns
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.console import Group as Stack
from rich.segment import Segment
from rich.table import Table as RichTable
from rich.text import Text

from entrack.report.claims_table import claims_grid
from entrack.report.format import visible
from entrack.report.grid import Entry, Grid
from entrack.report.lookup import layers_of, marked, mlp_scores, rates, scored, unscored
from entrack.report.measure_table import WIDTH, measure_grids
from entrack.report.provenance_lines import provenance_lines
from entrack.report.table_data import discovery_grid, grids
from entrack.results import Claim, Discovery, Group, Measure, Provenance, Results
from entrack.sites import Part, Site

TALLEST = 16
"""Layers up to which a report shows the map of a discovery's scores without being asked."""
SHADES = ((0.75, "█"), (0.5, "▓"), (0.25, "▒"), (0.05, "░"), (0.0, "·"))
IN_ASCII = str.maketrans("█▓▒░·✓✗─━…", "#%+:.+x--.")
STYLES = {True: "green", False: "bold red", None: "bold yellow"}
"""Of a row that holds, that does not, and of which it is not known."""


def report(results: Results, *, heat_maps: bool | None = None) -> RenderableType:
    """All tables, claims and provenance last. `heat_maps` None shows maps of models of up to `TALLEST` layers."""
    maps = [found for found in results.discoveries if heat_maps or (heat_maps is None and _layers(found) <= TALLEST)]

    def laid_out(width: int) -> RenderableType:
        parts: list[RenderableType] = [Text(visible(results.title), style="bold"), Text()]
        parts += [_set(grid) for grid in grids(results, min(WIDTH, width))]
        where = len(parts) - bool(results.claims)
        parts[where:where] = [heat(found) for found in maps]
        return Stack(*parts, provenance(results.provenance))

    return Encodable(Fitted(laid_out))


def measure(item: Measure, title: str = "", width: int = WIDTH) -> RenderableType:
    """One measure: each number with its 95 % interval and n, and sd over draws where there are any."""
    return Encodable(Fitted(lambda room: Stack(*map(_set, measure_grids(item, title, min(width, room))))))


def discovery(item: Discovery, title: str = "") -> RenderableType:
    """One discovery: a row per group, its heads lowest score first."""
    return Encodable(_set(discovery_grid(item, title)))


def claims(items: tuple[Claim, ...]) -> RenderableType:
    """All claims: pass or fail, measured, bound, published, n."""
    return Encodable(_set(claims_grid(items)))


def provenance(item: Provenance) -> RenderableType:
    """Where the numbers came from."""
    return Encodable(Text("\n".join(provenance_lines(item)), style="dim"))


def heat(item: Discovery) -> RenderableType:
    """Every site's score as a block, layers upwards, heads to the right and the MLP beside them, a panel per group.
    Legible without colour."""
    panels = [_panel(group) for group in item.groups if group.scores]
    legend = "m: MLP; " if any(map(mlp_scores, item.groups)) else ""
    legend += "█ ▓ ▒ ░ lower score, to the lowest of the panel; + higher; · near 0; blank 0; underlined: kept"
    legend += f"; bold: significant at {rates(item.groups)}" if rates(item.groups) else ""
    legend += "; ? screened out, not run" if any(unscored(group) for group in item.groups) else ""
    return Encodable(Stack(Columns(panels, padding=(0, 3)), Text(legend, style="dim"), Text()) if panels else Text())


def shown(grids: Iterable[Grid]) -> RenderableType:
    """Tables one below the other."""
    return Encodable(Stack(*map(_set, grids)))


class Encodable:
    """A renderable that also goes to a terminal that cannot show block characters."""

    def __init__(self, inside: RenderableType) -> None:
        self.inside = inside

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self.inside, options):
            yield Segment(_ascii(segment.text), segment.style, segment.control) if options.ascii_only else segment


class Fitted:
    """A renderable made for the width that there is."""

    def __init__(self, make: Callable[[int], RenderableType]) -> None:
        self.make = make

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self.make(options.max_width)


def _set(grid: Grid) -> RenderableType:
    if not grid.head:
        return Text(f"{grid.caption}\n", style="dim")
    table = RichTable(box=box.SIMPLE_HEAD, title=Text(grid.title, style="bold"), title_justify="left", pad_edge=False)
    for place, name in enumerate(grid.head):
        table.add_column(Text(name), justify="right" if place in grid.right else "left", overflow="fold")
    for place, row in enumerate(grid.rows):
        first, *others = (_entry(entry) for entry in row)
        if grid.good and isinstance(first, Text):
            first.stylize(STYLES[grid.good[place]])
            first.no_wrap = True
        table.add_row(first, *others, end_section=bool(grid.good) or isinstance(row[-1], tuple))
    return Stack(table, Text(f"{grid.caption}\n", style="dim"))


def _entry(entry: Entry) -> RenderableType:
    if isinstance(entry, str):
        return Text(entry)
    return Columns([Text(each, no_wrap=True) for each in entry], padding=(0, 2), equal=True, align="right")


def _panel(group: Group) -> RenderableType:
    lowest = -min(scored(group), default=0.0)
    highest = max(map(abs, scored(group)), default=0.0)
    limit = lowest if lowest > 0 else highest
    name = visible(group.name)
    text = Text("".join(f"{name[start : start + 28]}\n" for start in range(0, max(len(name), 1), 28)))
    heads, mlps = len(group.matrix[0]) if group.matrix else 0, mlp_scores(group)
    between = " " if heads and mlps else ""
    for layer in range(layers_of(group) - 1, -1, -1):
        text.append(f"{layer:>3} ")
        text.append_text(_row(group, limit, [Site.of_head(layer, head) for head in range(heads)]))
        text.append(between)
        text.append_text(_row(group, limit, [Site(layer, Part.MLP)] if mlps else []))
        text.append("\n")
    marks = "".join(f"{head:<8}" for head in range(0, heads, 8))[:heads]
    text.append(f"    {marks:<{heads}}{between}m" if mlps else f"    {marks}"[: max(heads + 4, 6)])
    text.no_wrap = True
    return text


def _row(group: Group, limit: float, sites: Iterable[Site]) -> Text:
    row, kept = Text(), group.sites
    strong = marked(group) if group.significance else kept
    for site in sites:
        score = group.scores[site]
        row.append(_block(score, limit), style=_colour(score, strong=site in strong, kept=site in kept))
    return row


def _block(score: float | None, limit: float) -> str:
    if score is None:
        return "?"
    if score == 0.0 or limit == 0.0:
        return " "
    if score > 0:
        return "+" if score / limit >= 0.25 else "·"
    return next(glyph for least, glyph in SHADES if -score / limit >= least)


def _colour(score: float | None, *, strong: bool, kept: bool) -> str:
    if score is None:
        return "dim"
    return ("red" if score < 0 else "blue") + (" bold" if strong else "") + (" underline" if kept else "")


def _layers(item: Discovery) -> int:
    return max(map(layers_of, item.groups), default=0)


def _ascii(text: str) -> str:
    return text.translate(IN_ASCII).encode("ascii", "backslashreplace").decode()
