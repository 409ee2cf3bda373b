"""Rules for datasets of the hub: how one is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from entrack.check.models import HUB_NAME, REVISION
from entrack.check.scope import Scope
from entrack.models.datasets import Dataset
from entrack.syntax import ast

EXAMPLE = 'write `dataset("owner/name", "train.jsonl", revision = "main")`'
FILE = 'write `one row of "pairs.csv"`, or of `dataset("owner/name", "pairs.csv", revision = "main")`'
MOST_PATH = 255


def named_dataset(scope: Scope, call: ast.Call) -> Dataset | None:
    """The dataset that a call names. Reports what is wrong with it."""
    if call.name != "dataset":
        scope.report("E401", "a row is of a file", call.span, "", FILE)
        return None
    match call.arguments:
        case (ast.String() as name, ast.String() as file, ast.Named("revision", ast.String() as revision)):
            fits = [_fits(scope, node, rule, good=good) for good, node, rule in _rules(name, file, revision)]
            return Dataset(name.value, file.value, revision.value) if all(fits) else None
    scope.report("E502", "a dataset is named with a file and its revision", call.span, "", EXAMPLE)
    return None


def _rules(name: ast.String, file: ast.String, revision: ast.String) -> Iterator[tuple[bool, ast.String, str]]:
    yield HUB_NAME.fullmatch(name.value) is not None, name, "a dataset on the hub is named owner/name"
    yield _is_inside(file.value), file, "a file is named by its path inside the dataset"
    yield REVISION.fullmatch(revision.value) is not None, revision, "a revision is a commit, branch or tag, in quotes"


def _fits(scope: Scope, node: ast.String, rule: str, *, good: bool) -> bool:
    if not good:
        scope.report("E502", rule, node.span, "", EXAMPLE)
    return good


def _is_inside(file: str) -> bool:
    """Whether this is a plain path that leads down."""
    path = PurePosixPath(file)
    plain = file.isprintable() and not set(file) & set("\\:?#%") and len(file) <= MOST_PATH
    return plain and bool(path.parts) and not path.is_absolute() and ".." not in path.parts
