"""Vectors, scores and circuits that Python made: what is written is what a spec reads, and a spec with them comes to
what plain hooks come to."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from e2e_world import World
from e2e_world import entrack as command
from engine_by_hooks import Hooked
from safetensors import safe_open
from test_e2e_numbers import answers, at, tokens

import entrack
from entrack import ArgumentError, EntrackError
from entrack.artifact.facts import files_beside
from entrack.check.resolved import AddAct, FromFile
from entrack.errors import ArgumentTypeError
from entrack.results import Measure
from entrack.store import MemoryStore

WIDTH = 32
RNG = np.random.default_rng(0)
TRUTH = RNG.normal(size=WIDTH).astype(np.float32)


def spec_with(world: World, *made: object, more: str = "") -> entrack.Spec:
    return world.spec("".join(map(str, made)) + more)


def heads_of(spec: entrack.Spec, name: str) -> dict[str, Any]:
    """The position and the sites of each group of a circuit."""
    groups: Any = spec.resolved.circuits[name].groups
    return {group.name: (group.position, [*map(str, group.heads)]) for group in groups}


def numbers_read(world: World, made: Any, name: str) -> tuple[float, ...]:
    """The numbers that a spec has of a vector."""
    spec = spec_with(world, made, more=f"measure m = accuracy(base with add {name} to residual.1 at last) on 2 boxes")
    (act,) = spec.resolved.measures[0].cells[0].intervention.acts
    assert isinstance(act, AddAct) and isinstance(act.terms[0], FromFile)
    return act.terms[0].numbers.values


@pytest.mark.parametrize(
    "given",
    [
        TRUTH,
        TRUTH.astype(np.float64) * math.pi,
        TRUTH.tolist(),
        torch.tensor(TRUTH),
        torch.tensor(TRUTH, dtype=torch.bfloat16),
        torch.tensor(TRUTH, dtype=torch.float64, requires_grad=True) * 1e300,
        list(range(WIDTH)),
        [Fraction(1, 3)] * WIDTH,
    ],
    ids=lambda given: f"{type(given).__name__} {getattr(given, 'dtype', '')}",
)
def test_a_vector_is_read_as_it_was_written(world: World, given: Any) -> None:
    made = entrack.vector(given, world.folder / "truth.safetensors", made_by="a probe of layer 1")
    expected = tuple(map(float, given))
    assert numbers_read(world, made, "truth") == expected
    with safe_open(made.path, "np") as file:
        assert tuple(file.get_tensor("truth").astype(np.float64).tolist()) == expected
        assert file.metadata()["made by"] == "a probe of layer 1"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_a_vector_that_safetensors_wrote(world: World, dtype: torch.dtype) -> None:
    from safetensors.torch import save_file

    row = torch.tensor(TRUTH).to(dtype)
    save_file({"one": row, "other": 2 * row}, world.folder / "theirs.safetensors")
    line = 'vector v in base = file("theirs.safetensors", "other")\n'
    assert numbers_read(world, line, "v") == tuple((2 * row).double().tolist())


def test_the_same_values_give_the_same_bytes_and_no_date(world: World) -> None:
    first = entrack.vector(TRUTH, world.folder / "same.safetensors", made_by="one")
    again = entrack.vector(TRUTH, world.folder / "same.safetensors", made_by="one")
    other = entrack.vector(TRUTH, world.folder / "same.safetensors", made_by="other")
    assert first == again and first.digest != other.digest
    assert str(first).splitlines()[1:2] == ["# made by: one"] and "torch" in str(first)


def test_an_address_is_of_the_numbers(world: World) -> None:
    """Another file, name and number type with the same numbers finds what is stored; other numbers do not."""
    text = "measure m = logit of answer (base with add v to residual.1 at last) on 3 boxes\n"
    store = MemoryStore()
    for numbers, path, steps in (
        (TRUTH, "one", 1),
        (TRUTH.astype(np.float64), "two", 0),
        (TRUTH + np.float32(0.25), "three", 1),
    ):
        made = entrack.vector(numbers, world.folder / f"{path}.safetensors", name="v", made_by=path)
        results = spec_with(world, made, more=text).run(store)
        assert results.provenance.computed == steps


@pytest.mark.parametrize("reference", [False, True])
def test_a_vector_is_added_and_projected_out(world: World, hooked: Hooked, reference: bool) -> None:
    made = entrack.vector(TRUTH, world.folder / "truth.safetensors")
    mixed = 'vector half in base = 0.5 * file("truth.safetensors") - mean residual.2 at last over 6 boxes\n'
    more = """measure m = logit of answer (base with [add -2 * truth to residual.2 at last,
      project truth out of mlp.1 at every token, add half to residual.2 at last]) on 5 boxes\n"""
    found = spec_with(world, made, more=mixed + more).run(MemoryStore(), reference=reference)["m"]
    entries, means = world.prompts("boxes", 5), world.prompts("boxes", 6, "mean")
    truth = torch.tensor(TRUTH)
    unit = truth / truth.norm()
    mean = hooked.part(tokens(means), "residual")[2][range(6), at(means, "last")].mean(0)
    last = at(entries, "last")

    def added(vector: torch.Tensor) -> Callable[[torch.Tensor], None]:
        def change(value: torch.Tensor) -> None:
            value[range(5), last] += vector

        return change

    def without(value: torch.Tensor) -> None:
        value -= (value @ unit)[..., None] * unit

    changes: tuple[Any, ...] = (
        {(2, "residual"): added(-2 * truth)},
        {(1, "mlp"): without},
        {(2, "residual"): added(0.5 * truth - mean)},
    )
    assert isinstance(found, Measure)
    for cell, change in zip(found.cells, changes, strict=True):
        logits = hooked.changed(tokens(entries), change)[torch.arange(5), answers(entries)]
        np.testing.assert_allclose(cell.outcomes, logits.tolist(), atol=1e-4)


VALUES = np.array([[0.5, -2.0, 0.0, 0.25], [1.5, -0.5, 0.125, -3.0], [0.0, 0.0, 1.0, -1.0], [0.75, 0, 0, 0]])


@pytest.mark.parametrize(
    ("ranking", "keep", "heads"),
    [
        ("strongest", 3, "0.1 1.0 1.3"),
        ("lowest", 2, "0.1 1.3"),
        ("highest", 3, "1.0 2.2 3.0"),
        ("lowest", 40, "0.1 1.1 1.3 2.3"),
    ],
)
def test_the_best_of_scores_are_a_group(world: World, ranking: str, keep: int, heads: str) -> None:
    made = entrack.scores(torch.tensor(VALUES), world.folder / "eap.csv", keep=keep, ranking=ranking)
    more = f"""group equal in base at last = {heads}
    measure m = logit of answer (base with [zero eap, zero equal]) on 3 boxes
    measure o = overlap(mine, yours)
    circuit mine  in base {{ group g at last = scores("eap.csv") keep {keep} {ranking} }}
    circuit yours in base {{ group g at last = {heads} }}\n"""
    found = spec_with(world, made, more=more).run(MemoryStore())
    one, other = found["m"].cells  # type: ignore[union-attr]
    assert one.outcomes == other.outcomes and {cell.value for cell in found["o"].cells} == {1.0}  # type: ignore[union-attr]


def test_ties_go_to_the_first_and_the_default_is_a_discoverys(world: World) -> None:
    entrack.scores(
        {"1.1": torch.tensor(-1.0), (0, 3): np.float32(-1), "0.2": -1, "mlp.1": 5}, world.folder / "ties.csv"
    )
    spec = world.spec(
        'group g in base at last = scores("ties.csv") keep 2\nmeasure m = accuracy(base with zero g) on 2 boxes'
    )
    assert heads_of(spec, "g") == {"g": ("last", ["0.2", "0.3"])}


def test_a_table_of_a_discovery_is_scores(world: World) -> None:
    """`tables/cir.csv` of a run: its column `value`."""
    text = "discover cir in base on 8 boxes against scrambled { group movers at last -> logits keep 4 }\n"
    results = world.spec(text).run(MemoryStore())
    (world.folder / "cir.csv").write_text(results["cir"].to_csv())
    again = world.spec(
        f'{text}circuit mine in base {{ group movers at last = scores("cir.csv", "value") keep 4 }}\nmeasure o = overlap(cir, mine)'
    )
    assert {cell.value for cell in again.run(MemoryStore())["o"].cells} == {1.0}  # type: ignore[union-attr]


def test_a_circuit_is_included(world: World) -> None:
    groups: dict[str, Any] = {"movers": [(1, 2), (3, 1)], "others": ["mlp.2", "0.3"]}
    made = entrack.circuit(
        groups, world.folder / "found.et", at={"movers": "last", "others": "query"}, made_by="by hand"
    )
    spec = spec_with(world, made, more="measure m = accuracy(base with zero found) on 2 boxes")
    assert heads_of(spec, "found") == {"movers": ("last", ["1.2", "3.1"]), "others": ("query", ["0.3", "mlp.2"])}
    assert "# made by: by hand\n" in made.path.read_text()
    plain = entrack.circuit(np.array([[1, 2], [3, 1]]), world.folder / "plain.et")
    assert "group heads at last = 1.2 3.1" in plain.path.read_text()


def test_a_lock_and_a_pack_have_the_files(world: World, tmp_path: Path) -> None:
    made = entrack.vector(TRUTH, world.folder / "truth.safetensors")
    kept = entrack.scores(VALUES, world.folder / "eap.csv", keep=2)
    spec = spec_with(
        world, made, kept, more="measure m = accuracy(base with [zero eap, add truth to mlp.1 at last]) on 2 boxes"
    )
    assert {"truth.safetensors", "eap.csv", "tasks.et"} <= files_beside(spec.checked_spec).keys()


def test_a_locked_run_refuses_another_vector(world: World) -> None:
    made = entrack.vector(TRUTH, world.folder / "locked_truth.safetensors", name="truth")
    path = world.folder / "locked.et"
    model = 'entrack 1\ninclude "tasks.et"\nmodel base = local("base")\n'
    path.write_text(f"{model}{made}measure m = accuracy(base with add truth to residual.1 at last) on 2 boxes\n")
    store = world.folder / "locked_store"
    assert command("run", path, "--store", store).exit_code == command("lock", path, "--store", store).exit_code == 0
    assert command("run", path, "--store", store, "--locked").exit_code == 0
    entrack.vector(2 * TRUTH, made.path, name="truth")
    refused = command("run", path, "--store", store, "--locked")
    assert refused.exit_code != 0 and "locked_truth.safetensors" in refused.stderr


BAD: dict[str, Any] = {
    "None": None,
    "a text": "truth",
    "a number": 3.0,
    "nan": [math.nan] * 4,
    "inf": np.array([math.inf]),
    "words": ["a", "b"],
    "nested": [[[1.0]]],
    "empty": [],
    "bools": [True, False],
    "bytes": b"1234",
    "class": list,
    "object": object(),
    "complex": np.array([1j]),
    "empty mapping": {},
    "mapping": {"a b": [1.0]},
    "mapping of sites": {"L1H2": 1.0},
    "mapping of lists": {3: [(1, 2)]},
}


@pytest.mark.parametrize("make", [entrack.vector, entrack.scores, entrack.circuit], ids=lambda make: make.__name__)
def test_every_argument(make: Callable[..., Any], tmp_path: Path) -> None:
    """What cannot be is an error of entrack's, and no file is left."""
    ending = {"vector": ".safetensors", "scores": ".csv", "circuit": ".et"}[make.__name__]
    good: Any = {"vector": [1.0, 2.0], "scores": [[1.0, 2.0]], "circuit": [(1, 2)]}[make.__name__]
    path = tmp_path / f"v{ending}"
    refused = 0
    for bad in BAD.values():
        try:
            make(bad, path)
        except EntrackError as error:
            assert len(str(error)) < 1000
            refused += 1
            assert not path.exists()
        path.unlink(missing_ok=True)
    assert refused >= len(BAD) - 2
    options: dict[str, list[Any]] = {
        "path": [None, 3, b"v", f"a\0b{ending}", tmp_path / "v.bin", tmp_path],
        "model": [None, 3, "a b", ""],
        "name": [3, "a b", "", "ü" * 3, "1st"],
        "made_by": [None, 3, "two\nlines", "a\u202eb", "x" * 5000],
        "at": [None, 3, "a b", {}],
        "keep": [0, -1, 1.5, "3", True, 10**9],
        "ranking": ["best", None, 3],
    }
    for name, several in options.items():
        if name not in inspect.signature(make).parameters:
            continue
        for value in several:
            with pytest.raises(ArgumentError):
                make(good, **{"path": path, name: value})
            assert not path.exists(), name
    with pytest.raises(ArgumentError, match="is no name that a spec may have: say one, name="):
        make(good, tmp_path / f"my-values{ending}")


def test_no_value_is_lost(tmp_path: Path) -> None:
    """A second score of a site, a vector with the name of the header's own entry."""
    with pytest.raises(ArgumentError, match=r"1\.1 has two scores"):
        entrack.scores({(1, 1): 1.0, "1.1": 2.0}, tmp_path / "s.csv")
    with pytest.raises(ArgumentError, match="__metadata__"):
        entrack.vector({"__metadata__": [1.0]}, tmp_path / "v.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("site", ["1.1.query", "heads[3]", "neurons[2]"])
def test_what_no_group_can_have_is_not_written(site: str, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="a group has single sites"):
        entrack.scores({site: 1.0}, tmp_path / "s.csv")
    with pytest.raises(ArgumentError, match="a group has single sites"):
        entrack.circuit([site], tmp_path / "c.et")
    assert not list(tmp_path.iterdir())


def test_pairs_of_numpy_are_heads(tmp_path: Path) -> None:
    strongest = zip(*np.unravel_index([1, 7], (2, 4)), strict=True)
    made = entrack.circuit(list(strongest), tmp_path / "c.et")
    assert "group heads at last = 0.1 1.3" in made.path.read_text()
    with pytest.raises(ArgumentTypeError):
        entrack.circuit([(np.int64(1), True)], tmp_path / "c.et")
    with pytest.raises(ArgumentTypeError):
        entrack.circuit([(1, np.int64(-1))], tmp_path / "c.et")


def test_messages(tmp_path: Path) -> None:
    with pytest.raises(ArgumentTypeError, match="a vector is an array of one axis"):
        entrack.vector(np.ones((2, 2)), tmp_path / "v.safetensors")
    with pytest.raises(ArgumentError, match=r"path is a file that ends with \.csv"):
        entrack.scores(VALUES, tmp_path / "v.txt")
    with pytest.raises(ArgumentError, match="site is written as in a spec"):
        entrack.circuit(["L1H2"], tmp_path / "c.et")
    with pytest.raises(ArgumentError, match="at says no position of the group b"):
        entrack.circuit({"a": [(1, 2)], "b": [(1, 3)]}, tmp_path / "c.et", at={"a": "last"})


def test_what_a_file_may_have_is_said_before_it_is_read(world: World) -> None:
    """Numbers as Python's take ten times their bytes."""
    from safetensors.torch import save_file

    save_file({"v": torch.zeros((1 << 20) + 1, dtype=torch.float16)}, world.folder / "long.safetensors")
    save_file({"v": torch.full((WIDTH,), math.nan)}, world.folder / "nan.safetensors")
    for name, said in (("long", "at most 1,048,576 numbers"), ("nan", "save a tensor of finite numbers")):
        with pytest.raises(entrack.SpecError, match=said):
            world.spec(f'vector v in base = file("{name}.safetensors")\n')
