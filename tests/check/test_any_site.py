"""What is written as a site means the sites of the model; what is written as a loop means its turns; and labels of an
axis choose a cell."""

from __future__ import annotations

import pytest

from entrack.api import loads
from entrack.check.resolved import CellOf, Measure, SetAct
from entrack.source import Source
from entrack.syntax import ast
from entrack.syntax.parse import parse
from entrack.syntax.unparse import written

HEAD = """entrack 1
model base = builtin("boxes-base")
task t {
  object  = 2 distinct from ["car", "cup", "key", "ball"]
  context = "The {object[0]} is in Box A, the {object[1]} is in Box B"
  prompt  = "{context}. Box A contains the"
  answer  = object[0]
  at last  = end of prompt
  at facts = span of context
  at first = context.object.first
}
alternate other of t { fresh object }
"""


def measured(act: str, loops: str = "") -> Measure:
    return loads(f"{HEAD}measure m = accuracy(base with {act}) on 5 t {loops}\n").resolved.measures[0]


def sites(act: str, loops: str = "") -> list[list[str]]:
    """The sites of the act, turn by turn."""
    acts = [cell.intervention.acts[0] for cell in measured(act, loops).cells]
    return [
        [str(site) for group in act.groups if isinstance(group.heads, tuple) for site in group.heads] for act in acts
    ]


@pytest.mark.parametrize(
    "written_as",
    ["3.1", "3.1.query", "mlp.2", "attention.0", "residual.3", "residual.3.mid", "residual.1.post", "neuron.2.17"],
)
def test_what_is_printed_is_read(written_as: str) -> None:
    assert sites(f"zero {written_as} at last") == [[written_as]]


@pytest.mark.parametrize(
    ("computed", "found"),
    [
        ("mlp[2]", "mlp.2"),
        ("mlp[1..2]", "mlp.1 mlp.2"),
        ("mlp[2..]", "mlp.2 mlp.3"),
        ("residual[2].mid", "residual.2.mid"),
        ("heads[1, 3].value", "1.3.value"),
        ("neurons[0, 5]", "neuron.0.5"),
        ("attention[1] mlp[1] attention.1", "attention.1 mlp.1"),
        ("embedding residual[0..1]", "residual.0 residual.1"),
        ("heads[3]", " ".join(f"3.{head}" for head in range(8))),
    ],
)
def test_computed_sites(computed: str, found: str) -> None:
    assert sites(f"zero {computed} at last") == [found.split()]


def test_a_window_is_cut_off_at_the_ends() -> None:
    assert sites("zero mlp[k - 1..k + 1] at last", "for k in layers") == [
        ["mlp.0", "mlp.1"],
        ["mlp.0", "mlp.1", "mlp.2"],
        ["mlp.1", "mlp.2", "mlp.3"],
        ["mlp.2", "mlp.3"],
    ]
    assert sites("zero mlp[k - 5..k - 1] at last", "for k in [1, 3]") == [["mlp.0"], ["mlp.0", "mlp.1", "mlp.2"]]


@pytest.mark.parametrize(
    ("where", "positions"),
    [("last", ["last"]), ("[first, facts]", ["first", "facts"]), ("every token", [None])],
)
def test_where(where: str, positions: list[str | None]) -> None:
    (cell,) = measured(f"zero 3.1 at {where}").cells
    assert [group.position for group in cell.intervention.acts[0].groups] == positions


def test_a_circuit_stands_elsewhere_each_site_once() -> None:
    circuit = "circuit c in base { group a at last = 3.1 mlp.2; group b at first = 3.1 2.0 }\n"
    spec = loads(f"{HEAD}{circuit}measure m = accuracy(base with zero c at every token) on 5 t\n")
    act = spec.resolved.measures[0].cells[0].intervention.acts[0]
    assert isinstance(act, SetAct)
    assert [(group.position, [str(site) for site in group.heads]) for group in act.groups] == [  # type: ignore[union-attr]  # written
        (None, ["mlp.2", "3.1"]),
        (None, ["2.0"]),
    ]


def test_loops_are_axes() -> None:
    measure = measured("patch heads[k, h] at p from other", "for k in [1, 2..3] for h in heads for p in positions")
    names = dict(measure.axes)
    assert names["k"] == ("1", "2", "3")
    assert names["h"] == tuple(map(str, range(8)))
    assert names["p"] == ("last", "facts", "first")
    assert names["intervention"] == ("patch heads[k, h] at p from other",)
    assert len({cell.labels for cell in measure.cells}) == len(measure.cells) == 72
    assert measure.loops == (("k", "layers"), ("h", "heads"), ("p", "positions"))


@pytest.mark.parametrize(
    ("act", "loop"),
    [
        ("zero mlp.1 at t", "for t in tokens"),
        ("zero mlp.1 at t", "for t in [3, 4]"),
        ("block attention last -> t in layers 1..", "for t in [3..5]"),
    ],
)
def test_axes_of_tokens(act: str, loop: str) -> None:
    assert measured(act, loop).loops == (("t", "tokens"),)
    assert measured("zero mlp[t] at last", "for t in [2, 3]").loops == (("t", "layers"),)


def test_arguments_of_an_intervention() -> None:
    text = "intervention i(k, p, x) = patch residual[k + 1] at p from other, scale mlp[k] at [p, last] by x / 2\n"
    spec = loads(f"{HEAD}{text}measure m = accuracy(base with [i(1, first, 3), i(0, facts, -1)]) on 5 t\n")
    first, second = (cell.intervention for cell in spec.resolved.measures[0].cells)
    assert [(str(group.heads[0]), group.position) for act in first.acts for group in act.groups] == [  # type: ignore[index]  # written
        ("residual.2", "first"),
        ("mlp.1", "first"),
        ("mlp.1", "last"),
    ]
    assert getattr(first.acts[1], "factor", None) == 1.5
    assert second.label == "i(0, facts, -1)"
    assert getattr(second.acts[1], "factor", None) == -0.5


def test_a_claim_says_the_axis() -> None:
    measure = "measure m = accuracy(base with zero heads[k, h] at last) on 5 t for k in layers for h in [0..3]\n"
    spec = loads(f'{HEAD}{measure}claim "c" m[k = 2, h = 3] - m[h = 2, k = 3] < smallest(m[h = 1]) + 1\n')
    left = spec.resolved.claims[0].left
    assert [quantity.labels[1:3] for quantity in (left.first, left.rest[0][1]) if isinstance(quantity, CellOf)] == [  # type: ignore[union-attr]  # a sum
        ("2", "3"),
        ("3", "2"),
    ]


def test_a_name_in_brackets_is_no_site() -> None:
    program, _ = parse(Source("a.et", "entrack 1\nintervention i = zero (mlp[3]), zero mlp[3] at last\n"))
    (item,) = program.items
    assert isinstance(item, ast.Intervention)
    name, site = item.acts
    assert isinstance(name, ast.Set) and isinstance(name.target, ast.Reference)
    assert isinstance(site, ast.Set) and isinstance(site.target, ast.At)
    assert [written(act) for act in item.acts] == ["zero (mlp[3])", "zero mlp[3] at last"]
