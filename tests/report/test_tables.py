"""The terminal's tables, against golden text. `GOLDEN=write pytest tests/report` writes it anew; read what changed."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from rich.console import Console, RenderableType

from entrack.ranking import significant
from entrack.report import tables
from entrack.results import Results

GOLDEN = Path(__file__).parent / "golden"
CASES: dict[str, Callable[[Results], RenderableType]] = {
    "one_axis": lambda results: tables.measure(results.measures[0]),
    "two_axes": lambda results: tables.measure(results.measures[1], "Table 2"),
    "three_axes": lambda results: tables.measure(results.measures[2]),
    "too_wide": lambda results: tables.measure(results.measures[1], width=40),
    "no_axis": lambda results: tables.measure(results.measures[4]),
    "discovery": lambda results: tables.discovery(results.discoveries[0]),
    "heat": lambda results: tables.heat(results.discoveries[0]),
    "claims": lambda results: tables.claims(results.claims),
    "report": tables.report,
}


def shown(renderable: RenderableType, width: int = 100, encoding: str = "utf-8") -> str:
    content = io.BytesIO()
    stream = io.TextIOWrapper(content, encoding=encoding)
    Console(file=stream, width=width, no_color=True, force_terminal=False).print(renderable)
    stream.flush()
    text = content.getvalue().decode(encoding)
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


@pytest.mark.parametrize("case", CASES)
def test_golden(case: str, results: Results) -> None:
    as_before(case, CASES[case](results))


def test_golden_study(study: Results) -> None:
    as_before("study", tables.report(study))


def as_before(case: str, renderable: RenderableType) -> None:
    text, path = shown(renderable), GOLDEN / f"{case}.txt"
    if os.environ.get("GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
    assert all(len(line) <= 100 for line in text.splitlines())


def test_a_table_takes_the_width_that_there_is(study: Results) -> None:
    wide, narrow = (shown(tables.measure(study.measures[0]), width) for width in (100, 74))
    assert "columns: from" in wide and "columns: removed" in narrow
    assert all("structure_reader" in text and max(map(len, text.splitlines())) <= 100 for text in (wide, narrow))


def test_pass_and_fail_are_words(results: Results) -> None:
    text = shown(tables.claims(results.claims))
    assert "✓ pass" in text and "✗ FAIL" in text


def test_a_number_that_just_misses_its_bound_is_not_rounded_onto_it(results: Results) -> None:
    near = attrs.evolve(results.claims[0], value=0.9496, passed=False)
    assert "0.9496 [" in shown(tables.claims((near,)), width=200)
    assert "0.95 [" in shown(tables.claims((attrs.evolve(near, value=0.95),)), width=200)


def test_a_terminal_that_knows_only_ascii_is_served(results: Results) -> None:
    assert "+ pass" in shown(tables.report(results), encoding="ascii")


def test_hostile_text_is_shown_and_does_nothing(hostile: Results) -> None:
    text = shown(tables.report(hostile))
    assert "[bold red]x[/]" in text and "␛[31mE␇" in text and "⟨U+202E⟩abc" in text
    assert not set(text) & {"\x1b", "\x07", "\u202e", "\u2066"}


def test_colour_only_where_a_terminal_wants_it(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = io.StringIO()
    Console(file=stream, width=100, force_terminal=True, color_system="truecolor").print(
        tables.heat(results.discoveries[0])
    )
    assert "\x1b[" in stream.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    stream = io.StringIO()
    Console(file=stream, width=100, force_terminal=True).print(tables.report(results))
    assert "\x1b[31m" not in stream.getvalue()


def test_a_long_name_over_a_heat_map_is_whole(results: Results) -> None:
    cir = results.discoveries[0]
    names = [f"{'the_same_beginning_' * 3}{end}" for end in ("one", "two")]
    groups = tuple(attrs.evolve(group, name=name) for group, name in zip(cir.groups, names, strict=False))
    lines = "".join(shown(tables.heat(attrs.evolve(cir, groups=groups))).split())
    assert "_one" in lines and "_two" in lines


def test_a_rate_is_said_in_digits() -> None:
    assert [significant(rate) for rate in (0.05, 0.123, 1e-8)] == [
        "significant at 5 %",
        "significant at 12.3 %",
        "significant at 0.000001 %",
    ]
