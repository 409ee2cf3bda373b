"""Text of others is shown and not obeyed: on a terminal, in HTML, in figures, in JSON.

`ENTRACK_TORTURE_COUNT` says how many payloads figures are drawn with (they take the time); everything else is tried
with all.
"""

from __future__ import annotations

import io
import json
import os
import re
import unicodedata
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from attack_payloads import PAYLOADS
from attack_results import BENIGN, ending_in, texts
from attack_runs import Study, entrack
from rich.console import Console, RenderableType

from entrack.diagnostics import Diagnostic, Label
from entrack.diagnostics.escape import HIDDEN as NOT_SEEN
from entrack.diagnostics.escape import UNSEEN, in_place, visible
from entrack.diagnostics.render import render_all
from entrack.report import figures, tables
from entrack.report.document import document, lines
from entrack.report.format import slug
from entrack.report.html import Written, report_html, results_html
from entrack.results import Results
from entrack.source import Source, Span
from entrack.store import DiskStore

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
DRAWN = PAYLOADS[:: max(1, len(PAYLOADS) // int(os.environ.get("ENTRACK_TORTURE_COUNT", "12")))]
FOUND = tuple(payload for payload in PAYLOADS if visible(payload) != payload)


def on_a_terminal(shown: RenderableType, width: int = 100) -> str:
    out = io.StringIO()
    Console(
        file=out, force_terminal=True, color_system="truecolor", width=width, highlight=False, legacy_windows=False
    ).print(shown)
    return out.getvalue()


def obeyed(text: str) -> list[str]:
    """What of a text a terminal would act on, but for line ends and the colours that entrack itself sets."""
    return [
        f"U+{ord(character):04X}"
        for character in COLOUR.sub("", text)
        if character != "\n" and (unicodedata.category(character) in UNSEEN or NOT_SEEN.match(character))
    ]


def test_there_are_many() -> None:
    assert len(set(PAYLOADS)) >= 200
    assert len(FOUND) >= 80


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_report_on_a_terminal(payload: str) -> None:
    shown = on_a_terminal(tables.report(ending_in(payload)))
    assert not obeyed(shown)
    assert set(COLOUR.findall(shown)) <= set(COLOUR.findall(on_a_terminal(tables.report(BENIGN))))
    wide = COLOUR.sub("", on_a_terminal(tables.report(ending_in(payload)), 100_000))
    assert f"title{visible(payload)}".rstrip() in wide, "it is shown as it is written"


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_diagnostic(payload: str) -> None:
    source = Source(f"spec{payload}.et", f'about {{ title "{payload}" }}')
    span = Span(source.name, 0, len(source.text))
    problem = Diagnostic(
        "E201",
        f"message {payload}",
        span,
        f"label {payload}",
        f"help {payload}",
        (Label(Span(f"other{payload}.et", 0, 1), payload), Label(span, payload)),
    )
    shown = on_a_terminal(render_all([problem], {source.name: source}), 100_000)
    assert not obeyed(shown)
    benign = Diagnostic(
        "E201", "message", span, "label", "help", (Label(Span("other.et", 0, 1), "x"), Label(span, "x"))
    )
    assert set(COLOUR.findall(shown)) <= set(COLOUR.findall(on_a_terminal(render_all([benign], {source.name: source}))))
    assert len(in_place(payload)) == len(payload), "what points at a place still points there"


class Elements(HTMLParser):
    """How often which element stands there with which attributes, and all text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.counted: Counter[str] = Counter()
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.counted[f"{tag} {sorted(attributes)}"] += 1

    def handle_endtag(self, tag: str) -> None:
        self.counted[f"/{tag}"] += 1

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.counted["comment"] += 1

    def handle_decl(self, decl: str) -> None:
        self.counted["declaration"] += 1

    def unknown_decl(self, data: str) -> None:
        self.counted["declaration"] += 1

    def handle_pi(self, data: str) -> None:
        self.counted["instruction"] += 1


@pytest.mark.parametrize("payload", PAYLOADS)
def test_html(payload: str) -> None:
    found, expected = Elements(results_html(ending_in(payload))), Elements(results_html(BENIGN))
    assert found.counted == expected.counted, "no element and no attribute that a benign report has not"
    assert not obeyed(found.text)
    assert f"title{visible(payload)}" in found.text


class Kinds(Elements):
    """The same, of attributes their names only; without the pieces of a spec, of which a text has as many as it has."""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        looks = next((value or "" for name, value in attributes if name == "class"), "")
        if not looks.startswith("et-"):
            self.counted[f"{tag} {sorted(name for name, _ in attributes)} {looks}"] += 1

    def handle_endtag(self, tag: str) -> None:
        if tag != "span":
            self.counted[f"/{tag}"] += 1


@pytest.mark.parametrize("payload", PAYLOADS)
def test_the_page(payload: str) -> None:
    written, plain = (
        Written((Source(f"spec{end}.et", f'# {end}\nclaim "{end}" m >= 0.5'),), {"note": f"note{end}"}, f"run {end}")
        for end in (payload.replace("\n", " ").replace("\r", " "), "")
    )
    found, expected = Kinds(report_html(ending_in(payload), written)), Kinds(report_html(BENIGN, plain))
    added = {kind for kind in found.counted.keys() - expected.counted.keys() if not kind.startswith(("td", "th"))}
    assert not added, "no element and no attribute that a benign page has not; a table may be set otherwise"
    for kind in (
        "/head",
        "/style",
        "/title",
        "/body",
        "/main",
        "/section",
        "/article",
        "/svg",
        "/h3",
        "/table",
        "/pre",
    ):
        assert found.counted[kind] == expected.counted[kind]
    assert not obeyed(found.text.replace("\t", "")), "a tab of a spec is one"
    assert f"title{visible(payload)}" in found.text


@pytest.mark.parametrize("payload", PAYLOADS)
def test_json(payload: str) -> None:
    results = ending_in(payload)
    for text in (document(results), *lines(results).splitlines()):
        assert text.isascii() and not obeyed(text)
        assert texts(json.loads(text)) <= _said(results), "every text comes back as it was"
    assert f"title{payload}" in texts(json.loads(document(results)))


def _said(results: Results) -> set[str]:
    whole = results.to_json()
    return (
        texts(json.loads(json.dumps(whole, default=str)))
        | {"cell", "group", "mask", "claim", "kind", "measure", "discovery", "spec_address"}
        | texts(whole)
    )


@pytest.mark.parametrize("payload", DRAWN)
def test_figures(payload: str, tmp_path: Path) -> None:
    drawn = figures.draw_all(ending_in(payload), tmp_path / "hostile")
    expected = figures.draw_all(BENIGN, tmp_path / "benign")
    assert len(drawn) == len(expected)
    for path in drawn:
        assert re.fullmatch(r"[a-z0-9-]{1,90}\.(png|svg)", path.name) and path.parent == tmp_path / "hostile"
    allowed = set[tuple[str, frozenset[str]]]().union(*(_svg(path) for path in expected if path.suffix == ".svg"))
    for path in (path for path in drawn if path.suffix == ".svg"):
        assert {tag for tag, _ in _svg(path)} <= {tag for tag, _ in allowed} | {"{http://www.w3.org/2000/svg}tspan"}
        assert not any(name.startswith("on") for _, names in _svg(path) for name in names)
        assert not obeyed(path.read_text(encoding="utf-8"))
        assert all(
            link.startswith(("#", "data:image/png;base64,"))
            for link in re.findall(r'href="([^"]*)"', path.read_text(encoding="utf-8"))
        )


def _svg(path: Path) -> set[tuple[str, frozenset[str]]]:
    return {(element.tag, frozenset(element.attrib)) for element in ElementTree.parse(path).iter()}


@pytest.mark.parametrize("payload", PAYLOADS)
def test_file_names(payload: str) -> None:
    assert re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,88}[a-z0-9])?", slug(payload))


# --- the commands ------------------------------------------------------------------------------------------------

HIDDEN = tuple(
    dict.fromkeys(
        payload
        for payload in FOUND
        if payload.strip() and "\n" not in payload and "\r" not in payload and not re.search("[\ud800-\udfff]", payload)
    )
)


def test_prompts_of_words_from_a_table(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """A column may hold any text: each payload is an object in a prompt once."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    words = [f"w{place} {payload}" for place, payload in enumerate(HIDDEN)]
    (study.folder / "objects.csv").write_text(
        "object\n" + "".join('"' + word.replace('"', '""') + '"\n' for word in words), encoding="utf-8"
    )
    study.spec.write_text(
        study.spec.read_text().replace(
            '2 distinct from ["apple", "ball", "bell", "book"]',
            f'{len(words)} distinct from column("objects.csv", "object")',
        )
    )
    shown = entrack("prompts", study.spec, "boxes", "-n", 40)
    assert shown.exit_code in (0, 2), shown.output
    assert not obeyed(shown.stdout) and not obeyed(shown.stderr)
    printed = entrack("prompts", study.spec, "boxes", "-n", 40, "--json")
    assert printed.stdout.isascii()


@pytest.mark.parametrize(
    "payload", [payload for payload in HIDDEN if "/" not in payload and "\0" not in payload and len(payload) < 100]
)
def test_names_of_files(payload: str, study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    spec = study.folder / f"s{payload}.et"
    study.spec.rename(spec)
    for result in (
        entrack("check", spec),
        entrack("check", spec.with_name(f"none{payload}.et")),
        entrack("cache", "doctor", "--store", study.folder / f"store{payload}"),
    ):
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert result.output and not obeyed(result.stdout) and not obeyed(result.stderr)


def test_a_store_of_a_stranger(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a step was for, and how it was made, are texts in a store."""
    import numpy as np

    monkeypatch.setenv("FORCE_COLOR", "1")
    hostile = [payload for payload in PAYLOADS if not re.search("[\ud800-\udfff]", payload)]
    with DiskStore(study.folder / "store") as store:
        for place, payload in enumerate(hostile):
            store.put(
                f"{place:064x}",
                {"x": np.zeros(1)},
                {"what": payload, "executor": payload, payload: payload, "seconds": 1.0},
            )
    for arguments in (("ls", "-n", len(hostile)), ("show", f"{3:064x}"), ("verify",), ("doctor",)):
        result = entrack("cache", *arguments, "--store", study.folder / "store")
        assert result.exit_code == 0, result.output
        assert not obeyed(result.stdout) and not obeyed(result.stderr)


@pytest.mark.parametrize(
    "payload",
    [
        "[bold red]x[/]",
        "[/]",
        "[link=https://evil.example]x[/link]",
        ":skull:",
        "{task.description}",
        "%s",
        "<script>alert(1)</script>",
    ],
)
def test_markup_in_a_spec(payload: str, study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    items = (
        f'about {{ title "{payload}" }}',
        f'claim "{payload}" told[nothing] >= 0',
        f'figure "f {payload}" = bars(told)',
        f'table "{payload}" = told',
    )
    study.spec.write_text("\n".join([study.spec.read_text(), *items]))
    result = entrack("run", study.spec, "--store", study.folder / "store", "--out", study.folder / "out")
    assert result.exit_code == 0, result.output
    assert COLOUR.sub("", result.stdout).count(payload) >= 2
    assert not obeyed(result.stdout)
