"""Change one operator or number of `entrack/analysis` at a time and see whether a test fails: `make mutants`.

Prints each change that none of the tests in `tests/analysis` sees, and the share that they see; exit status 1 below
95 %. Which of all changes are tried follows from the count alone. Harmless ones are in docs/trust.md.
"""

from __future__ import annotations

import ast
import io
import os
import signal
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from copy import deepcopy
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_loader
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from hypothesis import settings

from entrack.prompts.rng import rank

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "entrack" / "analysis"
TESTS = [
    str(ROOT / "tests/analysis" / f"test_{name}.py")
    for name in (
        "build_results",
        "run_values",
        "intervals",
        "estimates",
        "claims",
        "certificates",
        "confidence_sequences",
        "circuits",
        "selection",
        "sender_scores",
        "screening",
        "racing",
        "outcomes",
        "resampling",
        "cells",
        "significance",
        "confirmation",
        "basis",
    )
]
ENOUGH = 0.95
PATIENCE = 120
"""Seconds after which a change counts as seen: it loops."""
TUNING = {
    *("EXACT", "FEW", "STRAIGHT", "LEVELS", "FAR", "FINE", "ROUNDING", "RESAMPLES", "CHUNK"),
    *("STEPS", "HALVINGS", "DOUBLINGS"),
}
"""Numbers that say how finely or how long something is computed; another near them is as good."""
HARMLESS: Mapping[str, str] = {
    "racing._limits: 1.0": "a divisor where the quotient is not used",
    "significance._above_zero: 1.0": "a divisor where the quotient is not used",
    "intervals.moved_limits: 1.0": "a divisor where the quotient is not used",
    "intervals._unskewed: 1.0": "a divisor where the quotient is not used",
    "intervals._lower_beta: (a + 1) / (a + b + 2)": "from where on the other end is quicker; both are right",
    "intervals._mid_p: hits / (hits + misses)": "a bound of the search, far from where it ends",
    "intervals._mid_p: slope > 0": "whether a step or a halving is taken; bounds hold both",
    "intervals._mid_p: (low + high) / 2": "a step that bounds hold",
    "intervals._mid_p: abs(step) < 1e-12 * at": "how fine the search is",
    "intervals._beyond: exactly * (hits / share + misses / (1 - share)) / 2": "the slope of a step that bounds hold",
    "intervals._continued: abs(before * ratio - 1) < 1e-14": "how fine the fraction is",
    "confidence_sequences.fixed_sample: STEPS + 1": "how many bets are tried: how fine the search is",
    "confidence_sequences._reach: 2.0": "by how much steps grow",
    "estimates._level: else 0.0": "as many prompts as there are is more",
    "estimates.limits: sqrt(_square(self.moves)) or abs(self.value) or 1.0": "the first step of a search that grows",
    "estimates._crossing: 2 * (outer[0] - start)": "by how much steps grow",
    "estimates._between: FINE * max(abs(outer[0]), abs(outer[0] - inner[0]))": "how fine the search is",
    "estimates._between: abs(outer[0] - inner[0])": "how wide the bracket is, for when to halve it",
    "estimates._between: [1.0, 1.0]": "weights of a step that the bracket holds",
    "estimates._between: inner[1] * weights[0]": "a step that the bracket holds",
    "estimates._between: outer[1] * weights[1]": "a step that the bracket holds",
    "estimates._between: (inner[0] + outer[0]) / 2": "a step that the bracket holds",
    "estimates._between: not halve and isfinite(low) and (high > low)": "which of two steps is taken",
    "estimates._between: inner[0] + (outer[0] - inner[0]) * min(0.99, max(0.01, -low / (high - low)))": "such a step",
    "estimates._between: [weights[0] / 2, 1.0]": "weights of a step that the bracket holds",
    "estimates._between: [1.0, weights[1] / 2]": "weights of a step that the bracket holds",
    "estimates._between: abs(outer[0] - inner[0]) > wide / 2": "which of two steps is taken",
}
"""Parts of functions in which a change does no harm, and why: how a search goes on its way to one end, and how finely.
What it looks for, and within what, is changed."""
SHOWN_ONLY = ("repr", "eq", "slots", "kw_only")
"""Arguments of fields: what a value looks like in a traceback."""
LONG = 50
"""Rounds from which on one more changes nothing: the search has ended before."""
SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Pow: ast.Mult,
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
NAMES = {"min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum", "any": "all", "all": "any"}


@frozen
class Mutant:
    """Node number `node` of a module, in the order of a walk, changed."""

    module: str
    node: int
    line: int
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.module}.py:{self.line}: {self.before} -> {self.after}"


def mutants(module: str) -> Iterator[Mutant]:
    """Every change of a module."""
    tree = ast.parse((FOLDER / f"{module}.py").read_text(encoding="utf-8"))
    for place, node in _changeable(tree, module):
        after = deepcopy(node)
        if _change(after):
            yield Mutant(module, place, getattr(node, "lineno", 0), ast.unparse(node), ast.unparse(after))


def mutated(mutant: Mutant) -> str:
    """The text of a module with the change."""
    tree = ast.parse((FOLDER / f"{mutant.module}.py").read_text(encoding="utf-8"))
    _change(next(node for place, node in _changeable(tree, mutant.module) if place == mutant.node))
    return ast.unparse(tree)


def _changeable(tree: ast.Module, module: str) -> Iterator[tuple[int, ast.AST]]:
    """Nodes outside of annotations, decorators, imports, constants of tuning and what is known to be harmless."""
    skipped = {id(inner) for part in _harmless(tree, module) for inner in ast.walk(part)}
    for place, node in enumerate(ast.walk(tree)):
        for part in _left_alone(node):
            skipped.update(id(inner) for inner in ast.walk(part))
        if id(node) not in skipped:
            yield place, node


def _harmless(tree: ast.Module, module: str) -> Iterator[ast.AST]:
    """The parts that `HARMLESS` names."""
    named = {key.partition(":")[0] for key in HARMLESS}
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef) and f"{module}.{function.name}" in named:
            for node in ast.walk(function):
                if isinstance(node, ast.expr) and f"{module}.{function.name}: {ast.unparse(node)}" in HARMLESS:
                    yield node
                if (
                    isinstance(node, ast.IfExp)
                    and f"{module}.{function.name}: else {ast.unparse(node.orelse)}" in HARMLESS
                ):
                    yield node.orelse


def _left_alone(node: ast.AST) -> list[ast.AST]:
    match node:
        case ast.Call(func=ast.Name(id="zip"), keywords=[*keywords]):  # what is zipped has one length
            return [keyword for keyword in keywords if keyword.arg == "strict"]
        case ast.Call(func=ast.Name(id="field"), keywords=[*keywords]):
            return [keyword for keyword in keywords if keyword.arg in SHOWN_ONLY]
        case ast.For(iter=ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=int(many)) as rounds])):
            return [rounds] if many >= LONG else []
        case ast.AnnAssign(annotation=annotation):
            return [annotation]
        case ast.arg(annotation=annotation) if annotation:
            return [annotation]
        case ast.FunctionDef(returns=returns, decorator_list=decorators):
            return [*decorators, *([returns] if returns else [])]
        case ast.ClassDef(decorator_list=decorators):
            return list(decorators)
        case ast.Assign(targets=[ast.Name(id=name)]) if name in TUNING or (name[0].isupper() and name != name.upper()):
            return [node]
    return []


def _change(node: ast.AST) -> bool:
    """Change a node in place; False where there is nothing to change."""
    match node:
        case ast.BinOp(op=op) | ast.BoolOp(op=op) | ast.AugAssign(op=op) if type(op) in SWAPS:
            node.op = SWAPS[type(op)]()  # type: ignore[assignment]  # one operator for another of its kind
        case ast.Compare(ops=[op]) if type(op) in SWAPS:
            node.ops = [SWAPS[type(op)]()]  # type: ignore[list-item]  # a comparison for another
        case ast.UnaryOp(op=ast.USub()):
            node.op = ast.UAdd()
        case ast.Constant(value=bool(value)):
            node.value = not value
        case ast.Constant(value=int() | float() as value):
            node.value = value + 1
        case ast.Attribute(attr=name) if name in NAMES:
            node.attr = NAMES[name]
        case ast.Name(id=name) if name in NAMES:
            node.id = NAMES[name]
        case _:
            return False
    return True


# --- trying them -------------------------------------------------------------------------------------------------


class Changed(MetaPathFinder):
    """Gives one module another text."""

    def __init__(self, name: str, path: Path, text: str) -> None:
        self._name, self._loader = name, Text(name, str(path))
        self._loader.text = text

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        return spec_from_loader(fullname, self._loader) if fullname == self._name else None


class Text(SourceFileLoader):
    """Loads a text instead of a file's; keeps nothing beside the file."""

    text = ""

    def get_data(self, path: str | bytes) -> bytes:
        return self.text.encode()

    def path_stats(self, path: str) -> Mapping[str, Any]:
        raise OSError


def seen(mutant: Mutant | None) -> bool:
    """Whether a test fails with a change; None: without one."""
    child = os.fork()
    if child == 0:
        os._exit(_tried(mutant))
    for _ in range(PATIENCE * 20):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) != 0
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def _tried(mutant: Mutant | None) -> int:
    try:
        if mutant is not None:
            name = f"entrack.analysis.{mutant.module}"
            sys.meta_path.insert(0, Changed(name, FOLDER / f"{mutant.module}.py", mutated(mutant)))
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            there = sorted(filter(os.path.exists, TESTS), key=lambda path: path != _own(mutant))
            settings.register_profile("few", max_examples=10, deadline=None, derandomize=True)
            options = ["-x", "-q", "-p", "no:cacheprovider", "--hypothesis-profile", "few", "--rootdir", str(ROOT)]
            return int(pytest.main([*options, *there]))
    except BaseException:  # a module that does not import is seen
        return 1


def _own(mutant: Mutant | None) -> str:
    """The tests of the module that is changed: most changes are seen there."""
    return str(ROOT / "tests/analysis" / f"test_{mutant.module}.py") if mutant else ""


def chosen(count: int, only: str) -> list[Mutant]:
    """So many changes of all, by chance, the same each time."""
    modules = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem.startswith(only))
    every = [mutant for module in modules for mutant in mutants(module)]
    return sorted(every, key=lambda one: rank("mutant", one.module, one.node))[:count]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--only", default="", help="modules whose name begins so")
    options = parser.parse_args(arguments)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if seen(None):
        print("the tests fail as it is")
        return 2
    several = chosen(options.count, options.only)
    survived = []
    for place, mutant in enumerate(several):
        if not seen(mutant):
            survived.append(mutant)
            print(f"{place + 1}: {mutant}", flush=True)
    share = 1 - len(survived) / len(several)
    print(f"{len(several) - len(survived)} of {len(several)} changes are seen, {share:.1%}")
    return int(share < ENOUGH)


if __name__ == "__main__":
    sys.exit(main())
