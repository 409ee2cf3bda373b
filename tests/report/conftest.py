"""Small results that reports are tried on: one with a four-hop circuit, one of whole circuits, and one whose every
text is hostile."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from entrack.results import (
    Axis,
    Cell,
    Claim,
    Discovery,
    Figure,
    Group,
    Interval,
    Mask,
    Measure,
    Provenance,
    Results,
    Table,
)
from entrack.sites import Site, by_head

LAYERS, HEADS = 4, 8
HOPS: tuple[tuple[str, str, tuple[str, ...], Mapping[tuple[int, int], float]], ...] = (
    ("value_fetcher", "last", ("logits",), {(3, 1): -0.4, (3, 6): -0.25, (2, 2): -0.1}),
    ("position_transmitter", "last", ("value_fetcher.query",), {(2, 5): -0.2, (1, 0): -0.15}),
    ("position_detector", "query", ("position_transmitter.value",), {(1, 3): -0.3}),
    ("structure_reader", "previous", ("position_detector.key", "position_detector.value"), {(0, 4): -0.08}),
)
HOSTILE = '[bold red]x[/] \x1b[31mE\x07 \u202eabc\u2066 <script>alert(1)</script> $x^2$ \\frac _a & "q" --> \''


@pytest.fixture
def results() -> Results:
    return Results(
        "Entity tracking, small",
        (one_axis(), two_axes(), three_axes(), along_layers(), single()),
        (circuit(),),
        (),
        claims(),
        (),
        (Table("Table 2", "table_2"),),
        provenance("small.et"),
    )


@pytest.fixture
def study() -> Results:
    """What is measured of whole circuits, and masks."""
    return Results(
        "The study, small",
        (complete(), minimal(), shared(), donors(), knockouts()),
        (),
        masks(),
        (
            Claim("few heads", "size(cir)", 7.0, "<=", 8.0, True, 0, Interval(7.0, 7.0)),
            Claim("shared", "shared[all, precision]", 0.5, ">=", 0.4, True, 4, Interval(0.5, 0.5), published=0.6),
        ),
        (),
        (Table("Table 3", "complete"),),
        provenance("study.et"),
    )


@pytest.fixture
def hostile() -> Results:
    text = HOSTILE
    axes = (Axis(text, (text, "_b")), Axis("$y$", ("$1$", "$2$")))
    cells = tuple(cell((first, second), 0.3) for first in axes[0].labels for second in axes[1].labels)
    group = Group(
        text,
        text,
        (f"{text}.query", "logits"),
        (Site.of_head(0, 0),),
        (Interval(-0.2, -0.1),),
        by_head(((-0.1, 0.0),)),
        note=text,
    )
    heads = (Site.of_head(0, 0), Site.of_head(0, 1))
    return Results(
        text,
        (Measure(text, text, text, axes, cells),),
        (Discovery(f"cir {text}", text, text, 3, (group,)),),
        (Mask(text, text, text, text, text, heads, (0.0, 1.0), heads[:1], 4, float("nan"), 3),),
        (Claim(text, text, float("nan"), text, 1.0, False, 3, Interval(0.0, 1.0)),),
        (Figure(f"{text} map", "heatmap", text), Figure(text, "bars", text), Figure(text, "diagram", f"cir {text}")),
        (Table(text, text),),
        provenance(text),
    )


def cell(labels: tuple[str, ...], value: float, n: int = 500, draws: int = 0) -> Cell:
    half = 0.04
    interval = Interval(max(0.0, value - half), min(1.0, value + half))
    several = tuple(value + 0.01 * (draw % 2) for draw in range(draws))
    return Cell(labels, value, n, interval, (1.0, 0.0), sd=0.005 if draws else None, draws=several, address="ab" * 32)


def one_axis() -> Measure:
    models = Axis("model", ("base", "tuned"))
    return Measure("task", "accuracy", "fraction", (models,), (cell(("base",), 0.66), cell(("tuned",), 0.82, 480)))


def two_axes() -> Measure:
    axes = (
        Axis("model", ("base", "tuned")),
        Axis("intervention", ("nothing", "only(cir)")),
        Axis("prompts", ("boxes",)),
    )
    values = {
        ("base", "nothing"): 0.66,
        ("base", "only(cir)"): 0.65,
        ("tuned", "nothing"): 0.82,
        ("tuned", "only(cir)"): 0.73,
    }
    return Measure(
        "table_2", "accuracy", "fraction", axes, tuple(cell((*key, "boxes"), value) for key, value in values.items())
    )


def three_axes() -> Measure:
    axes = (
        Axis("model", ("base", "tuned")),
        Axis("group", ("value_fetcher", "structure_reader")),
        Axis("desideratum", ("object_value", "position")),
    )
    cells = tuple(
        cell((model, group, wanted), 0.1 * (1 + place), draws=10)
        for model in axes[0].labels
        for place, group in enumerate(axes[1].labels)
        for wanted in axes[2].labels
        if (model, group, wanted) != ("tuned", "structure_reader", "position")
    )
    return Measure("figure_3", "accuracy", "fraction", axes, cells)


def along_layers() -> Measure:
    axes = (Axis("k", tuple(f"{layer}.." for layer in range(6))), Axis("blocked", ("answer", "query")))
    cells = tuple(
        cell((k, blocked), min(1.0, 0.1 * place))
        for place, k in enumerate(axes[0].labels)
        for blocked in axes[1].labels
    )
    return Measure("knockout", "accuracy", "fraction", axes, cells)


def single() -> Measure:
    one = Cell(("smollm2",), 4.7, 60, Interval(4.31, 5.02), (4.7,))
    return Measure("one", "logit difference", "logits", (Axis("model", ("smollm2",)),), (one,))


def circuit() -> Discovery:
    groups = []
    for hop, (name, position, receivers, kept) in enumerate(HOPS):
        top = LAYERS - hop
        scores = tuple(
            tuple(kept.get((layer, head), 0.0 if layer >= top else 0.001 * (head - 3.5)) for head in range(HEADS))
            for layer in range(LAYERS)
        )
        heads = tuple(Site.of_head(*head) for head in kept)
        intervals = tuple(Interval(score * 1.1, score * 0.9) for score in kept.values())
        also = ((Site.of_head(3, 1), "value_fetcher"),) if hop == 1 else ()
        groups.append(
            Group(name, position, receivers, heads, intervals, by_head(scores), known_zero=hop * HEADS, also=also)
        )
    return Discovery("cir", "base", "relative probability of answer", 300, tuple(groups), "cd" * 32)


def claims() -> tuple[Claim, ...]:
    return (
        Claim(
            "the circuit is faithful",
            "table_2[base, only(cir)] / table_2[base, nothing]",
            0.985,
            ">=",
            0.95,
            True,
            500,
            Interval(0.94, 1.02),
            published=1.0,
        ),
        Claim(
            "the base circuit lives on",
            "table_2[tuned, only(cir)]",
            0.73,
            "within",
            0.89,
            False,
            500,
            Interval(0.69, 0.77),
            tolerance=0.03,
            published=0.89,
        ),
    )


def complete() -> Measure:
    """Three random halves, and two groups."""
    axes = (
        Axis("removed", ("half", "value_fetcher", "structure_reader")),
        Axis("from", ("circuit", "model", "difference")),
    )
    cells = [
        Cell(("half", "circuit"), 0.3, 500, Interval(0.28, 0.32), (1.0,), 0.1, (0.2, 0.3, 0.4)),
        Cell(("half", "model"), 0.4, 500, Interval(0.38, 0.42), (1.0,), 0.1, (0.3, 0.4, 0.5)),
        Cell(("half", "difference"), 0.1, 500, Interval(0.08, 0.12), (1.0,), 0.0, (0.1, 0.1, 0.1)),
        *(
            cell((group, name), value)
            for group in axes[0].labels[1:]
            for name, value in zip(axes[1].labels, (0.2, 0.5, 0.3), strict=True)
        ),
    ]
    return Measure("complete", "accuracy", "fraction of prompts", axes, tuple(cells))


def minimal() -> Measure:
    """Heads of one group each; one head is in two groups; without one head nothing is left; before another nothing
    was."""
    falls = {
        "value_fetcher 3.1": 0.1,
        "value_fetcher 10.2": 0.006,
        "value_fetcher 3.6": 0.3,
        "structure_reader 3.1": -0.02,
        "structure_reader 0.4": 0.05,
        "structure_reader 0.5": 0.0,
    }
    cells = []
    for head, fall in falls.items():
        group = head.split()[0]
        cells.append(Cell((group, head, "fall"), fall, 100, Interval(fall - 0.02, fall + 0.03), (fall,)))
        ratio, bounds = (
            (float("inf" if fall else "nan"), None)
            if fall in (0.0, 0.3)
            else (fall / 0.3, Interval(fall / 0.3 - 0.1, fall / 0.3 + 0.2))
        )
        cells.append(Cell((group, head, "ratio"), ratio, 100, bounds, ()))
    axes = (
        Axis("group", ("value_fetcher", "structure_reader")),
        Axis("head", tuple(falls)),
        Axis("value", ("fall", "ratio")),
    )
    return Measure("minimal", "minimality", "fall in accuracy, and as a ratio", axes, tuple(cells))


def shared() -> Measure:
    axes = (Axis("group", ("value_fetcher", "structure_reader", "all")), Axis("share", ("precision", "recall")))
    sizes = {"value_fetcher": (3, 5), "structure_reader": (1, 2), "all": (4, 7)}
    cells = tuple(
        Cell((group, share), 1 / n, n, None, ())
        for group, both in sizes.items()
        for share, n in zip(axes[1].labels, both, strict=True)
    )
    return Measure("shared", "overlap of cir with cir_tuned", "fraction of heads", axes, cells)


def donors() -> Measure:
    """Heads' outputs of two other models in this one."""
    labels = tuple(
        f"patch cir.{group} from {model}"
        for model in ("tuned", "other")
        for group in ("value_fetcher", "structure_reader")
    )
    axes = (Axis("model", ("base",)), Axis("intervention", labels))
    return Measure(
        "donors", "accuracy", "fraction of prompts", axes, tuple(cell(("base", label), 0.7) for label in labels)
    )


def knockouts() -> Measure:
    blocks = tuple(f"block attention last -> {to} in layers k.." for to in ("answer", "query"))
    axes = (
        Axis("model", ("base",)),
        Axis("k", tuple(str(layer) for layer in range(6)), over="layers"),
        Axis("intervention", blocks),
    )
    cells = tuple(cell(("base", k, block), 0.1 * int(k)) for k in axes[1].labels for block in blocks)
    return Measure("knockouts", "accuracy", "fraction of prompts", axes, cells)


def masks() -> tuple[Mask, ...]:
    over = {
        "value_fetcher": (Site.of_head(3, 1), Site.of_head(10, 2), Site.of_head(3, 6)),
        "structure_reader": (Site.of_head(0, 4), Site.of_head(3, 1)),
    }
    return tuple(
        Mask(
            "role",
            "base",
            group,
            wanted,
            "last" if group == "value_fetcher" else "previous",
            heads,
            (0.0,) * kept + (1.0,) * (len(heads) - kept),
            heads[:kept],
            40,
            0.1 + 0.3 * kept,
            500,
            "ef" * 32,
        )
        for wanted, kept in (("object_value", 2), ("position", 0))
        for group, heads in over.items()
    )


def provenance(spec: str) -> Provenance:
    models = {"base": {"source": "builtin base", "digest": "ef" * 32}, spec: {spec: spec}}
    return Provenance(
        spec, "12" * 32, 1, "0.1.0", models, 0, {"n": 300, "k": 40}, ("n",), 120, 100, 20, ({"torch": "2.9.1"},), spec
    )
