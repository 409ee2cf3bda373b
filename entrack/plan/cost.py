"""Cost: what a plan asks for, before a weight is read - forward passes of the reference executor, token-layers,
bytes to be stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from entrack.frozen import frozen
from entrack.plan.expand import expand
from entrack.plan.passes import optimise
from entrack.plan.plan import Plan
from entrack.plan.schedule import ForwardPass, once
from entrack.plan.steps import Choice, Node, kind_of


@frozen
class Cost:
    """`forwards` are full forward passes of one batch; `token_layers` tokens times layers of these; `bytes` what is
    stored."""

    steps: int
    forwards: int
    token_layers: int
    bytes: int


def cost(plan: Plan, ids: Iterable[str]) -> Cost:
    """The cost of some steps of a plan."""
    nodes = [plan.nodes[id] for id in ids]
    runs = [run for node in nodes for run in _written(node)]
    return Cost(
        len(nodes),
        sum(run.forwards for run in runs),
        sum(run.token_layers for run in runs),
        sum(bytes_of(node, plan.nodes) for node in nodes),
    )


def _written(node: Node) -> tuple[ForwardPass, ...]:
    """The forward passes of the reference executor; a backward pass counts for two."""
    return () if isinstance(node, Choice) else expand(node).runs


def left_of(node: Node) -> int:
    """Token-layers that are left after the compiler's passes. A clean run that many steps share counts where it is
    all there is to do."""
    if isinstance(node, Choice):
        return 0
    runs = optimise(expand(node)).runs
    return sum(run.token_layers for run in runs if run.shared is None or len(runs) == 1)


def left_in(plan: Plan, ids: Iterable[str]) -> dict[str, int]:
    """Token-layers that are left of each of these steps after the compiler's passes; what is shared counts where it
    comes first."""
    seen: set[str] = set()
    left: dict[str, int] = {}
    for id in ids:
        node = plan.nodes[id]
        runs = [] if isinstance(node, Choice) else once(optimise(expand(node)).runs)
        left[id] = sum(run.token_layers for run in runs if run.shared not in seen)
        seen.update(run.shared for run in runs if run.shared)
    return left


def bytes_of(node: Node, nodes: Mapping[str, Node]) -> int:
    """Bytes of the value, without the few hundred of its header. `nodes` are those of the plan."""
    return 0 if isinstance(node, Choice) else kind_of(node).nbytes(node, nodes)
