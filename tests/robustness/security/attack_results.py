"""Small results whose every text ends in a payload."""

from __future__ import annotations

from typing import Any

import attrs

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

WORDS = ("kind", "relation")
"""Fields whose words are entrack's own, not a spec's."""


def ending_in(payload: str) -> Results:
    """`BENIGN` with every text of a spec, a file or a model followed by the payload."""
    return _changed(BENIGN, payload)  # type: ignore[no-any-return]  # what goes in comes out


def texts(value: Any) -> set[str]:
    """All texts in a value."""
    if isinstance(value, str):
        return {value}
    if isinstance(value, dict):
        return {text for pair in value.items() for part in pair for text in texts(part)}
    if isinstance(value, list | tuple):
        return {text for part in value for text in texts(part)}
    return set()


def _changed(value: Any, payload: str, name: str = "") -> Any:
    if isinstance(value, str):
        return value if name in WORDS else value + payload
    if isinstance(value, tuple):
        return tuple(_changed(part, payload) for part in value)
    if isinstance(value, dict):
        return {_changed(key, payload): _changed(part, payload) for key, part in value.items()}
    if attrs.has(type(value)) and not isinstance(value, Site | Interval):
        return type(value)(
            **{
                field.name: _changed(getattr(value, field.name), payload, field.name)
                for field in attrs.fields(type(value))
                if field.init
            }
        )
    return value


def _cell(labels: tuple[str, ...], value: float) -> Cell:
    return Cell(labels, value, 9, Interval(value - 0.1, value + 0.1), (1.0, 0.0), address="address")


AXES = (Axis("model", ("base", "tuned")), Axis("with", ("nothing", "only(cir)")))
BENIGN = Results(
    "title",
    (
        Measure(
            "told",
            "accuracy",
            "fraction",
            AXES,
            tuple(_cell((model, act), 0.4) for model in AXES[0].labels for act in AXES[1].labels),
        ),
    ),
    (
        Discovery(
            "cir",
            "base",
            "relative probability of answer",
            9,
            (
                Group(
                    "movers",
                    "last",
                    ("logits",),
                    (Site.of_head(0, 0),),
                    (Interval(-0.2, -0.1),),
                    by_head(((-0.1, 0.0), (0.0, 0.05))),
                    note="note",
                    also=((Site.of_head(0, 1), "other"),),
                ),
            ),
        ),
    ),
    (
        Mask(
            "role",
            "base",
            "movers",
            "position",
            "last",
            (Site.of_head(0, 0), Site.of_head(0, 1)),
            (0.0, 1.0),
            (Site.of_head(0, 0),),
            4,
            0.5,
            3,
        ),
    ),
    (Claim("claim", "told[base, nothing]", 0.4, ">=", 0.5, False, 9, Interval(0.3, 0.5)),),
    (Figure("Bars", "bars", "told"), Figure("Map", "heatmap", "cir"), Figure("Circuit", "diagram", "cir")),
    (Table("Table", "told"),),
    Provenance(
        "spec.et",
        "12" * 32,
        1,
        "0.1.0",
        {"base": {"source": "local", "digest": "ef"}},
        0,
        {"n": 9},
        ("n",),
        2,
        1,
        1,
        ({"torch": "2"},),
        "tolerance",
    ),
)
