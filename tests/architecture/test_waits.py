"""No test waits without a bound: each has a limit as a whole, and what it starts and waits for has one of its own."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
FILES = {str(path.relative_to(TESTS)): path for path in sorted(TESTS.rglob("*.py"))}
PROGRAMS = ("subprocess.run", "subprocess.call", "subprocess.check_call", "subprocess.check_output")
WAITS = {"communicate": 2, "wait": 1, "join": 1, "get": 0, "result": 1}
"""Methods that wait, and how many arguments by place say how long. Of `get` only what waits has none; a path or a
text joins something."""


def unbounded(tree: ast.AST) -> Iterator[str]:
    """What may wait for ever."""
    for node in ast.walk(tree):
        if isinstance(node, ast.While) and isinstance(node.test, ast.Constant) and node.test.value:
            yield f"line {node.lineno}: while {node.test.value!r}"
        if isinstance(node, ast.Call) and _waits(node):
            yield f"line {node.lineno}: {ast.unparse(node.func)} without a timeout"


def _waits(call: ast.Call) -> bool:
    if any(keyword.arg in ("timeout", None) for keyword in call.keywords):
        return False
    if ast.unparse(call.func) in PROGRAMS:
        return True
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in WAITS:
        return False
    return len(call.args) < WAITS[call.func.attr] or (call.func.attr == "get" and not call.args and not call.keywords)


@pytest.mark.parametrize("name", FILES)
def test_nothing_waits_for_ever(name: str) -> None:
    assert list(unbounded(ast.parse(FILES[name].read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    "text",
    [
        "while True:\n  pass",
        "while 1:\n  pass",
        "subprocess.run([])",
        "p.wait()",
        "p.communicate()",
        "p.communicate('in')",
        "thread.join()",
        "queue.get()",
        "future.result()",
    ],
)
def test_what_waits_is_found(text: str) -> None:
    assert len(list(unbounded(ast.parse(text)))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "while left:\n  pass",
        "subprocess.run([], timeout=9)",
        "p.wait(3)",
        "p.communicate(timeout=9)",
        "thread.join(9)",
        "', '.join(words)",
        "known.get('a')",
        "run(**options)",
    ],
)
def test_what_is_bounded_is_let_be(text: str) -> None:
    assert list(unbounded(ast.parse(text))) == []


def test_each_test_has_a_limit(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.pluginmanager.hasplugin("timeout"), (
        "pytest-timeout is not there: pip install -c constraints.txt -e '.[dev]'"
    )
    assert 0 < float(pytestconfig.getini("timeout")) <= 600
    assert pytestconfig.getini("timeout_method") == "thread"
