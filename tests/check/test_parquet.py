"""Rows from Parquet are those from CSV; a file that is none, or stands for too much, is refused in a moment."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from entrack import api, separate_process
from entrack.check import parquet_process
from entrack.check.parquet_process import NoParquet, json_lines_of
from entrack.cli.prompts import prompts_json
from entrack.source import Source

TASK = """entrack 1
model base = builtin("boxes-base")
task pairs {
  row    = one row of "pairs.ENDING"
  prompt = row.clean
  answer = row.answer
  year   = number(row.year)
  at last = end of prompt
}
measure m = accuracy(base) on all pairs
"""
ROWS = [
    {"clean": f"The {thing} is in Box {label}. Box {label} contains the", "answer": thing, "year": number}
    for number, (thing, label) in enumerate(zip(("apple", "ball", "bell", "book"), "ABCD", strict=True))
]


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    parquet.write_table(pyarrow.Table.from_pylist(rows), path, compression="zstd")
    return path


def said(folder: Path) -> list[str]:
    source = Source(str(folder / "spec.et"), TASK.replace("ENDING", "parquet"))
    return [f"{problem.code} {problem.message} {problem.help}" for problem in api.check(source, {})[0]]


def test_the_same_rows(tmp_path: Path) -> None:
    written(tmp_path / "pairs.parquet", [{**row, "blob": b"x", "list": [1]} for row in ROWS])
    lines = (",".join(str(cell) for cell in row.values()) + "\n" for row in ROWS)
    (tmp_path / "pairs.csv").write_text("clean,answer,year\n" + "".join(lines))
    one, other = (
        prompts_json(
            api.loads(Source(str(tmp_path / "spec.et"), TASK.replace("ENDING", ending))).prompts("pairs", 4)[0]
        )
        for ending in ("csv", "parquet")
    )
    assert [entry.pop("rows")[0].replace("csv", "parquet") for entry in one] == [
        f"pairs.parquet:{int(entry.pop('rows')[0].partition(':')[2]) + 1}" for entry in other
    ]
    assert one == other


def test_bad_rows_are_named_by_their_number(tmp_path: Path) -> None:
    written(tmp_path / "pairs.parquet", [*ROWS, {"clean": "The", "answer": None, "year": 3}])
    source = Source(str(tmp_path / "spec.et"), TASK.replace("ENDING", "parquet"))
    (problem,), sources = api.check(source, {})
    assert (problem.code, problem.message) == ("E441", "this row has no `answer`")
    assert sources[problem.span.file].place(problem.span.start) == (5, 1)


DAMAGED: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda _: b"",
    "a name alone": lambda _: b"PAR1PAR1",
    "cut off": lambda raw: raw[: len(raw) // 2],
    "without a footer": lambda raw: raw[:-200] + bytes(200),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_what_is_no_parquet(name: str, tmp_path: Path) -> None:
    path = written(tmp_path / "pairs.parquet", ROWS)
    path.write_bytes(DAMAGED[name](path.read_bytes()))
    (problem,) = said(tmp_path)
    assert problem.startswith("E213 `pairs.parquet` cannot be read: it is no Parquet file")


def test_a_small_file_that_stands_for_much(tmp_path: Path) -> None:
    """A gigabyte in some kilobytes."""
    written(tmp_path / "pairs.parquet", [{"clean": "a" * 50_000_000, "answer": "b", "year": 1}] * 20)
    assert (tmp_path / "pairs.parquet").stat().st_size < 1 << 16
    (problem,) = said(tmp_path)
    assert problem.startswith("E213") and ("than it may" in problem or "more than 16,777,216 bytes" in problem)


def test_too_many_rows(tmp_path: Path) -> None:
    written(tmp_path / "pairs.parquet", [{"clean": "a", "answer": "b", "year": 1}] * 100_001)
    (problem,) = said(tmp_path)
    assert "more than 100,000 rows" in problem


def test_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path / "pairs.parquet", ROWS)
    monkeypatch.setattr(separate_process, "find_spec", lambda name: None)
    (problem,) = said(tmp_path)
    assert 'which is not here write `pip install "entrack[parquet]"`' in problem


def test_the_process_has_nothing_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of the user's own is not found by it, and one that takes too long is ended."""
    (tmp_path / "pyarrow.py").write_text("raise SystemExit(7)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    raw = written(tmp_path / "pairs.parquet", ROWS).read_bytes()
    assert [json.loads(line) for line in json_lines_of(raw).splitlines()] == ROWS
    monkeypatch.setattr(parquet_process, "SECONDS", 0.01)
    raw = written(tmp_path / "pairs.parquet", ROWS * 20_000).read_bytes()
    with pytest.raises(NoParquet, match="more time or memory than it may"):
        json_lines_of(raw)


def test_a_column_is_a_pool_too(tmp_path: Path) -> None:
    written(tmp_path / "pairs.parquet", ROWS)
    (tmp_path / "pairs.jsonl").write_text("\n".join(json.dumps(row) for row in ROWS), encoding="utf-8")
    for ending in ("parquet", "jsonl"):
        task = f'task t {{ thing = one from column("pairs.{ending}", "answer")\n'
        task += 'prompt = "The {thing}" answer = thing\nat last = end of prompt }\n'
        text = TASK.split("task")[0] + task
        entries = prompts_json(api.loads(Source(str(tmp_path / "spec.et"), text)).prompts("t", 30)[0])
        assert {entry["answer"] for entry in entries} == {row["answer"] for row in ROWS}
