"""Results drawn at random, with labels as long, as many and as strange as a spec could make them; and where the text
of a figure lies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from random import Random

from matplotlib.axes import Axes as Plot
from matplotlib.figure import Figure
from matplotlib.text import Text

from entrack.results import Axis, Cell, Discovery, Group, Interval, Measure
from entrack.sites import Site, by_head

WORDS = (
    "answer",
    "wrong",
    "value_fetcher",
    "object_carrier",
    "w",
    "WWWWWWWW",
    "structure_reader_of_the_first_box",
    "é",
    "日本",
    "x" * 60,
)
TOKENS = (" the", " Box", ",", "", " ", "\n", " contains", "<|begin_of_text|>", "日本", "_" * 64, "\x1b[31m", "$x^2$")


def name(draw: Random, most: int = 3) -> str:
    return "_".join(draw.choice(WORDS) for _ in range(draw.randint(1, most)))


def act(draw: Random) -> str:
    """An intervention as a spec writes it."""
    cir = f"{name(draw, 1)}.{name(draw)}"
    ways = (
        "only({})",
        "without({})",
        "zero {}",
        "patch {} from alternate",
        "mean {} over scrambled",
        "{}",
        "patch {}.query from tuned",
        "without({}, {})",
    )
    return draw.choice(ways).format(cir, name(draw))


def labels(draw: Random, most: int) -> tuple[str, ...]:
    """Different labels: interventions, or what differs in one word, or numbers, or names that begin alike."""
    count = draw.randint(1, most)
    shared, end = act(draw), draw.choice(("", " from tuned", " in layers k.."))
    ways: tuple[Callable[[], str], ...] = (
        lambda: act(draw),
        lambda: f"patch {name(draw, 1)}.{name(draw)}{end}",
        lambda: str(draw.randint(0, 40)),
        lambda: f"{shared} and {name(draw)}",
        lambda: f"without({name(draw, 2)}.{name(draw, 1)})",
    )
    way = draw.choice(ways)
    found = dict.fromkeys(["nothing"] if draw.random() < 0.5 else [])
    for _ in range(20 * count):
        if len(found) >= count:
            break
        found[draw.choice((way, way, way, draw.choice(ways)))()] = None
    return tuple(found)


def measure(draw: Random, least: int = 1) -> Measure:
    axes = [Axis("intervention" if draw.random() < 0.7 else name(draw), labels(draw, draw.choice((2, 4, 8, 14))))]
    while len(axes) < 3 and (draw.random() < 0.4 or len(axes) < least):
        axes.insert(0, Axis(f"{name(draw, 2)}{len(axes)}", labels(draw, 4)))
    places: list[tuple[str, ...]] = [()]
    for axis in axes:
        places = [(*place, label) for place in places for label in axis.labels]
    low = draw.choice((0.0, 0.0, -3.0))
    cells = tuple(_cell(draw, place, low) for place in places if draw.random() < 0.95) or (_cell(draw, places[0], low),)
    return Measure(
        "m",
        draw.choice(("accuracy", "logit difference", f"probability of {name(draw)}")),
        draw.choice(("fraction of prompts", "", "logits")),
        tuple(axes),
        cells,
    )


def sites(draw: Random) -> Measure:
    """Loops that cross: layers by tokens, positions or heads, for some models and interventions."""
    layers = Axis("k", tuple(map(str, range(draw.choice((1, 2, 4, 12, 30))))), (), "layers")
    count = draw.choice((2, 5, 15, 40))
    acts = tuple(dict.fromkeys(f"{act(draw)} at t" for _ in range(draw.randint(1, 3))))
    parts = tuple(f"patch {part}[k] at t from alternate" for part in ("residual", "mlp", "attention"))
    axes = (
        Axis("model", tuple(dict.fromkeys(name(draw, 1) for _ in range(draw.choice((1, 1, 2)))))),
        layers,
        draw.choice(
            (
                Axis("t", tuple(map(str, range(count))), tuple(draw.choice(TOKENS) for _ in range(count)), "tokens"),
                Axis("p", tuple(dict.fromkeys(name(draw) for _ in range(min(count, 15)))), (), "positions"),
                Axis("h", tuple(map(str, range(min(count, 32)))), (), "heads"),
            )
        ),
        Axis("intervention", (*draw.choice(((), ("nothing",))), *draw.choice((parts, acts)))),
    )
    low = draw.choice((0.0, -3.0))
    places = product(*(axis.labels for axis in axes))
    cells = tuple(
        _cell(Random(0) if "nothing" in place else draw, place, low)
        for place in places
        if "nothing" in place or draw.random() < 0.98
    )
    kinds = (("accuracy", "fraction of prompts"), ("logit difference of answer and wrong", "logits"))
    return Measure("m", *draw.choice(kinds), axes, cells)


def heads(draw: Random) -> Measure:
    """Heads of groups, as of minimality."""
    groups = tuple(dict.fromkeys(name(draw) for _ in range(draw.randint(1, 6))))
    values = ("fall", "ratio")[: draw.randint(1, 2)]
    places = [
        (group, f"{group} {draw.randint(0, 40)}.{head}") for group in groups for head in range(draw.randint(1, 30))
    ]
    cells = tuple(_cell(draw, (*place, value), -0.2) for place in places for value in values)
    axes = (Axis("group", groups), Axis("head", tuple(head for _, head in places)), Axis("value", values))
    return Measure("m", "minimality", "fall in accuracy, and as a ratio", axes, cells)


def complete(draw: Random) -> Measure:
    removed = tuple(dict.fromkeys(["half", *(name(draw) for _ in range(draw.randint(1, 8)))]))
    sides = ("circuit", "model", "difference")
    cells = tuple(_cell(draw, (label, side), 0.0) for label in removed for side in sides)
    return Measure("m", "accuracy", "fraction of prompts", (Axis("removed", removed), Axis("from", sides)), cells)


def discovery(draw: Random, layers: int = 0) -> Discovery:
    """Hops of some groups at some positions; a group feeds the logits, groups before it, or a group that is not
    there."""
    layers, across = layers or draw.choice((2, 4, 12, 32)), draw.choice((2, 8, 12, 32))
    places = list(dict.fromkeys(name(draw) for _ in range(draw.randint(1, 4))))
    groups: list[Group] = []
    for called in dict.fromkeys(name(draw) for _ in range(draw.randint(1, 7))):
        groups.append(_group(draw, called, draw.choice(places), tuple(group.name for group in groups), layers, across))
    return Discovery(
        name(draw),
        name(draw, 1),
        draw.choice(("logit of answer", "relative probability of answer")),
        300,
        tuple(groups),
    )


def _group(draw: Random, called: str, place: str, before: tuple[str, ...], layers: int, across: int) -> Group:
    kept = sorted(
        {Site.of_head(draw.randrange(layers), draw.randrange(across)) for _ in range(draw.choice((0, 1, 3, 8, 30)))}
    )
    scores = tuple(tuple(round(draw.uniform(-1, 0.3), 3) for _ in range(across)) for _ in range(layers))
    fed = (
        draw.sample((*before, "elsewhere"), draw.randint(1, min(2, len(before))))
        if before and draw.random() < 0.9
        else []
    )
    receivers = tuple(
        f"{other}.{part}" for other in fed for part in draw.sample(("query", "key", "value"), draw.randint(1, 3))
    ) or ("logits",)
    return Group(called, place, receivers, tuple(kept), tuple(Interval(-0.2, -0.1) for _ in kept), by_head(scores))


def _cell(draw: Random, place: tuple[str, ...], low: float) -> Cell:
    value = draw.choice((0.0, draw.uniform(low, 1.0)))
    return Cell(place, value, 100, Interval(value - 0.05, value + 0.05), (1.0,), draws=())


def shown_texts(figure: Figure) -> Iterator[Text]:
    """Text that can be seen in a figure that is laid out: of ticks, those inside their axis."""
    outside = set()
    for plot in figure.findobj(Plot):
        assert isinstance(plot, Plot)
        for axis in (plot.xaxis, plot.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if not low - 1e-9 <= tick.get_loc() <= high + 1e-9 or not plot.axison:
                    outside |= {id(tick.label1), id(tick.label2)}
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        if (
            text.get_visible()
            and text.get_text().strip()
            and id(text) not in outside
            and (text.axes is None or text.axes.axison or text in text.axes.texts)
        ):
            yield text
