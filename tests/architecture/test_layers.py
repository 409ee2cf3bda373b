"""The layers: a file imports its own folder and layers above it in this list, and each package has its home.

Imports inside functions count too, for cycles as well; what only a type checker sees does not make one.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "entrack"
WORDS = (
    "frozen",
    "version",
    "documentation",
    "vocabulary",
    "errors",
    "arguments",
    "interrupts",
    "awaiting",
    "endings",
    "source",
    "budget",
    "address",
    "numbers",
    "sites",
    "ranking",
    "labels",
    "tree",
    "families",
    "model_config",
    "system",
    "separate_process",
    "error_text",
    "events",
    "files",
    "kept",
    "kept_checks",
    "results",
)
LAYERS = (
    *WORDS,
    "diagnostics",
    "highlight",
    "circuit_files",
    "syntax",
    "models",
    "check",
    "prompts",
    "plan",
    "store",
    "analysis",
    "engine",
    "execution",
    "workers",
    "verification",
    "report",
    "stores",
    "spec_files",
    "compile",
    "kept_runs",
    "run",
    "verify",
    "by_hand",
    "spec",
    "api",
    "from_python",
    "editor",
    "language_server",
    "artifact",
    "cli",
    "notebook",
)
"""From the words of the domain down to the command line."""
ALONE = {
    "store": {"frozen", "errors", "interrupts", "address"},
    "report": {*WORDS, "diagnostics", "highlight"},
    "analysis": {*WORDS, "syntax", "check", "plan", "prompts"},
    "engine": {*WORDS, "models", "plan"},
}
"""Stricter than the order: the store knows nothing of what it keeps, reports only results, and neither is known to
the engine."""
ALLOWED = {("errors", "diagnostics"), ("results", "diagnostics"), ("results", "report")}
"""The imports that go down, inside functions: an unknown name asks which are near, a table that is written for others
makes visible what nobody sees, and a result that is asked to draw itself asks what draws it."""
ROUND = {("entrack.results.drawing", "entrack.report.into_axes")}
"""The import that goes round, when a result is drawn, and the only one from results to reports (decision 052)."""
HOMES: Mapping[str, set[str]] = {
    "lark": {"syntax"},
    "rich": {"diagnostics", "report", "cli", "notebook"},
    "typer": {"cli"},
    "tokenizers": {"prompts", "builtin"},
    "huggingface_hub": {"models"},
    "diskcache": {"store"},
    "fsspec": {"store"},
    "httpx": {"store"},
    "safetensors": {"store", "engine", "builtin"},
    "gguf": {"engine"},
    "IPython": {"notebook"},
    "torch": {"engine", "by_hand", "builtin"},
    "nnsight": {"engine"},
    "transformers": {"engine", "builtin"},
    "peft": {"engine"},
    "matplotlib": {"report"},
    "fontTools": {"report"},
    "pandas": {"results"},
    "pyarrow": {"check"},
    "pygments": {"highlight"},
    "numpy": {"results", "store", "analysis", "engine", "execution", "verification", "by_hand", "report", "builtin"},
    "dask": {"workers"},
    "dask_jobqueue": {"workers"},
    "distributed": {"workers"},
    "ray": {"workers"},
    "pygls": {"language_server"},
    "lsprotocol": {"language_server"},
    "attrs": {*LAYERS, "builtin"},
}
STARTERS = {
    "entrack.separate_process": {"subprocess"},
    "entrack.prompts.tokenizer_sandbox": {"subprocess"},
    "entrack.check.parquet_process": {"subprocess"},
    "entrack.workers.processes": {"subprocess"},
}
"""The module that starts programs and the three that it serves, and what they may import for it. Which program:
tests/canary.py."""
FORBIDDEN_CALLS = (
    "eval",
    "exec",
    "compile",
    "__import__",
    "os.system",
    "os.popen",
    "torch.load",
    "numpy.load",
    "np.load",
)
FORBIDDEN_MODULES = ("pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "subprocess")


def modules() -> dict[str, ast.Module]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = ast.parse(path.read_text(encoding="utf-8"))
    return found


MODULES = modules()


def imported(tree: ast.AST) -> Iterator[str]:
    """Dotted names of the modules that a tree imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else str(node.module)


def layer(module: str) -> str:
    """The folder, or the file at the top, that a module of entrack belongs to; empty for the package itself."""
    return module.split(".")[1] if "." in module else ""


def wrong_imports(module: str, tree: ast.AST) -> list[str]:
    """The imports of a module that the order, or a stricter rule, does not allow."""
    own, wrong = layer(module), []
    for name in imported(tree):
        other = layer(name)
        if not name.startswith("entrack.") or other == own or (own, other) in ALLOWED:
            continue
        if LAYERS.index(other) > LAYERS.index(own) or other not in ALONE.get(own, LAYERS):
            wrong.append(f"{module} imports {name}")
    return wrong


@pytest.mark.parametrize("module", [name for name in MODULES if layer(name) not in ("", "builtin")])
def test_a_module_imports_layers_above_it(module: str) -> None:
    assert wrong_imports(module, MODULES[module]) == []


def test_every_folder_has_a_layer() -> None:
    assert {layer(name) for name in MODULES} - {"", "builtin"} == set(LAYERS)


def test_results_ask_for_reports_in_one_place() -> None:
    asks = {(name, other) for name in MODULES for other in imported(MODULES[name]) if layer(name) == "results"}
    assert {pair for pair in asks if layer(pair[1]) == "report"} == ROUND


def test_a_wrong_import_is_seen() -> None:
    assert wrong_imports("entrack.plan.cost", ast.parse("def f():\n    import entrack.store.disk"))
    assert wrong_imports("entrack.report.tables", ast.parse("from entrack.plan import plan"))
    assert not wrong_imports("entrack.store.disk", ast.parse("from entrack.store import files"))


@pytest.mark.parametrize("module", MODULES)
def test_each_package_has_its_home(module: str) -> None:
    for name in imported(MODULES[module]):
        package = name.split(".")[0]
        if package not in ("entrack", "__future__", *sys.stdlib_module_names):
            assert layer(module) in HOMES[{"attr": "attrs"}.get(package, package)], f"{module} imports {package}"


def in_cycles(modules: Mapping[str, ast.AST]) -> set[str]:
    """The modules that need one another, or what does; what only a type checker sees does not count."""
    round_ = {name: {other for one, other in ROUND if one == name} for name in modules}
    needs = {name: ({*_needed(tree)} & modules.keys()) - round_[name] for name, tree in modules.items()}
    while free := [name for name, others in needs.items() if not others & needs.keys() - {name}]:
        for name in free:
            del needs[name]
    return {*needs}


def test_no_cycles() -> None:
    assert not in_cycles(MODULES)


def test_a_cycle_through_a_function_is_seen() -> None:
    one = ast.parse("def f():\n    from entrack import events")
    other, typed = ast.parse("import entrack.errors"), ast.parse("if TYPE_CHECKING:\n    import entrack.errors")
    assert in_cycles({"entrack.errors": one, "entrack.events": other}) == {"entrack.errors", "entrack.events"}
    assert not in_cycles({"entrack.errors": one, "entrack.events": typed})


def _needed(tree: ast.AST) -> Iterator[str]:
    """The modules that a tree imports when it is loaded or when its functions are called."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from imported(node)
        else:
            yield from _needed(node)


@pytest.mark.parametrize("module", MODULES)
def test_nothing_runs_code_that_it_reads(module: str) -> None:
    for name in imported(MODULES[module]):
        assert name.split(".")[0] not in {*FORBIDDEN_MODULES} - STARTERS.get(module, set()), name
    for node in ast.walk(MODULES[module]):
        if isinstance(node, ast.Call):
            assert ast.unparse(node.func) not in FORBIDDEN_CALLS
            for keyword in node.keywords:
                trusting = (
                    keyword.arg in ("trust_remote_code", "allow_pickle", "shell")
                    and ast.unparse(keyword.value) != "False"
                )
                assert not trusting, ast.unparse(node)
