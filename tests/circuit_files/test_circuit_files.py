"""Circuits in the forms of other tools: there and back, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrack import api
from entrack.circuit_files import results_json
from entrack.circuit_files.circuit import Circuit, CircuitRefused, Group, Shape, circuit_of, site_of
from entrack.circuit_files.forms import READERS, WRITERS, Form, told
from entrack.diagnostics import errors
from entrack.sites import Part, Site

ROOT = Path(__file__).parents[2]
SHAPE = Shape(3, 2, 8)
HEADS = (Site.of_head(0, 1), Site.of_head(2, 0))
CIRCUIT = circuit_of(
    "cir", "base", (Group("movers", "last", HEADS), Group("readers", "query", (Site.of_head(1, 1),))), shape=SHAPE
)
MIXED = circuit_of(
    "cir",
    "base",
    (
        Group("all_parts", "last", tuple(site_of(each) for each in ("0.1", "mlp.2", "attention.1", "neuron.1.5"))),
        Group("streams", "query", tuple(site_of(each) for each in ("residual.0", "residual.1.mid", "residual.2.post"))),
    ),
)


def there_and_back(circuit: Circuit, form: Form) -> Circuit:
    text = WRITERS[form](circuit)
    assert told(text) is (Form.EAP_IG if form is Form.MIB else form)
    return READERS[form](text, circuit.name, circuit.model, "elsewhere")


@pytest.mark.parametrize("form", [Form.CSV, Form.TRANSFORMERLENS, Form.PAPER])
def test_groups_and_positions_come_back(form: Form) -> None:
    assert there_and_back(CIRCUIT, form).groups == CIRCUIT.groups


@pytest.mark.parametrize("form", [Form.CSV, Form.TRANSFORMERLENS])
def test_any_site_comes_back(form: Form) -> None:
    assert there_and_back(MIXED, form).groups == MIXED.groups


parts = st.sampled_from([part for part in Part if part is not Part.NORMED])
numbers = st.integers(0, 40)


@st.composite
def sites(draw: Callable[[Any], Any]) -> Site:
    part = draw(parts)
    indexed = part in (Part.OUTPUT, Part.QUERY, Part.KEY, Part.VALUE, Part.NEURON)
    return Site(draw(numbers), part, draw(numbers) if indexed else None)


@given(st.lists(sites(), min_size=1, max_size=8, unique=True), st.sampled_from([Form.CSV, Form.TRANSFORMERLENS]))
def test_every_site_has_its_name(found: list[Site], form: Form) -> None:
    assert all(site_of(str(site)) == site for site in found)
    circuit = circuit_of("c", "m", (Group("g", "p", tuple(found)),))
    assert there_and_back(circuit, form).groups == circuit.groups


@given(st.sets(st.tuples(st.integers(0, 2), st.integers(0, 1)), min_size=1), st.sets(st.integers(0, 2), max_size=2))
def test_a_graph_has_its_nodes(heads: set[tuple[int, int]], mlps: set[int]) -> None:
    found = tuple(sorted([*(Site.of_head(*head) for head in heads), *(Site(layer, Part.MLP) for layer in mlps)]))
    circuit = circuit_of("c", "m", (Group("nodes", "last", found),), shape=SHAPE)
    back = there_and_back(circuit, Form.EAP_IG)
    assert back.groups[0].sites == found and back.shape == SHAPE and back.groups[0].position == "elsewhere"


def graph(circuit: Circuit = CIRCUIT) -> Any:
    return json.loads(WRITERS[Form.EAP_IG](circuit))


def test_a_graph_is_as_eap_ig_writes_it() -> None:
    found = graph()
    assert found["cfg"] == {"n_layers": 3, "n_heads": 2, "parallel_attn_mlp": False, "d_model": 8}
    assert list(found["nodes"]) == [
        *("input", "a0.h0", "a0.h1", "m0", "a1.h0", "a1.h1", "m1", "a2.h0", "a2.h1", "m2", "logits")
    ]
    kept = {name for name, node in found["nodes"].items() if node["in_graph"]}
    assert kept == {"input", "a0.h1", "a1.h1", "a2.h0", "m0", "m1", "m2", "logits"}, "MLPs stay as they are"
    edges = set(found["edges"])
    assert {"input->a0.h1<q>", "a0.h1->m0", "a0.h1->a1.h1<v>", "m1->a2.h0<k>", "a2.h0->m2", "m2->logits"} <= edges
    assert not {"a0.h1->a0.h1<q>", "m0->a0.h1<q>", "m0->m0", "a0.h0->logits", "a1.h1->a0.h1<q>"} & edges
    assert all(edge == {"score": 0.0, "in_graph": True} for edge in found["edges"].values())


def test_parallel_blocks_have_no_edge_within_a_layer() -> None:
    circuit = circuit_of("c", "m", CIRCUIT.groups, shape=Shape(3, 2, 8, parallel=True))
    assert "a0.h1->m0" not in graph(circuit)["edges"] and "a0.h1->m1" in graph(circuit)["edges"]


def test_scores_stand_beside_nodes() -> None:
    group = Group("movers", "last", HEADS, {HEADS[0]: -0.5, Site.of_head(1, 0): 0.25})
    nodes = graph(circuit_of("c", "m", (group,), shape=SHAPE))["nodes"]
    assert nodes["a0.h1"] == {"in_graph": True, "score": -0.5} and "score" not in nodes["a1.h0"]


def test_a_graph_with_all_mlps_is_a_circuit_of_heads_and_says_so() -> None:
    back = there_and_back(CIRCUIT, Form.MIB)
    assert back.groups[0].sites == (Site.of_head(0, 1), Site.of_head(1, 1), Site.of_head(2, 0))
    assert any("all MLPs" in note for note in back.notes) and any("edges" in note for note in back.notes)


def test_graphs_of_old_say_true_or_false() -> None:
    text = json.dumps({"cfg": graph()["cfg"], "nodes": {"a0.h1": True, "m2": True, "m0": False}, "edges": {}})
    found = READERS[Form.EAP_IG](text, "c", "m", "last")
    assert found.groups[0].sites == (Site.of_head(0, 1), Site(2, Part.MLP)) and found.notes == ()


def test_the_papers_circuits_are_read() -> None:
    text = (ROOT / "specs" / "paper" / "circuits.json").read_text(encoding="utf-8")
    assert told(text) is Form.PAPER
    for name in ("llama", "goat", "float"):
        found = READERS[Form.PAPER](text, name, "llama", "last")
        heads = json.loads(text)["circuits"][name]
        assert {group.name: [[site.layer, site.head] for site in group.sites] for group in found.groups} == heads
        assert found.notes == ("the file names no positions: all groups stand at last",)
    with pytest.raises(CircuitRefused, match="--name is one of llama, goat, float"):
        READERS[Form.PAPER](text, "imported", "llama", "last")


@pytest.mark.parametrize("circuit", [CIRCUIT, MIXED], ids=["heads", "mixed"])
def test_a_spec_may_include_it(circuit: Circuit, tmp_path: Path) -> None:
    (tmp_path / "found.et").write_text(WRITERS[Form.ET](circuit), encoding="utf-8")
    boxes = (ROOT / "specs" / "boxes" / "boxes.et").read_text(encoding="utf-8")
    (tmp_path / "boxes.et").write_text(boxes, encoding="utf-8")
    (tmp_path / "objects.csv").write_bytes((ROOT / "specs" / "boxes" / "objects.csv").read_bytes())
    spec = tmp_path / "spec.et"
    spec.write_text(
        'entrack 1\ninclude "boxes.et"\ninclude "found.et"\nmodel base = builtin("boxes-base")\n'
        "measure m = accuracy(base with zero cir) on 20 boxes\n",
        encoding="utf-8",
    )
    assert [problem.message for problem in errors(api.check(api.read(spec), {})[0])] == []


def results(**changes: Any) -> str:
    group = {
        "name": "movers",
        "position": "last",
        "sites": ["2.0", "mlp.1"],
        "scores": [[0.0, 0.1], [None, 0.0], [-0.5, 0.0]],
        "other_scores": {"mlp.1": -0.2, "mlp.0": 0.1},
    }
    document = {
        "entrack_results": 1,
        "discoveries": [{"name": "cir", "model": "base", "groups": [group | changes]}],
        "provenance": {"models": {"base": {"layers": 3, "heads": 2, "d_model": 8, "parallel": False}}},
    }
    return json.dumps(document)


def test_a_discovery_of_results_is_a_circuit() -> None:
    found = results_json.read(results(), "cir")
    assert found.shape == SHAPE and found.model == "base"
    assert found.groups[0].sites == (Site.of_head(2, 0), Site(1, Part.MLP))
    assert found.groups[0].scores[Site(1, Part.MLP)] == -0.2 and Site.of_head(1, 0) not in found.groups[0].scores
    assert results_json.read(results(), "cir.movers").groups == found.groups
    for name, words in (("other", "no discovery 'other'; there is cir"), ("cir.x", "no group 'x'; it has movers")):
        with pytest.raises(CircuitRefused, match=words):
            results_json.read(results(), name)


def test_what_a_form_cannot_say_is_refused() -> None:
    for form, words in ((Form.PAPER, "cannot say mlp.2"), (Form.EAP_IG, "cannot say attention.1")):
        with pytest.raises(CircuitRefused, match=words):
            WRITERS[form](MIXED)
    with pytest.raises(CircuitRefused, match="run the spec again"):
        WRITERS[Form.EAP_IG](circuit_of("c", "m", CIRCUIT.groups))
    with pytest.raises(CircuitRefused, match=r"the model has no 7\.0"):
        WRITERS[Form.EAP_IG](circuit_of("c", "m", (Group("g", "p", (Site.of_head(7, 0),)),), shape=SHAPE))


def broken(**changes: Any) -> str:
    return json.dumps({"cfg": graph()["cfg"], "nodes": {"a0.h1": {"in_graph": True}}, "edges": {}} | changes)


REFUSED = [
    (Form.EAP_IG, "[" * 100_000, "no JSON"),
    (Form.EAP_IG, "[]", "no object"),
    (Form.EAP_IG, "{", "no JSON"),
    (Form.EAP_IG, "[" * (1 << 22) + "{", "at most"),
    (Form.EAP_IG, '{"cfg": {"n_layers": ' + "9" * 5000 + "}}", "no JSON"),
    (Form.EAP_IG, broken(cfg={}), "`n_layers` is no whole number"),
    (Form.EAP_IG, broken(cfg={"n_layers": 1e9, "n_heads": 2, "d_model": 8}), "no whole number"),
    (Form.EAP_IG, broken(cfg={"n_layers": -1, "n_heads": 2, "d_model": 8}), "no whole number"),
    (Form.EAP_IG, broken(cfg={"n_layers": True, "n_heads": 2, "d_model": 8}), "no whole number"),
    (Form.EAP_IG, broken(nodes={}), "no node is in the graph"),
    (Form.EAP_IG, broken(nodes={"a0.h1": {"score": 0.5}}), "does not say whether"),
    (Form.EAP_IG, broken(nodes={"a9.h1": {"in_graph": True}}), "lies outside"),
    (Form.EAP_IG, broken(nodes={"a0.h2": {"in_graph": True}}), "lies outside"),
    (Form.EAP_IG, broken(nodes={"a0.h1<q>": {"in_graph": True}}), "is no node"),
    (Form.EAP_IG, broken(nodes={"a0.h1": {"in_graph": True, "neurons": [1.0, 0.0]}}), "single neurons"),
    (Form.EAP_IG, broken(edges=[]), "no object"),
    (Form.PAPER, '{"circuits": {"c": {"g": [[1]]}}}', r"a head is \[layer, head\]"),
    (Form.PAPER, '{"circuits": {"c": {"g": [[1, -2]]}}}', "a head is no whole number"),
    (Form.PAPER, '{"circuits": {"c": {"g h": [[1, 2]]}}}', "no name that a spec may have"),
    (Form.PAPER, '{"circuits": {"c": {"g": []}}}', "no site in this circuit"),
    (Form.PAPER, '{"circuits": {}}', "which circuit"),
    (Form.TRANSFORMERLENS, '{"groups": [{"name": "g", "hooks": [{"hook": "blocks.0.ln1.hook_scale"}]}]}', "no hook"),
    (Form.TRANSFORMERLENS, '{"groups": [{"name": "g", "hooks": [{"hook": "blocks.0.attn.hook_z"}]}]}', "`head` of"),
    (Form.TRANSFORMERLENS, '{"groups": 7}', "`groups` is no list"),
    (Form.CSV, "", "names the columns"),
    (Form.CSV, "group,site\ng,1.2.3.4\n", "is no site"),
    (Form.CSV, "group,site\ng\n", "is no site"),
    (Form.CSV, "group,position,site\ng,last,1.2\ng,query,1.3\n", "the same name"),
    (Form.CSV, 'group,site\n"g,1.2\n', "no CSV"),
    (Form.CSV, "group,site\nx\x00,1.2\n", "no CSV|no name"),
    (Form.CSV, "group,site\n" + "g,1.2\n" * 100_001, "at most 100,000 sites"),
]


@pytest.mark.parametrize(("form", "text", "words"), REFUSED, ids=[str(place) for place in range(len(REFUSED))])
def test_files_of_strangers_are_refused_by_name(form: Form, text: str, words: str) -> None:
    with pytest.raises(CircuitRefused, match=words):
        READERS[form](text, "c", "m", "last")


@given(
    st.sampled_from(list(READERS)),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["cfg", "nodes", "edges", "circuits", "groups", "hooks", "name", "a0.h0"]), inner
            )
        ),
        max_leaves=12,
    ),
)
def test_any_json_is_read_or_refused(form: Form, value: Any) -> None:
    try:
        READERS[form](json.dumps(value), "c", "m", "last")
    except CircuitRefused as refused:
        assert str(refused).isprintable()


@pytest.mark.parametrize("said", ["٣.1", "mlp.\N{FULLWIDTH DIGIT TWO}", "residual.١.mid", "neuron.1.२", "1_0.1"])
def test_a_site_has_the_digits_of_ascii(said: str) -> None:
    with pytest.raises(CircuitRefused):
        site_of(said)
