"""Small specs that ask for much: each command ends within bounds, and says which limit it reaches where it does not do
all that is asked.

The specs are those of `tests/robustness/stress/bombs.py`, as large as one file may be; each is tried in a child with
limits on its time and memory. Time is held loosely here, for machines that are busy; `make stress ONLY=budgets` holds
it to what is promised.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from attack_runs import entrack
from stress import bombs
from stress.budgets import SECONDS, Cost, measured, warm, wrong

from entrack import api, budget
from entrack.source import Source

PATIENCE = 3 * SECONDS


@pytest.fixture(scope="module", autouse=True)
def warmed() -> None:
    warm()


def tried(command: str, name: str, folder: Path) -> Cost:
    spec = folder / "bomb.et"
    spec.write_text(bombs.BOMBS[name](1.0, folder))
    return measured(command, spec, *(["--store", str(folder / "store")] if command == "plan" else []))


@pytest.mark.parametrize("name", bombs.BOMBS)
def test_check(name: str, tmp_path: Path) -> None:
    cost = tried("check", name, tmp_path)
    assert (said := wrong(cost, PATIENCE)) is None, said


@pytest.mark.parametrize(
    "name", ["long_name", "very_long_name", "long_claim", "figures", "comments", "holes", "interventions"]
)
def test_fmt(name: str, tmp_path: Path) -> None:
    cost = tried("fmt", name, tmp_path)
    assert (said := wrong(cost, PATIENCE)) is None, said
    assert (tmp_path / "bomb.et").stat().st_size < 8 << 20


@pytest.mark.parametrize(
    "name",
    ["hard_alternates", "explicit_sweep", "minimality", "completeness", "cell_draws", "column_pool", "discoveries"],
)
def test_a_long_plan_says_so(name: str, tmp_path: Path) -> None:
    cost = tried("plan", name, tmp_path)
    assert (said := wrong(cost, PATIENCE)) is None, said
    assert "this goes beyond a limit of work that `check` has" in cost.said


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("hard_alternates", budget.MADE),
        ("many_sweeps", budget.ALL_CELLS),
        ("many_long_includes", budget.READ),
        ("includes_otherwise", budget.NAMED_FILES),
        ("json_heads", budget.HEADS),
        ("columns_of_a_table", budget.SEARCHED),
        ("open_claims", budget.CELLS_SEEN),
        ("arguments", budget.EXPANDED),
        ("alternates_of_a_long_task", budget.LOOKED_AT),
    ],
)
def test_the_limit_is_named_with_its_number(name: str, limit: budget.Limit, tmp_path: Path) -> None:
    cost = tried("check", name, tmp_path)
    assert cost.status == 2
    assert f"error[E707]: a limit of work is reached: {limit.most:,} {limit.name}" in cost.said
    assert f"help: {limit.help}" in cost.said
    assert cost.said.count("E707]") == 1


def test_a_name_is_not_as_long_as_it_likes(tmp_path: Path) -> None:
    for command in ("check", "fmt"):
        assert "error[E708]" in tried(command, "long_name", tmp_path).said


def test_neighbours_of_a_long_line_stay_short() -> None:
    text = bombs.long_claim(1.0, Path())
    formatted, _ = api.formatted(Source("x.et", text))
    assert formatted is not None and len(formatted) < 1.2 * len(text)


def test_files_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    read = Path.read_text

    def noted(self: Path, *args: Any, **named: Any) -> str:
        opened.append(self.name)
        return read(self, *args, **named)

    monkeypatch.setattr(Path, "read_text", noted)
    for name, file in (("column_tasks", "words.csv"), ("json_groups", "heads.json"), ("same_include", "part.et")):
        opened.clear()
        text = bombs.BOMBS[name](0.05, tmp_path)
        assert not [problem for problem in api.check(Source(str(tmp_path / "s.et"), text), {})[0] if problem.is_error]
        assert opened.count(file) == 1


def test_an_included_file_is_known_before_it_is_opened(tmp_path: Path) -> None:
    """Only the first 256 files are read, and a file that is there already is no other one under another name."""
    (tmp_path / "part.et").write_text("entrack 1\nparam p = 1\n")
    text = 'entrack 1\ninclude "part.et"\ninclude "./part.et"\ninclude "part.et"\n'
    problems, sources = api.check(Source(str(tmp_path / "s.et"), text), {})
    assert [problem.code for problem in problems] == ["W201"] and len(sources) == 2


def test_counts_do_not_depend_on_the_run(tmp_path: Path) -> None:
    source = Source(str(tmp_path / "s.et"), bombs.hard_alternates(0.02, tmp_path))
    seen = []
    for _ in range(2):
        with budget.within() as spent:
            api.check(source, {})
        seen.append({limit.name: many for limit, many in spent.spent.items()})
    assert seen[0] == seen[1] and seen[0]


def test_a_budget_belongs_to_one_command() -> None:
    source = Source("x.et", bombs.HEAD + bombs.many(30_000 // 4, "param p@ = 1\n"))
    for _ in range(4):  # together these are more words than a command may read
        assert api.formatted(source)[0] is not None


def test_many_problems_are_counted_not_shown(tmp_path: Path) -> None:
    cost = tried("check", "many_mistakes", tmp_path)
    assert cost.said.count("error[") == 200
    assert re.search(r"and 2,800 more problems, which are not shown", cost.said)


def test_a_number_that_is_none() -> None:
    """Infinity less infinity."""
    problems, _ = api.check(Source("x.et", bombs.numbers(1.0, Path())), {})
    assert [problem.code for problem in problems] == ["E304"]


def test_memory_that_runs_out_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "s.et").write_text(bombs.HEAD)

    def too_much(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(api, "check_source", too_much)
    ended = entrack("check", tmp_path / "s.et")
    assert (
        ended.exit_code == 3
        and ended.stderr.startswith("error: ")
        and "memory" in ended.stderr
        and "Traceback" not in ended.stderr
    )
