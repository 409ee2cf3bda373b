"""The Python interface checks what it is given: every argument of every public function, with errors of entrack's
own."""

from __future__ import annotations

import inspect
import math
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from e2e_world import World, entrack

import entrack as package
from entrack import ArgumentError, EntrackError, Results, Spec, SpecError, UnknownName, api
from entrack.errors import ArgumentTypeError
from entrack.events import unwatched
from entrack.results import Axis, Discovery, Measure
from entrack.sites import Site
from entrack.source import Source
from entrack.store import MemoryStore

INSIDE = ("surveyed", "prompt_problems")
"""Methods for the command line, with what it has made."""
METHODS = [
    name for name, one in vars(Spec).items() if inspect.isfunction(one) and name[0] != "_" and name not in INSIDE
]


class Rude:
    """Has everything, and shows itself to nobody."""

    def __repr__(self) -> str:
        raise RuntimeError("no")

    def __fspath__(self) -> bytes:
        return b"spec.et"


BAD: Mapping[str, Any] = {
    "None": None,
    "0": 0,
    "-3": -3,
    "7": 7,
    "2.0": 2.0,
    "-0.5": -0.5,
    "nan": math.nan,
    "inf": math.inf,
    "10**400": 10**400,
    "-10**400": -(10**400),
    "10**18": 10**18,
    "1j": 1j,
    "True": True,
    "False": False,
    "''": "",
    "'4'": "4",
    "'nope'": "nope",
    "a NUL": "a\0b",
    "half a letter": "\ud800",
    "bytes": b"spec.et",
    "list": [],
    "dict": {},
    "tuple": (1,),
    "object": object(),
    "rude": Rude(),
    "class": dict,
    "function": len,
    "array": np.zeros(3),
    "fraction": Fraction(10**400, 3),
    "long": "x" * 100_000,
}


@pytest.fixture(scope="module")
def stored(world: World) -> tuple[Spec, MemoryStore, Results]:
    """A spec whose values are all stored: what runs computes nothing."""
    spec, store = world.load(), MemoryStore()
    return spec, store, spec.run(store)


Calls = Mapping[str, tuple[Callable[..., Any], Mapping[str, Any]]]


def calls(world: World, spec: Spec, store: MemoryStore, results: Results) -> Calls:
    """Every public function and method, with good arguments by name."""
    measure, discovery = results["acc"], results["cir"]
    assert isinstance(measure, Measure) and isinstance(discovery, Discovery)
    plan, survey = spec.survey(store)
    plain = {"store": store, "accept": "any", "device": "cpu"}
    source, text = Source(str(world.study), world.study.read_text()), world.study.read_text()
    running = {**plain, "reference": False, "watcher": unwatched, "threads": 1, "memory": 10**9, "gpus_per_worker": 1}
    cluster = {"on": None, "time": None, "gpus": None, "slurm": ()}
    elsewhere = {**cluster, "workers": 0, "remote": None, "remote_read_only": False}
    return {
        "load": (lambda path, n: package.load(path, n=n), {"path": world.study, "n": 12}),
        "loads": (lambda source, n: package.loads(source, n=n), {"source": source, "n": 12}),
        "Spec": (Spec, {"source": source, "checked": None}),
        "checked": (api.checked, {"given": source, "params": {}, "stand_in": None}),
        "check": (api.check, {"source": source, "params": {}, "stand_in": None}),
        "read": (api.read, {"path": world.study}),
        "formatted": (api.formatted, {"source": Source("spec.et", text)}),
        "open_store": (api.open_store, {"folder": world.folder / "opened", "watcher": unwatched, "read_only": False}),
        "store_folder": (api.store_folder, {"given": world.folder}),
        "estimated": (api.estimated, {"plan": plan, "survey": survey, "store": store, "device": "cpu"}),
        "explained": (api.explained, {"plan": plan, "survey": survey, "memory": 10**9}),
        "plan": (spec.plan, {"download": False, "hashed": True}),
        "survey": (spec.survey, plain | {"tell": print}),
        "addresses": (spec.addresses, {"store": store}),
        "looked": (spec.looked, {**plain, "reference": False}),
        "run": (spec.run, {**running, **elsewhere}),
        "verify": (spec.verify, {**running, "sample": 0.05, "seed": 0, "workers": 0}),
        "prompts": (spec.prompts, {"name": "boxes", "count": 2, "model": None, "purpose": "measure"}),
        "keeping": (spec.keeping, {}),
        "forecast": (spec.forecast, plain | {"tell": print}),
        "model": (spec.model, {"name": "base", "watcher": unwatched, "device": "cpu", "gpus_per_worker": 1}),
        "results[]": (lambda name: results[name], {"name": "acc"}),
        "mask": (results.mask, {"group": "cir.fetcher", "desideratum": "position"}),
        "cell": (lambda label: measure.cell(label), {"label": "nothing"}),
        "group": (discovery.group, {"name": "fetcher"}),
        "plot": (
            measure.plot,
            {"ax": None, "kind": "bars", "by": None, "coloured": None, "error": "sd", "width": "single"},
        ),
        "heatmap": (discovery.heatmap, {"ax": None, "group": "fetcher", "width": None}),
        "diagram": (discovery.diagram, {"ax": None, "width": None}),
    }


PARAMETERS = [
    (name, parameter)
    for name, parameters in {
        "load": "path n",
        "loads": "source n",
        "Spec": "source checked",
        "checked": "given params stand_in",
        "check": "source params stand_in",
        "read": "path",
        "formatted": "source",
        "open_store": "folder watcher read_only",
        "store_folder": "given",
        "estimated": "plan survey store device",
        "explained": "plan survey memory",
        "plan": "download hashed",
        "survey": "store accept device tell",
        "forecast": "store accept device tell",
        "addresses": "store",
        "looked": "store accept device reference",
        "run": "store accept device reference watcher threads memory gpus_per_worker workers on time gpus slurm remote remote_read_only",
        "verify": "store accept device reference watcher threads memory gpus_per_worker workers sample seed",
        "prompts": "name count model purpose",
        "model": "name watcher device gpus_per_worker",
        "results[]": "name",
        "mask": "group desideratum",
        "cell": "label",
        "group": "name",
        "plot": "ax kind by coloured error width",
        "heatmap": "ax group width",
        "diagram": "ax width",
    }.items()
    for parameter in parameters.split()
]


@pytest.mark.parametrize(("name", "parameter"), PARAMETERS, ids=lambda given: given)
def test_every_argument_of_every_function(
    world: World,
    stored: tuple[Spec, MemoryStore, Results],
    name: str,
    parameter: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A bad one is an error of entrack's, whose message can be shown; whatever is not refused does what it should."""
    monkeypatch.chdir(tmp_path)  # a text may be a fine name for a store
    function, good = calls(world, *stored)[name]
    refused = 0
    for said, bad in BAD.items():
        if (isinstance(bad, str) and parameter == "device") or (callable(bad) and parameter == "watcher"):
            continue  # a name of a device is for the engine to judge; what a watcher raises is its own
        try:
            function(**{**good, parameter: bad})
        except EntrackError as error:
            assert str(error) and len(str(error)) < 4000, said
            str(error).encode(errors="backslashreplace")
            refused += 1
    assert refused > len(BAD) // 3


def test_none_is_forgotten(world: World, stored: tuple[Spec, MemoryStore, Results]) -> None:
    """The lists above have every public function with all its parameters."""
    known = calls(world, *stored)
    assert {(name, parameter) for name, (_, good) in known.items() for parameter in good} == set(PARAMETERS)
    for name in [name for name in METHODS if name != "run_async"]:  # which takes what `run` takes
        assert set(inspect.signature(getattr(Spec, name)).parameters) - {"self"} == set(known[name][1])
    for kind in (Results, Measure, Discovery):
        asked = {
            name
            for name, one in vars(kind).items()
            if inspect.isfunction(one) and name[0] != "_" and len(inspect.signature(one).parameters) > 1
        }
        assert asked <= set(known)


@pytest.mark.parametrize(
    "value", ["4", None, b"4", [4], True, 1j, math.nan, math.inf, 10**400, Fraction(10**400), np.array([1, 2])]
)
def test_params(world: World, value: Any) -> None:
    with pytest.raises(ArgumentError, match="param n is"):
        package.load(world.study, n=value)
    with pytest.raises(ArgumentError, match="param n is"):
        package.loads(world.study.read_text(), n=value)


@pytest.mark.parametrize("value", [20, 20.0, np.int64(20), np.float32(20), Fraction(20)])
def test_numbers_of_others_are_numbers(world: World, value: Any) -> None:
    assert world.load(n=value).resolved.params == {"n": 20}


def test_a_param_that_is_not_there(world: World) -> None:
    with pytest.raises(SpecError, match="E205"):
        world.load(m=3)
    with pytest.raises(SpecError, match="E205"):
        world.load(path=3)  # not the path of the spec


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"threads": -3}, ArgumentError, "threads is a whole number from 1 to .*; this is -3"),
        ({"threads": 1.5}, ArgumentTypeError, "threads is a whole number; this is 1.5, of type float"),
        ({"workers": -1}, ArgumentError, "workers is a whole number from 0 to 1,024; this is -1"),
        ({"workers": 2, "device": "cuda:1"}, ArgumentError, "workers have a GPU each, so the device is `cuda`"),
        ({"memory": -1}, ArgumentError, "memory is a whole number from 1"),
        ({"memory": "4G"}, ArgumentTypeError, "memory is a whole number; this is '4G', of type str"),
        ({"device": 3}, ArgumentTypeError, "device is text; this is 3"),
        ({"gpus_per_worker": 0}, ArgumentError, "gpus_per_worker is a whole number from 1"),
        ({"accept": "same"}, UnknownName, "accept is one of 'exact', 'same-stack', 'any', not 'same'"),
        ({"accept": "same_stack"}, UnknownName, "did you mean `same-stack`"),
        ({"store": 7}, ArgumentTypeError, "store is a folder or an open store; this is 7"),
        ({"store": b"cache"}, ArgumentTypeError, "store is a folder or an open store"),
        ({"store": MemoryStore}, ArgumentTypeError, "store is a folder or an open store"),
        ({"watcher": 3}, ArgumentTypeError, "watcher is a function"),
        ({"reference": "yes"}, ArgumentTypeError, "reference is True or False"),
    ],
)
def test_options_of_a_run(world: World, options: dict[str, Any], kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words) as caught:
        world.load().run(**{"store": MemoryStore(), **options})
    assert isinstance(caught.value, ArgumentError | ValueError) and isinstance(caught.value, EntrackError)


@pytest.mark.parametrize("sample", [-1, 0, 2.0, 0.0, -0.5, math.nan, "5%", True, None])
def test_samples(stored: tuple[Spec, MemoryStore, Results], sample: Any) -> None:
    spec, store, _ = stored
    with pytest.raises(ArgumentError, match="sample"):
        spec.verify(store, sample)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("boxes", -1), "count is a whole number from 1 to 100,000"),
        (("boxes", 100_001), "count is a whole number"),
        (("boxs", 1), "no task, alternate or desideratum 'boxs'; did you mean `boxes`"),
        (("boxes", 1, "bass"), "no model 'bass'; did you mean `base`"),
        (("boxes", 1, None, "measuring"), "purpose is one of"),
    ],
)
def test_prompts(world: World, arguments: tuple[Any, ...], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        world.load().prompts(*arguments)


def test_names_of_results(stored: tuple[Spec, MemoryStore, Results]) -> None:
    results = stored[2]
    acc, cir = results["acc"], results["cir"]
    assert isinstance(acc, Measure) and isinstance(cir, Discovery)
    for ask, words in (
        (lambda: results["ac"], "no measure or discovery 'ac'; did you mean `acc`"),
        (lambda: cir.group("nope"), "cir has no group 'nope'; known: `detector`, `fetcher`"),
        (lambda: cir.group("fetch"), "did you mean `fetcher`"),
        (lambda: acc.cell("nothin"), "acc has the label 'nothin'; did you mean `nothing`"),
        (lambda: acc.cell("base"), "5 cells of acc carry base; axes: "),
        (lambda: acc.cell(), "5 cells of acc carry no label asked for"),
        (lambda: results.mask("cir.fetcher", "position"), "there is no mask over 'cir.fetcher'; there is none at all"),
    ):
        with pytest.raises(UnknownName, match=words) as caught:
            ask()
        assert isinstance(caught.value, KeyError) and isinstance(caught.value, ValueError)
    for index in (0, -1, None, slice(1), b"acc"):
        with pytest.raises(TypeError, match="the name of a result is text"):
            results[index]  # type: ignore[index]
    assert next(item.name for item in results) == "acc" and cir.group("fetcher").name == "fetcher"


def test_what_the_package_has(tmp_path: Path) -> None:
    """Its names are listed before they are loaded, and loading is as lazy as ever."""
    code = (
        "import sys, entrack; names = dir(entrack); assert set(entrack.__all__) <= set(names), names; "
        "assert '_where' not in names;"
        "assert not {'torch', 'lark', 'numpy', 'entrack.api'} & set(sys.modules);"
        "found = [getattr(entrack, name) for name in entrack.__all__]; assert 'torch' not in sys.modules;"
        "assert all(issubclass(one, entrack.EntrackError) for one in found if isinstance(one, type) and "
        "issubclass(one, Exception));"
        "from entrack import *; assert load is entrack.load"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=100,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert ended.returncode == 0, ended.stderr
    with pytest.raises(AttributeError, match="has no attribute 'lod'"):
        package.lod  # noqa: B018


def test_the_page_names_every_public_name() -> None:
    page = (Path(__file__).parents[2] / "docs" / "python.md").read_text(encoding="utf-8")
    for name in (*package.__all__, *METHODS, "to_pandas", "to_json", "cell", "group", "mask", "passed"):
        assert f"`{name}" in page or f".{name}" in page, name


def test_the_command_line_says_it_in_a_line(world: World) -> None:
    ended = entrack("run", world.study, "-p", "n=1e300")
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert ended.stderr.splitlines() == [
        "error: param n is a finite number of at most 18 digits; this is one of more than 18 digits"
    ]


def test_a_notebook_shows_what_a_run_gives_as_html(stored: tuple[Spec, MemoryStore, Results]) -> None:
    html = stored[2]._repr_html_()
    assert html is not None and html.startswith('<div class="entrack">')


def test_what_python_shows_of_each_is_a_line(world: World, stored: tuple[Spec, MemoryStore, Results]) -> None:
    spec, _, results = stored
    shown = [
        repr(item) for item in (spec, results, *results, spec.plan(), spec.plan().plan, spec.prompts("boxes", 2)[0])
    ]
    assert [line for line in shown if len(line) > 250 or "\n" in line or not line.startswith("<")] == []
    assert repr(spec) == f"<Spec {world.study}: 1 model, 2 tasks, 1 discovery, 4 measures, 2 claims>"
    assert repr(spec.prompts("boxes", 2)[0]) == "<TokenisedPrompts: 2 of boxes>"


def test_tables_and_arrays_of_each(world: World, stored: tuple[Spec, MemoryStore, Results]) -> None:
    """Each in its shape, with the numbers that the values have."""
    spec, _, results = stored
    acc, cir = results["acc"], results["cir"]
    assert isinstance(acc, Measure) and isinstance(cir, Discovery)
    assert acc.to_numpy().shape == tuple(len(axis.labels) for axis in acc.axes)
    assert acc.to_numpy().ravel().tolist() == [cell.value for cell in acc.cells]
    assert acc.cells[0].to_numpy().tolist() == list(acc.cells[0].outcomes) and acc.cells[0].to_numpy().shape == (60,)
    whole = cir.to_numpy()
    assert whole.shape == (4, len(cir.groups[0].matrix), len(cir.groups[0].matrix[0])) and whole.dtype == np.float64
    for group, scores in zip(cir.groups, whole, strict=True):
        assert np.array_equal(scores, group.to_numpy(), equal_nan=True)
        assert scores.tolist() == [list(row) for row in group.matrix]
        assert list(group.to_pandas().score) == list(group.scores.values())
    assert len(cir.to_pandas()) == sum(len(group.scores) for group in cir.groups)
    assert list(results.claims.to_pandas().verdict) == ["pass", "fail"]
    prompts = spec.prompts("scrambled", 3)[0]
    table = prompts.to_pandas()
    assert list(table.text) == [pair.original.text for pair in prompts.pairs]
    assert list(table["at query"]) == [pair.original.positions["query"] for pair in prompts.pairs]
    assert list(table["alternate answer"]) == [
        pair.alternate.words["answer"] for pair in prompts.pairs if pair.alternate
    ]
    assert set(table.columns) >= {"answer", "wrong", "tokens", "alternate", "alternate tokens", "alternate at last"}


def test_masks_and_arrays_with_gaps() -> None:
    from entrack.results import Cell, Mask, Masks

    over = (Site.of_head(0, 1), Site.of_head(2, 0))
    masks = Masks((Mask("m", "base", "cir.a", "position", "last", over, (0.0, 0.9), over[:1], 3, 0.5, 20),))
    assert masks.to_pandas().to_dict("records") == [
        {"mask": "m", "group": "cir.a", "desideratum": "position", "site": site, "layer": layer, "head": head}
        | {"value": value, "patched": patched}
        for site, layer, head, value, patched in (("0.1", 0, 1, 0.0, True), ("2.0", 2, 0, 0.9, False))
    ]
    assert (
        masks[0].to_pandas().equals(masks.to_pandas())
        and repr(masks[0]) == "<Mask m: cir.a for position, 1 of 2 patched>"
    )
    axes = (Axis("model", ("a", "b")), Axis("layer", ("0", "1", "2")))
    holed = Measure("h", "accuracy", "", axes, (Cell(("b", "1"), 0.5, 0, None, ()),))
    assert np.array_equal(holed.to_numpy(), [[np.nan] * 3, [np.nan, 0.5, np.nan]], equal_nan=True)
    assert holed.cells[0].to_numpy().shape == (0,)
