"""Figures of every kind from made-up results, as large and as strange as they come: `make figures` draws them all at
four widths into out/figures; `test_gallery.py` measures them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from itertools import product
from math import exp
from pathlib import Path
from random import Random

from entrack.report import plots
from entrack.report.describe import in_words
from entrack.report.figure_width import COLUMNS
from entrack.report.figures import drawing_of
from entrack.results import Axis, Cell, Discovery, Figure, Group, Interval, Measure
from entrack.sites import Site, by_head

HOSTILE = (
    "<script>alert(1)</script>",
    "$x^2$ \\frac",
    "\u202eright to left",
    "🧪 emoji",
    "日本語",
    "a" * 90,
    "",
    "%_&#~",
)
PARTS = ("residual", "mlp", "attention")
INTERVENTIONS = (
    "nothing",
    "only(base_circuit)",
    "without(base_circuit)",
    "only(random like base_circuit)",
    "mean base_circuit.value_fetcher over scrambled",
    "patch base_circuit.object_carrier from alternate",
)


def scores(layers: int, heads: int, seed: str, kept: int) -> Group:
    """A few heads that matter, late in the model, among many that do not."""
    draw = Random(seed)
    values = [[draw.gauss(0, 0.015) for _ in range(heads)] for _ in range(layers)]
    for _ in range(kept + 2):
        layer = min(layers - 1, int(layers * draw.betavariate(6, 3)))
        values[layer][draw.randrange(heads)] -= draw.uniform(0.1, 0.9)
    scored = by_head(tuple(tuple(row) for row in values))
    best = tuple(sorted(scored, key=lambda site: scored[site] or 0.0)[:kept])
    return Group("name_mover", "last", ("logits",), best, (Interval(-0.9, -0.1),) * len(best), scored)


def of_one(name: str, layers: int, heads: int, kept: int) -> Discovery:
    return Discovery(name, "llama", "logit difference", 300, (scores(layers, heads, name, kept),))


def circuit(names: tuple[str, ...], positions: tuple[str, ...]) -> Discovery:
    """Each group feeds the two before it."""
    groups = []
    for number, name in enumerate(names):
        fed = [
            f"{each}.{part}" for each, part in zip(names[max(0, number - 2) : number], ("query", "value"), strict=False)
        ]
        draw = Random(name)
        sites = {
            Site.of_head(max(0, 11 - number - draw.randrange(2)), draw.randrange(12)) for _ in range(draw.randint(1, 9))
        }
        place = positions[number * len(positions) // len(names)]
        groups.append(Group(name, place, tuple(fed) or ("logits",), tuple(sorted(sites)), (), {}))
    return Discovery("circuit", "gpt2-small", "logit difference", 500, tuple(groups))


def measure(metric: str, unit: str, *axes: Axis, spread: float = 0.06, over: float = 1.0) -> Measure:
    cells = []
    for place in product(*(axis.labels for axis in axes)):
        value = over * Random(str(place)).betavariate(2, 1.4)
        cells.append(Cell(place, value, 500, Interval(max(0.0, value - spread), value + spread), (1.0,)))
    return Measure("m", metric, unit, axes, tuple(cells))


def accuracy(*axes: Axis, spread: float = 0.04) -> Measure:
    return measure("accuracy", "fraction of prompts", *axes, spread=spread)


def along_layers(lines: int) -> Measure:
    layers, names = (
        tuple(map(str, range(24))),
        tuple(f"patch {PARTS[n % 3]}.{n} from alternate" for n in range(lines)),
    )
    cells = tuple(
        Cell(
            (name, layer),
            value := 4 / (1 + exp(8 - int(layer) * 0.9 - number)),
            300,
            Interval(value - 0.2, value + 0.2),
            (1.0,),
        )
        for number, name in enumerate(names)
        for layer in layers
    )
    axes = (Axis("intervention", names), Axis("k", layers, over="layers"))
    return Measure("m", "logit difference", "logits", axes, cells)


def complete(groups: int) -> Measure:
    removed, cells = ("half", *(f"group_{number}" for number in range(groups))), []
    for label in removed:
        draw = Random(label)
        points = tuple(draw.betavariate(2, 4) for _ in range(60 if label == "half" else 0))
        for side in ("model", "circuit", "difference"):
            value = draw.betavariate(2, 3)
            cells.append(Cell((label, side), value, 300, Interval(value - 0.08, value + 0.5), (1.0,), draws=points))
    return Measure(
        "m",
        "accuracy",
        "fraction of prompts",
        (Axis("removed", removed), Axis("from", ("model", "circuit", "difference"))),
        tuple(cells),
    )


def minimal(groups: Mapping[str, int]) -> Measure:
    cells = tuple(
        Cell(
            (group, f"{group} {20 - number}.{number}", value),
            Random(f"{group}{number}").gauss(0.1, 0.1),
            300,
            Interval(-0.1, 0.4),
            (1.0,),
        )
        for group, many in groups.items()
        for number in range(many)
        for value in ("fall", "ratio")
    )
    heads = tuple(dict.fromkeys(cell.labels[1] for cell in cells))
    axes = (Axis("group", tuple(groups)), Axis("head", heads), Axis("value", ("fall", "ratio")))
    return Measure("m", "minimality", "fall in accuracy, and as a ratio", axes, cells)


def far_off() -> Measure:
    """Points with outliers, and errors far beyond the others."""
    conditions, cells = tuple(f"condition_{number}" for number in range(40)), []
    for where, label in product(("base", "tuned"), conditions):
        value = Random(where + label).gauss(2, 0.5) * (40 if label == "condition_7" else 1)
        error = 60 if label == "condition_3" else 0.3
        cells.append(Cell((where, label), value, 100, Interval(value - error, value + error), (1.0,)))
    return Measure(
        "m", "logit difference", "logits", (Axis("model", ("base", "tuned")), Axis("prompts", conditions)), tuple(cells)
    )


TOKENS = (
    "<|begin_of_text|>",
    *(
        "The",
        " apple",
        " is",
        " in",
        " Box",
        " F",
        ",",
        " the",
        " computer",
        " is",
        " in",
        " Box",
        " Q",
        ".",
        "\n",
        " Box",
        " 日本",
        " contains",
        " the",
    ),
)
OVER_TOKENS = (
    Axis("k", tuple(map(str, range(28))), over="layers"),
    Axis("t", tuple(map(str, range(len(TOKENS)))), TOKENS, "tokens"),
    Axis("intervention", tuple(f"patch {part}[k] at t from alternate" for part in ("residual", "mlp"))),
)
LONG = tuple(f"the_group_that_reads_the_structure_of_box_{number}" for number in range(8))
MODEL = Axis("model", ("base", "tuned"))

GALLERY: Mapping[str, tuple[str, Measure | Discovery]] = {
    "heads 2 x 4": ("heatmap", of_one("a", 2, 4, 2)),
    "heads 12 x 12": ("heatmap", of_one("b", 12, 12, 6)),
    "heads 32 x 32": ("heatmap", of_one("c", 32, 32, 16)),
    "heads 80 x 64": ("heatmap", of_one("d", 80, 64, 24)),
    "heads 1 x 12": ("heatmap", of_one("e", 1, 12, 2)),
    "heads, three groups": (
        "heatmap",
        Discovery("cir", "gpt2", "logit difference", 300, tuple(scores(12, 12, seed, 5) for seed in "xyz")),
    ),
    "diagram": (
        "diagram",
        circuit(
            ("name_mover", "s_inhibition", "induction", "duplicate_token", "previous_token"), ("s1", "s2", "end")[::-1]
        ),
    ),
    "diagram, long names": (
        "diagram",
        circuit(LONG, ("the_last_token_of_the_prompt", "the_second_mention", "the_first_mention")),
    ),
    "diagram, hostile names": ("diagram", circuit(tuple(name or "empty" for name in HOSTILE[:5]), ("🧪", "日本語"))),
    "bars": ("bars", accuracy(MODEL, Axis("intervention", INTERVENTIONS))),
    "bars, 20 labels": ("bars", accuracy(Axis("prompts", tuple(f"condition_number_{number}" for number in range(20))))),
    "bars, 20 labels of 2 colours": (
        "bars",
        accuracy(MODEL, Axis("prompts", tuple(f"a rather long condition, {number}" for number in range(20)))),
    ),
    "bars, hostile names": ("bars", accuracy(Axis("intervention", HOSTILE))),
    "bars, errors off the axis": ("bars", accuracy(MODEL, Axis("intervention", INTERVENTIONS[:4]), spread=2.5)),
    "curves, 10 lines": ("curves", along_layers(10)),
    "curves, 3 lines": ("curves", along_layers(3)),
    "completeness": ("scatter", complete(9)),
    "scatter, outliers": ("scatter", far_off()),
    "minimality": (
        "bars",
        minimal({"value_fetcher": 14, "object_carrier": 22, "structure_reader": 9, "label_marker": 5}),
    ),
    "values": (
        "heatmap",
        accuracy(Axis("trained on", INTERVENTIONS), Axis("measured on", ("boxes", "reversed", "altered", "longer"))),
    ),
    "tokens": ("heatmap", measure("logit difference", "logits", *OVER_TOKENS, over=6.0)),
}


def asked(name: str) -> Figure:
    kind, item = GALLERY[name]
    by = {"by": "prompts"} if name.startswith("bars, 20 labels of") else {}
    by = {"by": "model"} if name.startswith("scatter") else by
    return Figure(name.capitalize(), kind, item.name, by)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, (_, item) in GALLERY.items():
        figure = asked(name)
        for width, column in COLUMNS.items():
            with plots.style():
                drawing = drawing_of(figure, item, column.width)
                words = in_words(figure, item)
                (data,) = plots.rendered(drawing, ("png",), figure.title, words, column.magnified).values()
            (folder / f"{name.replace(', ', '-').replace(' ', '-')}-{width}.png").write_bytes(data)
        print(f"{name}: {words}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
