"""Runs and forecasts that are kept: byte for byte what they are from nothing, whatever is kept, and from nothing
whenever anything that decides them is another. Outcomes are made up; all else is real."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zlib
from collections.abc import Callable, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attrs import evolve
from plan_worlds import SPEC, make_model, weights
from rich.console import Console
from safetensors.numpy import save_file

from benchmarks.rehearsal import made_up, without_weights
from entrack import api, kept_runs, run
from entrack.cli.artifacts import write_all
from entrack.cli.plans import plan_json, plan_table
from entrack.compile import models_of
from entrack.events import Damaged, RunFinished, RunStarted
from entrack.kept import NOT_KEPT, Kept
from entrack.kept_runs import MOST, kept_run
from entrack.models.supplied import Supplied
from entrack.plan.executor_kind import ExecutorKind
from entrack.prompts import kept_prompts
from entrack.report.document import document
from entrack.report.tables import report
from entrack.results import Results
from entrack.run import repository_of, run_spec
from entrack.spec import Spec
from entrack.store.disk import DiskStore
from entrack.store.memory import MemoryStore

ROOT = Path(__file__).parents[2]
FEW: Mapping[str, Mapping[str, float]] = {"quickstart.et": {"n": 4}, "direction/smollm2.et": {"n": 4, "m": 4}}
HEAVY: Mapping[str, Mapping[str, float]] = {
    **{f"boxes/{name}.et": {} for name in ("significant", "screen", "cmap", "completeness", "masks", "knockout")},
    **{f"{name}/smollm2.et": {"n": 2, "m": 4} for name in ("ioi", "edges", "gender_bias", "greater_than", "induction")},
    **{f"{name}/smollm2.et": {"n": 2} for name in ("causal_tracing", "knockout", "agreement")},
    **{f"{name}/smollm2.et": {"m": 4} for name in ("logit_lens", "function_vectors")},
}
"""Minutes in all: `make kept-runs`."""
SHIPPED = {**FEW, **(HEAVY if os.environ.get("ENTRACK_KEPT_RUNS") else {})}
COMMAND = (sys.executable, "-c", "from entrack.cli.main import main; main()")
MORE = """
claim "it does" plain >= 0.1
claim "it never does" acc[only(cir)] < 0
figure "Circuit" = diagram(cir)
table "Accuracy" = acc
"""
OF_FILES = """
group best in base at last = scores("scores.csv") keep 2 highest
vector truth in base = file("truth.safetensors")
measure edited = accuracy(base with [zero best, add 2 * truth to residual.1 at last]) on n boxes
"""
Files = Mapping[str, bytes]


def keeping(spec: Spec, folder: Path) -> Spec:
    """The spec, with prompts and runs kept in a folder."""
    prompts, runs = Kept(folder / "prompts", kept_prompts.MOST), Kept(folder / "runs", MOST)
    return Spec(
        spec.source, spec.checked_spec.checked, stands_in=spec.checked_spec.stands_in, prompts=prompts, runs=runs
    )


def fill(spec: Spec, store: Path) -> None:
    """All values that a run of a spec wants, made up."""
    plain = Spec(spec.source, spec.checked_spec.checked, stands_in=spec.checked_spec.stands_in)
    run_spec(
        plain.checked_spec, repository_of(api.open_store(store), "any"), lambda event: None, engine=lambda plan: made_up
    )


def ran(spec: Spec, store: Path, accept: str = "any") -> Results:
    return run_spec(spec.checked_spec, repository_of(api.open_store(store), accept), lambda event: None)


def shown(value: Any) -> str:
    text = StringIO()
    Console(file=text, width=100).print(value)
    return text.getvalue()


def seen(spec: Spec, results: Results, out: Path) -> tuple[Any, ...]:
    """All that a run shows and writes."""
    written = {str(path.relative_to(out)): path.read_bytes() for path in write_all(results, spec, out)}
    return results, repr(results.provenance), json.dumps(document(results)), shown(report(results)), written


def planned(spec: Spec, store: Path, accept: str = "any") -> tuple[str, str, list[str]]:
    """What `plan` shows, and the limits that it tells of."""
    told: list[str] = []
    found = spec.forecast(api.open_store(store, inspect=True), accept, None, lambda limit: told.append(limit.name))
    return json.dumps(plan_json(found)), shown(plan_table(found, None)), told


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_specs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = shipped(ROOT / "specs" / name, SHIPPED[name], tmp_path / "shape")
    store, kept = tmp_path / "store", keeping(spec, tmp_path / "kept")
    nothing = planned(spec, store)
    assert nothing == planned(kept, store) == planned(kept, store)
    fill(spec, store)
    there = planned(spec, store)
    plain = seen(spec, ran(spec, store), tmp_path / "a")
    first = seen(kept, ran(kept, store), tmp_path / "b")
    assert there == planned(kept, store) != nothing
    hold_kept(monkeypatch)
    again = seen(kept, ran(kept, store), tmp_path / "c")
    assert plain == first == again
    assert planned(kept, store) == there


def shipped(path: Path, params: Mapping[str, float], shape: Path) -> Spec:
    """A shipped spec; its models, where they are not here, in the shape of a small one."""
    shape.mkdir()
    if "builtin(" in path.read_text() or "boxes" in str(path):
        return api.checked(api.read(path), params)
    return without_weights(path, ROOT / "specs" / "stand_ins" / "smollm2-135m", shape, params)


class LongWay(Exception):
    """A plan is made."""


def hold_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on, whoever makes a plan to run or to forecast has not found what is kept."""

    def never(*given: Any) -> Any:
        raise LongWay

    monkeypatch.setattr(run, "lowerer_for", never)
    monkeypatch.setattr(kept_runs, "lowerer_for", never)


# --- what is no longer the same ----------------------------------------------------------------------------------


class Kit:
    """A spec with a file of words and an include, a store that has all its values, and what is kept of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        make_model(folder / "model")
        words = "word\n" + "\n".join(("apple", "ball", "bell", "book")) + "\n"
        (folder / "words.csv").write_text(words)
        (folder / "shared.et").write_text("entrack 1\nparam least = 0.1\n")
        text = SPEC.replace('["apple", "ball", "bell", "book"]', 'column("words.csv", "word")')
        text = text.replace("entrack 1\n", 'entrack 1\ninclude "shared.et"\n', 1)
        (folder / "scores.csv").write_text("site,score\n0.1,0.5\n1.2,0.4\n2.1,0.3\n")
        save_file({"v": np.ones(16)}, folder / "truth.safetensors")
        self.path = folder / "spec.et"
        self.path.write_text(text + OF_FILES + MORE)
        self.store = folder / "store"
        fill(self.spec(), self.store)

    def plain(self) -> Spec:
        return api.checked(api.read(self.path), {})

    def spec(self) -> Spec:
        return keeping(self.plain(), self.folder / "kept")

    def files(self, kind: str) -> list[Path]:
        return sorted(path for path in (self.store / kind).rglob("*") if path.is_file())

    def changed(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text()
        assert old in text
        (self.folder / name).write_text(text.replace(old, new))


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    made = Kit(tmp_path)
    ran(made.spec(), made.store)
    planned(made.spec(), made.store)
    return made


def cut(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"!")


def remade(kit: Kit) -> None:
    """An entry with the same value, and another note of how it was made."""
    store = DiskStore(kit.store)
    action = store.find(kit.files("actions")[0].stem)
    assert action is not None
    tensors = store.load(action)
    assert tensors is not None
    store.put(action.address, tensors, {**action.how, "device": "another"})


def exchanged(kit: Kit) -> None:
    """An entry that is sound, with the value of another of the same kind."""
    store = DiskStore(kit.store)
    actions = [store.find(path.stem) for path in kit.files("actions")]
    same = {action.size: action for action in actions if action is not None}
    one = next(each for each in actions if each is not None and each.object != same[each.size].object)
    tensors = store.load(same[one.size])
    assert tensors is not None
    store.put(one.address, tensors, one.how)


NOTHING_TO_COMPUTE: Mapping[str, Callable[[Kit], None]] = {
    "a bound": lambda kit: kit.changed("spec.et", "plain >= 0.1", "plain >= 0.2"),
    "a title": lambda kit: kit.changed("spec.et", "A title", "Another"),
    "a comment": lambda kit: kit.changed("spec.et", "seed 1", "seed 1  # one"),
    "an include": lambda kit: kit.changed("shared.et", "0.1", "0.3"),
    "another stack": remade,
}
"""Of what decides a run, or what it says, so that the store has all it wants."""
SOMETHING_TO_COMPUTE: Mapping[str, Callable[[Kit], None]] = {
    "the seed": lambda kit: kit.changed("spec.et", "seed 1", "seed 2"),
    "a param": lambda kit: kit.changed("spec.et", "n = 6", "n = 5"),
    "a column": lambda kit: kit.changed("words.csv", "book", "boot"),
    "scores": lambda kit: kit.changed("scores.csv", "0.4", "0.2"),
    "a vector": lambda kit: save_file({"v": np.full(16, 2.0)}, kit.folder / "truth.safetensors"),
    "weights": lambda kit: reweighted(kit.folder / "model" / "model.safetensors"),
    "a config": lambda kit: kit.changed("model/config.json", "300", "301"),
    "an action gone": lambda kit: kit.files("actions")[-1].unlink(),
    "an action cut": lambda kit: cut(kit.files("actions")[0]),
    "an action linked": lambda kit: linked(kit.files("actions")[0]),
    "another value": exchanged,
    "a folder gone": lambda kit: gone(kit.files("actions")[0].parent),
}


def reweighted(path: Path) -> None:
    path.write_bytes(weights("other"))


def linked(path: Path) -> None:
    path.rename(path.with_suffix(".real"))
    path.symlink_to(path.with_suffix(".real"))


def gone(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def test_it_is_kept(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[object] = []
    hold_kept(monkeypatch)
    opened = api.open_store(kit.store, events.append)
    found = run_spec(kit.spec().checked_spec, repository_of(opened, "any"), events.append)
    assert events == [
        RunStarted(found.provenance.steps, found.provenance.found, 0),
        RunFinished(0, found.provenance.found, 0),
    ]
    assert found.html is not None and found.provenance.computed == 0 < found.provenance.found


@pytest.mark.parametrize("name", NOTHING_TO_COMPUTE)
def test_any_change_is_seen(name: str, kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    NOTHING_TO_COMPUTE[name](kit)
    plain, spec, store = kit.plain(), kit.spec(), kit.store
    expected = seen(plain, ran(plain, store), kit.folder / "a")
    assert seen(spec, ran(spec, store), kit.folder / "b") == expected
    assert planned(spec, store) == planned(plain, store)
    hold_kept(monkeypatch)
    assert seen(spec, ran(spec, store), kit.folder / "c") == expected


@pytest.mark.parametrize("name", SOMETHING_TO_COMPUTE)
def test_any_change_goes_the_long_way(name: str, kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    SOMETHING_TO_COMPUTE[name](kit)
    assert planned(kit.spec(), kit.store) == planned(kit.plain(), kit.store)
    hold_kept(monkeypatch)
    with pytest.raises(LongWay):
        ran(kit.spec(), kit.store)


def test_every_value_that_is_read_is_read_again(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each object in turn damaged, or gone: what a run reads is missed for any byte, and the others when they are
    gone."""
    hold_kept(monkeypatch)
    read = 0
    for path in kit.files("objects"):
        whole = path.read_bytes()
        cut(path)
        try:
            ran(kit.spec(), kit.store)
        except LongWay:
            read += 1
        path.unlink()
        with pytest.raises(LongWay):
            ran(kit.spec(), kit.store)
        path.write_bytes(whole)
        ran(kit.spec(), kit.store)
    assert len(kit.files("objects")) / 2 < read < len(kit.files("objects"))


@pytest.mark.parametrize(
    "how", ["code", "libraries", "versions", "machine", "accept", "reference", "device", "threads"]
)
def test_another_way_of_running_goes_the_long_way(how: str, kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {"accept": "any"}
    match how:
        case "code":
            monkeypatch.setattr(kept_runs, "all_code", lambda: "other")
        case "libraries":
            monkeypatch.setattr(kept_runs, "surroundings", lambda *_: ("numpy 0",))
        case "versions":
            monkeypatch.setattr(kept_runs, "versions", lambda: {"torch": "0"})
        case "machine":
            monkeypatch.setattr(kept_runs, "machine", lambda: "another")
        case "accept":
            given = {"accept": "same-stack"}
        case "reference":
            given |= {"kind": ExecutorKind.REFERENCE}
        case "device":
            given |= {"device": "mps"}
        case "threads":
            given |= {"threads": 2}
    hold_kept(monkeypatch)
    with pytest.raises(LongWay):
        run_spec(kit.spec().checked_spec, repository_of(api.open_store(kit.store), **given), lambda event: None)


def test_a_run_that_computed_or_saw_damage_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kit = Kit(tmp_path)
    damaged: list[object] = []
    cut(kit.files("actions")[0])
    opened = api.open_store(kit.store, damaged.append)
    monkeypatch.setattr(run, "new_engine", lambda *given: lambda plan: made_up)
    computed = run_spec(kit.spec().checked_spec, repository_of(opened, "any"), damaged.append)
    assert computed.provenance.computed == 1 and any(isinstance(event, Damaged) for event in damaged)
    hold_kept(monkeypatch)
    with pytest.raises(LongWay):
        ran(kit.spec(), kit.store)


@pytest.mark.parametrize("content", [b"", b"x", b"[]", b'[[["a"]], 1]', b"[[], [99]]", b'[[], {"a": 1}]'])
def test_what_is_no_kept_run_is_not_used(content: bytes, kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = kit.folder / "kept" / "runs"
    for path in folder.iterdir():
        Kept(folder, MOST).keep(path.name, zlib.compress(content) if content != b"x" else content)
    assert planned(kit.spec(), kit.store) == planned(kit.plain(), kit.store)
    hold_kept(monkeypatch)
    with pytest.raises(LongWay):
        ran(kit.spec(), kit.store)


def test_what_a_lock_supplies_is_not_kept(kit: Kit) -> None:
    spec = kit.spec().checked_spec
    repository = repository_of(api.open_store(kit.store), "any")
    models = models_of(spec, download=False, hashed=True)
    assert kept_run(spec, models, repository) is not None
    for other in (
        evolve(spec, runs=NOT_KEPT),
        evolve(spec, checked=evolve(spec.checked, supplied=Supplied({"base": "main"}))),
    ):
        assert kept_run(other, models, repository) is None
    assert kept_run(spec, models, repository_of(MemoryStore(), "any")) is None
    assert kept_run(spec, models, repository_of(api.open_store(kit.store), "exact")) is None


def but_signs_of_life(said: bytes, out: Path) -> list[bytes]:
    """The lines on standard error, but those that a slow machine adds, for any folder of results."""
    return [line.replace(str(out).encode(), b"OUT") for line in said.splitlines() if not line.startswith(b"after ")]


def test_commands_print_and_write_the_same(kit: Kit) -> None:
    """With and without, on the command line: streams, files and status, of runs that fail a claim."""
    arguments = ["run", str(kit.path), "--store", str(kit.store), "--accept", "any", "--strict"]
    told: list[Any] = []
    for kept in ("", "", str(kit.folder / "own"), str(kit.folder / "own")):
        environment = {**os.environ, "ENTRACK_RUNS": kept, "ENTRACK_PROMPTS": kept and f"{kept}/prompts"}
        out = kit.folder / f"out{len(told)}"
        done = [
            subprocess.run([*COMMAND, *arguments, *more], env=environment, capture_output=True, timeout=100)
            for more in (["--out", str(out)], ["--json"])
        ]
        files = {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}
        said = [(each.returncode, each.stdout, but_signs_of_life(each.stderr, out)) for each in done]
        told.append((said, files))
    assert told[0][1], told[0]
    assert told[0] == told[1] == told[2] == told[3] and told[0][0][0][0] == 1 and told[0][1]
    assert len(list((kit.folder / "own").glob("[0-9a-f]*"))) == 1
