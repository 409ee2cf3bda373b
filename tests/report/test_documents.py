"""results.json, results.jsonl and the notebook's HTML."""

from __future__ import annotations

import json
import os
from html.parser import HTMLParser
from pathlib import Path

import pytest
from attrs import evolve

from entrack import files
from entrack.report import document
from entrack.report.html import results_html
from entrack.results import Results


class Tags(HTMLParser):
    """What a browser would see."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_json_is_the_document(results: Results, tmp_path: Path) -> None:
    whole, lines = document.write(results, tmp_path)
    assert json.loads(whole.read_text()) == json.loads(json.dumps(results.to_json()))
    assert [path.name for path in (whole, lines)] == ["results.json", "results.jsonl"]
    first = whole.read_bytes()
    document.write(results, tmp_path)
    assert whole.read_bytes() == first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results.json", "results.jsonl"]


def test_jsonl_has_a_line_for_each_cell_group_and_claim(results: Results) -> None:
    records = [json.loads(line) for line in document.lines(results).splitlines()]
    cells = sum(len(measure.cells) for measure in results.measures)
    assert [record["kind"] for record in records] == ["cell"] * cells + ["group"] * 4 + ["claim"] * 2
    assert {record["spec_address"] for record in records} == {"12" * 32}
    assert records[2] | {"spec_address": ""} == {
        "kind": "cell",
        "measure": "table_2",
        "metric": "accuracy",
        "unit": "fraction",
        "value": 0.66,
        "n": 500,
        "labels": {"model": "base", "intervention": "nothing", "prompts": "boxes"},
        "sd": None,
        "draws": [],
        "interval": [0.62, 0.7000000000000001],
        "interval_of_these_draws": None,
        "outcomes": [1.0, 0.0],
        "address": "ab" * 32,
        "spec_address": "",
    }
    assert records[cells]["group"] == "value_fetcher" and records[cells]["heads"] == [[3, 1], [3, 6], [2, 2]]


def test_masks_are_lines_too(study: Results) -> None:
    records = [json.loads(line) for line in document.lines(study).splitlines()]
    mine = [record for record in records if record["kind"] == "mask"]
    assert [(record["group"], record["desideratum"]) for record in mine] == [
        (mask.group, mask.desideratum) for mask in study.masks
    ]
    assert mine[0] == {
        "kind": "mask",
        "mask": "role",
        "model": "base",
        "group": "value_fetcher",
        "desideratum": "object_value",
        "position": "last",
        "over": [[3, 1], [10, 2], [3, 6]],
        "over_sites": ["3.1", "10.2", "3.6"],
        "values": [0.0, 0.0, 1.0],
        "heads": [[3, 1], [10, 2]],
        "sites": ["3.1", "10.2"],
        "step": 40,
        "validation": 0.7,
        "n": 500,
        "address": "ef" * 32,
        "spec_address": "12" * 32,
    }
    shares = [record for record in records if record.get("measure") == "shared"]
    assert {record["interval"] for record in shares} == {None}
    ratios = [record for record in records if record.get("measure") == "minimal" and record["value"] is None]
    assert [record["labels"]["head"] for record in ratios] == ["value_fetcher 3.6", "structure_reader 0.5"]


def test_html_shows_masks_and_shares(study: Results) -> None:
    words = " ".join(Tags(results_html(study)).words)
    for expected in (
        "2 of 3",
        "3.1",
        "10.2",
        "0.33 of 3",
        "infinite",
        "overlap of cir with cir_tuned",
        "n = 1 to 7 heads",
    ):
        assert expected in words
    assert "value_fetcher 3.1" not in results_html(study)


def test_a_number_that_does_not_exist_is_null(hostile: Results) -> None:
    assert json.loads(document.document(hostile))["claims"][0]["value"] is None
    assert "NaN" not in document.lines(hostile)
    assert document.document(hostile).isascii()


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = files.put(tmp_path / "results.json", b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.put(path, b"new")
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_html_shows_everything(results: Results) -> None:
    words = " ".join(Tags(results_html(results)).words)
    for expected in (
        "0.66 [0.62, 0.70]",
        "Table 2",
        "3.1 -0.400",
        "✓ pass",
        "✗ FAIL",
        "within 0.03 of 0.89",
        "n = 300 (changed)",
    ):
        assert expected in words
    assert evolve(results, html=results_html)._repr_html_() == results_html(results)
    assert results._repr_html_() is None, "a notebook falls back to text"


def test_hostile_text_adds_no_element_to_html(results: Results, hostile: Results) -> None:
    benign, evil = Tags(results_html(results)), Tags(results_html(hostile))
    assert evil.tags <= benign.tags and evil.attributes <= benign.attributes
    assert "<script>alert(1)</script>" in "".join(evil.words)
    assert not set(results_html(hostile)) & {"\x1b", "\x07", "\u202e", "\u2066"}
