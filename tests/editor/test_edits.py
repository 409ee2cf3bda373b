"""Edits that nobody would make, through the server: it answers each request, in time, and logs no fault."""

from __future__ import annotations

import os
import random
import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from speaking import Speaking

from entrack.editor.positions import Lines

SPECS = Path(__file__).parents[2] / "specs"
EDITS = int(os.environ.get("ENTRACK_EDITOR", "40"))
SEED = int(os.environ.get("ENTRACK_EDITOR_SEED", "0"))
SECONDS = 0.2 if "ENTRACK_EDITOR" in os.environ else 1
"""Of processor time, which a machine with other work to do stretches; in the suite a fault of a magnitude is seen."""
EDITS_OF_A_TEXT = 20
LONGEST = 50_000
"""Characters of a text: a paste that makes it longer is cut."""
IN_TIME = 8_000
"""Characters of the texts that are held to the time: half as many again as the longest spec that ships."""
STRANGE = (
    "\N{GRINNING FACE}",
    "e\N{COMBINING ACUTE ACCENT}",
    "\u2028",
    "\t",
    "\r\n",
    "\x00",
    "\N{ZERO WIDTH SPACE}",
    '"',
    "{",
    "}}",
    "[[",
    "((((",
    "# ",
    "measure m = ",
    "\ud83d",
)
REFUSED = -32803
"""What a request that cannot be done is answered with: a name that may not be changed."""
AT_A_PLACE = (
    "hover",
    "completion",
    "definition",
    "references",
    "documentHighlight",
    "prepareRename",
    "rename",
)
OF_A_TEXT = (
    "documentSymbol",
    "foldingRange",
    "formatting",
    "semanticTokens/full",
    "documentLink",
    "codeLens",
    "codeAction",
)
Draw = random.Random


def inserted(text: str, draw: Draw) -> str:
    place = draw.randrange(len(text) + 1)
    return text[:place] + draw.choice((*STRANGE, *text.split()[:50], "x", "1")) + text[place:]


def deleted(text: str, draw: Draw) -> str:
    start = draw.randrange(len(text) + 1)
    return text[:start] + text[start + draw.randrange(1, 40) :]


def line_twice(text: str, draw: Draw) -> str:
    lines = text.split("\n")
    place = draw.randrange(len(lines))
    return "\n".join((*lines[: place + 1], *lines[place:]))


def lines_changed_over(text: str, draw: Draw) -> str:
    lines = text.split("\n")
    first, second = draw.randrange(len(lines)), draw.randrange(len(lines))
    lines[first], lines[second] = lines[second], lines[first]
    return "\n".join(lines)


def cut(text: str, draw: Draw) -> str:
    return text[: draw.randrange(len(text) + 1)]


def pasted(text: str, draw: Draw) -> str:
    other = draw.choice(sorted(SPECS.rglob("*.et"))).read_text(encoding="utf-8")
    return text + other * draw.choice((1, 1, 2, 10))


KINDS: tuple[Callable[[str, Draw], str], ...] = (inserted, deleted, line_twice, lines_changed_over, cut, pasted)
WEIGHTS = (30, 30, 10, 10, 4, 4)


def test_every_edit_is_answered_in_time(tmp_path: Path) -> None:
    draw, paths = random.Random(SEED), sorted(SPECS.rglob("*.et"))
    took: dict[str, list[float]] = defaultdict(list)
    long: dict[str, list[float]] = defaultdict(list)
    slow: list[str] = []
    with Speaking(tmp_path / "log") as server:
        said = server.begin(SPECS)["capabilities"]
        assert said["completionProvider"]["triggerCharacters"]
        for number in range(EDITS):
            if number % EDITS_OF_A_TEXT == 0:
                path = draw.choice(paths)
                text = path.read_text(encoding="utf-8")
                uri = server.open(path, text)
                server.problems(uri)
            text = edited(text, draw)
            at, spent = f"seed {SEED}, edit {number} of {path.name}", took if len(text) <= IN_TIME else long
            try:
                edit(server, uri, text, draw, spent)
            except AssertionError as wrong:
                raise AssertionError(f"{at}: {wrong}") from wrong
            if spent is took:
                slow += [f"{at}: {method} {each[-1]:.3f} s" for method, each in took.items() if each[-1] > SECONDS]
            if number % EDITS_OF_A_TEXT == EDITS_OF_A_TEXT - 1:
                server.tell("textDocument/didClose", {"textDocument": {"uri": uri}})
    log = (tmp_path / "log").read_text(encoding="utf-8", errors="replace")
    assert not [line for line in log.splitlines() if "ERROR" in line or "Traceback" in line or "failed" in line], log
    print(table(took))
    print(f"texts of more than {IN_TIME:,} characters", table(long), sep="\n")
    assert not slow, f"slower than {SECONDS} s: {slow}"


def edited(text: str, draw: Draw) -> str:
    (kind,) = draw.choices(KINDS, WEIGHTS)
    return kind(text, draw)[:LONGEST]


def edit(server: Speaking, uri: str, text: str, draw: Draw, took: Mapping[str, list[float]]) -> None:
    """Change the text, have its problems, and ask everything that an editor may ask, once."""
    whole = {"textDocument": {"uri": uri}}
    before = server.worked()
    server.change(uri, {"text": text})
    problems = server.problems(uri)
    took["diagnostics"].append(server.worked() - before)
    lines = Lines(text)
    at = lines.place(draw.randrange(len(text) + 1))
    place = {"line": at.line, "character": at.column}
    span = {"start": place, "end": place}
    if problems:
        span = problems[0]["range"]
    more: dict[str, dict[str, Any]] = {
        "references": {"context": {"includeDeclaration": True}},
        "rename": {"newName": "another_name"},
        "formatting": {"options": {"tabSize": 2, "insertSpaces": True}},
        "codeAction": {"range": span, "context": {"diagnostics": problems[:1]}},
    }
    for method in (*AT_A_PLACE, *OF_A_TEXT):
        given = {**whole, **({"position": place} if method in AT_A_PLACE else {}), **more.get(method, {})}
        before = server.worked()
        answer = server.ask(f"textDocument/{method}", given)
        took[method].append(server.worked() - before)
        refused = method.lower().endswith("rename") and answer.get("error", {}).get("code") == REFUSED
        assert "result" in answer or refused, f"{method}: {answer}"


def table(took: Mapping[str, list[float]]) -> str:
    """Processor time of each request in milliseconds: the median, the 99th percentile, the most."""
    rows = [f"{'':20} {'median':>8} {'p99':>8} {'most':>8}  ms"]
    for method, each in took.items():
        told = sorted(1000 * seconds for seconds in each)
        p99 = told[min(len(told) - 1, int(len(told) * 0.99))]
        rows.append(f"{method:20} {statistics.median(told):8.1f} {p99:8.1f} {told[-1]:8.1f}  {len(told):,}")
    return "\n".join(rows)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_edit_changes_a_text(kind: Callable[[str, Draw], str]) -> None:
    text = (SPECS / "quickstart.et").read_text(encoding="utf-8")
    assert any(kind(text, random.Random(seed)) != text for seed in range(5))
