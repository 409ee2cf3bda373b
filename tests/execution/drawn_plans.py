"""Drawn plans: steps and selections that need one another in any way, and what each would come out as."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import strategies as st
from plan_worlds import CONFIG

from entrack.address import address
from entrack.model_config import read_facts
from entrack.models.key import ModelKey
from entrack.plan.bind import bind, known_zero, screened_out, step_address
from entrack.plan.plan import Plan, needs
from entrack.plan.steps import Batch, Capture, Choice, Chosen, Evaluate, Node, PathPatch, Receivers, Ref, Select, Step
from entrack.prompts.rng import Stream
from entrack.sites import Part, Site

LAYERS, HEADS = 3, 2
MODELS = tuple(ModelKey(weights, "c", "t", read_facts(CONFIG)) for weights in ("one", "other"))
BATCHES = tuple(Batch(((token, 2, 3), (4, 5, token))) for token in (6, 7, 8))
ASKED, AT = ((1,), (2,)), (1, 2)


@st.composite
def plans(draw: st.DrawFn, most: int = 14) -> Plan:
    """A plan of up to `most` nodes, each of which may need any before it."""
    nodes: dict[str, Node] = {}
    for number in range(draw(st.integers(1, most))):
        nodes[f"node {number}"] = _node(draw, nodes)
    return of(nodes)


def of(nodes: Mapping[str, Node]) -> Plan:
    what = {id: f"what {id} is for" for id in nodes}
    return Plan(nodes, what, (), {}, (), (), (), {}, {})


def _node(draw: st.DrawFn, before: Mapping[str, Node]) -> Node:
    steps = [Ref(id) for id, node in before.items() if not isinstance(node, Choice)]
    captures = [Ref(id) for id, node in before.items() if isinstance(node, Capture)]  # these always have a value
    selects = [Chosen(id) for id, node in before.items() if isinstance(node, Select)]
    model, batch = draw(st.sampled_from(MODELS)), draw(st.sampled_from(BATCHES))
    kinds = ["capture", "evaluate", *(["patch"] if captures else []), *(["select"] if steps else [])]
    match draw(st.sampled_from(kinds)):
        case "capture":
            return Capture(model, batch, AT, draw(st.none() | st.sampled_from(selects)) if selects else None)
        case "patch":
            wanted = draw(st.lists(st.sampled_from(selects), max_size=2, unique=True)) if selects else []
            receivers = tuple(Receivers(Part.QUERY, heads) for heads in wanted)
            layer = draw(st.integers(0, LAYERS - 1))
            return PathPatch(model, batch, ASKED, AT, layer, draw(st.sampled_from(captures)), receivers)
        case "select":
            clean = tuple(draw(st.lists(st.sampled_from(steps), min_size=1, max_size=2)))
            patched = tuple((ref,) for ref in draw(st.lists(st.sampled_from(steps), max_size=3)))
            taken = tuple(draw(st.lists(st.sampled_from(selects), max_size=2, unique=True))) if selects else ()
            return Select("probability", 2, LAYERS, HEADS, clean, patched, taken)
    return Evaluate(model, batch, (), ASKED)


def value_of(step: Step, salt: str = "") -> str:
    """The digest of a made-up value."""
    return address([step_address(step), salt])


def heads_of(node: Choice, values: Mapping[str, str], heads: Mapping[str, tuple[Site, ...]]) -> tuple[Site, ...]:
    """The heads that a made-up selection keeps: they follow from what it sees."""
    seen = [values.get(need) or [str(head) for head in heads.get(need, ())] for need in needs(node)]
    pool = [Site.of_head(layer, head) for layer in range(LAYERS) for head in range(HEADS)]
    return tuple(Stream(address(seen)).distinct(pool, 2))


def by_hand(plan: Plan, damaged: str = "") -> dict[str, Step]:
    """Every step bound, one after the other in the order of the plan; the value of `damaged` comes out another."""
    values: dict[str, str] = {}
    heads: dict[str, tuple[Site, ...]] = {}
    bound: dict[str, Step] = {}
    for id, node in plan.nodes.items():
        if isinstance(node, Choice):
            heads[id] = heads_of(node, values, heads)
            continue
        bound[id] = bind(node, values, {need: tuple(sorted(heads[need])) for need in needs(node) if need in heads})
        if not known_zero(bound[id]) and not screened_out(bound[id]):
            values[id] = value_of(bound[id], "damaged" if id == damaged else "")
    return bound
