"""Graphs of EAP-IG, which the circuit track of MIB reads too: `{"cfg": ..., "nodes": ..., "edges": ...}`.

Nodes are `input`, `a3.h5`, `m3` and `logits`; an edge into a head says which of its inputs, `a0.h1->a3.h5<q>`.
(M. Hanna, S. Pezzelle, Y. Belinkov, *Have Faith in Faithfulness*, 2024; `Graph.to_json` of EAP-IG. A. Mueller et al.,
*MIB: A Mechanistic Interpretability Benchmark*, 2025.)

A circuit here is of nodes: written, it has all edges among its nodes; read, edges are counted and left out. An
intervention of a circuit of heads leaves MLPs as they are, so all MLPs are in its graph; a graph that has all MLPs is a
circuit of heads, at the position that is asked for, because these graphs know none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from entrack.circuit_files.circuit import (
    Circuit,
    CircuitRefused,
    Group,
    Shape,
    circuit_of,
    mapping,
    only_parts,
    parsed,
    whole,
)
from entrack.sites import Part, Site

NODE = re.compile(r"a(\d{1,7})\.h(\d{1,7})|m(\d{1,7})", re.ASCII)
ENDS = ("input", "logits")
MOST_NODES = 4096
"""Of a graph that is written: it has some edges for each two of its nodes."""


def write(circuit: Circuit) -> str:
    """The graph's text. Raises CircuitRefused for other sites than heads and MLPs, and where the model's shape is not
    known."""
    only_parts(circuit, (Part.OUTPUT, Part.MLP), "a graph of EAP-IG")
    shape = circuit.shape
    if shape is None:
        raise CircuitRefused("these results do not say the model's width: run the spec again with this version")
    kept = {site for group in circuit.groups for site in group.sites}
    if not any(site.part is Part.MLP for site in kept):
        kept |= {Site(layer, Part.MLP) for layer in range(shape.layers)}
    every = _sites(shape)
    if outside := sorted(kept - set(every)):
        raise CircuitRefused(f"the model has no {outside[0]}")
    if len(kept) > MOST_NODES:
        raise CircuitRefused(f"a graph of more than {MOST_NODES:,} nodes has too many edges to be written")
    scores = {site: score for group in circuit.groups for site, score in group.scores.items() if site in group.sites}
    nodes: dict[str, dict[str, Any]] = {"input": {"in_graph": True}}
    for site in every:
        nodes[_name(site)] = {"in_graph": site in kept, **({"score": scores[site]} if site in scores else {})}
    nodes["logits"] = {"in_graph": True}
    cfg = {
        "n_layers": shape.layers,
        "n_heads": shape.heads,
        "parallel_attn_mlp": shape.parallel,
        "d_model": shape.d_model,
    }
    edges = {name: {"score": 0.0, "in_graph": True} for name in _edges([site for site in every if site in kept], shape)}
    return json.dumps({"cfg": cfg, "nodes": nodes, "edges": edges}) + "\n"


def read(text: str, name: str, model: str, position: str) -> Circuit:
    """The nodes that are in the graph, as one group. Raises CircuitRefused."""
    document = parsed(text)
    cfg, nodes = mapping(document.get("cfg"), "`cfg`"), mapping(document.get("nodes"), "`nodes`")
    edges = mapping(document.get("edges", {}), "`edges`")
    layers, heads, width = (whole(cfg.get(each), f"`{each}`") for each in ("n_layers", "n_heads", "d_model"))
    shape = Shape(layers, heads, width, parallel=cfg.get("parallel_attn_mlp") is True)
    kept = [site for node, value in nodes.items() if (site := _site(node, value, shape)) is not None]
    mlps, notes = [site for site in kept if site.part is Part.MLP], []
    if shape.layers and len(set(mlps)) == shape.layers:
        kept = [site for site in kept if site.part is not Part.MLP]
        notes.append("all MLPs are in the graph: they are no part of the circuit, which leaves them as they are")
    if not kept:
        raise CircuitRefused("no node is in the graph: scores become a circuit by a threshold (`Graph.apply_topn`)")
    if edges:
        among = sum(isinstance(edge, dict) and edge.get("in_graph") is True for edge in edges.values())
        notes.append(f"{among} of {len(edges)} edges are in the graph, and are not said: a circuit is of sites")
    return circuit_of(name, model, (Group("nodes", position, tuple(sorted(kept))),), shape=shape, notes=tuple(notes))


def _sites(shape: Shape) -> list[Site]:
    """All nodes but the ends, in the order of a graph."""
    return [
        site
        for layer in range(shape.layers)
        for site in (*(Site.of_head(layer, head) for head in range(shape.heads)), Site(layer, Part.MLP))
    ]


def _name(site: Site) -> str:
    return f"m{site.layer}" if site.part is Part.MLP else f"a{site.layer}.h{site.head}"


def _site(node: str, value: object, shape: Shape) -> Site | None:
    """The site of a node that is in the graph. A node is an object, or, in files of old, true or false."""
    facts = value if isinstance(value, dict) else {"in_graph": value}
    if not isinstance(facts.get("in_graph"), bool):
        raise CircuitRefused(f"the node {node[:40]!r} does not say whether it is in the graph")
    if not facts["in_graph"] or node in ENDS:
        return None
    neurons = facts.get("neurons")
    if isinstance(neurons, list) and not all(neurons):
        raise CircuitRefused(f"of the node {node[:40]!r} single neurons are in the graph, which a spec cannot say")
    match = NODE.fullmatch(node)
    if match is None:
        raise CircuitRefused(f"{node[:40]!r} is no node, such as a3.h5 or m3")
    site = Site(int(match[3]), Part.MLP) if match[3] else Site.of_head(int(match[1]), int(match[2]))
    if site.layer >= shape.layers or (site.index or 0) >= shape.heads:
        raise CircuitRefused(f"the node {node} lies outside of {shape.layers} layers and {shape.heads} heads")
    return site


def _edges(kept: list[Site], shape: Shape) -> Iterator[str]:
    """Every edge among nodes, the ends included, as EAP-IG names it."""
    for place, site in enumerate(kept):
        senders = ["input", *(_name(other) for other in kept[:place] if _reaches(other, site, shape))]
        inputs = ("<q>", "<k>", "<v>") if site.part is Part.OUTPUT else ("",)
        yield from (f"{sender}->{_name(site)}{of}" for sender in senders for of in inputs)
    yield from (f"{sender}->logits" for sender in ("input", *map(_name, kept)))


def _reaches(earlier: Site, later: Site, shape: Shape) -> bool:
    """Whether what one adds to the residual stream is read by the other."""
    if earlier.layer != later.layer:
        return earlier.layer < later.layer
    return earlier.part is Part.OUTPUT and later.part is Part.MLP and not shape.parallel
