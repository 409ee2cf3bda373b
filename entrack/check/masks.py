"""Rules for masks: what is masked, for which desiderata, and how it is trained; and what `role.heads` stands for."""

from __future__ import annotations

from collections.abc import Mapping

from entrack import budget
from entrack.check.act_heads import heads_of
from entrack.check.changes import Changes
from entrack.check.populations import MOST_PROMPTS
from entrack.check.resolved import Alternate, Mask, Population
from entrack.check.scope import Scope
from entrack.check.spans import one_token
from entrack.diagnostics.suggest import did_you_mean
from entrack.syntax import ast
from entrack.syntax.unparse import written
from entrack.tree import parts, rebuilt

# The published schedule (arXiv 2402.14811): lambda 0.01, two epochs over 1,000 prompts in batches of 32, Adam at 0.1.
DEFAULTS: Mapping[str, float] = {
    "train": 1000,
    "validate": 500,
    "sparsity": 0.01,
    "epochs": 2,
    "batch": 32,
    "rate": 0.1,
}
BOUNDS: Mapping[str, tuple[float, float]] = {
    "train": (1, MOST_PROMPTS),
    "validate": (1, MOST_PROMPTS),
    "sparsity": (0, 1000),
    "epochs": (1, 1000),
    "batch": (1, 1000),
    "rate": (1e-6, 10),
}
SPANS = ("span", "name_span")
WHOLE = ("train", "validate", "epochs", "batch")


def check_masks(changes: Changes, items: list[ast.Item]) -> list[Mask]:
    """Every mask that makes sense."""
    return [mask for _, mask in changes.scope.sound(items, ast.Mask, lambda item: _mask(changes, item))]


def _mask(changes: Changes, item: ast.Mask) -> Mask | None:
    scope = changes.scope
    settings = _settings(scope, item)
    circuit = heads_of(changes, item.circuit)
    known = [_desideratum(changes, name) for name in item.desiderata]
    if (
        scope.find(item.model.text, item.model.span, "model") is None
        or circuit is None
        or settings is None
        or any(d is None for d in known)
    ):
        return None
    desiderata = [d for d in known if d is not None]
    budget.spend(budget.EXPANDED, len(desiderata) * len(circuit.groups))
    for desideratum in desiderata:
        for group in circuit.groups:
            if group.position not in desideratum.task.positions:
                scope.report(
                    "E618",
                    f"the task `{desideratum.task.name}` has no position `{group.position}`",
                    item.circuit.span,
                    f"`{group.name}` stands there",
                    "mask a circuit of this task",
                )
                return None
            if not one_token(scope, desideratum.task, group.position, item.circuit.span, "a mask's heads stand"):
                return None
    return Mask(
        name=item.name,
        model=item.model.text,
        circuit=circuit,
        train={d.name: _population(d, int(settings["train"]), changes.seed, "train", item) for d in desiderata},
        validate={
            d.name: _population(d, int(settings["validate"]), changes.seed, "validate", item) for d in desiderata
        },
        sparsity=settings["sparsity"],
        epochs=int(settings["epochs"]),
        batch=int(settings["batch"]),
        rate=settings["rate"],
        span=item.name_span,
    )


def _population(desideratum: Alternate, count: int, seed: int, purpose: str, item: ast.Mask) -> Population:
    return Population(
        desideratum.task,
        desideratum,
        desideratum.task.parameters,
        seed,
        count,
        purpose,
        desideratum.name,
        item.name_span,
    )


def _desideratum(changes: Changes, name: ast.Name) -> Alternate | None:
    if changes.scope.find(name.text, name.span, "desideratum") is None:
        return None
    return changes.alternates.get(name.text)


def _settings(scope: Scope, item: ast.Mask) -> dict[str, float] | None:
    settings = dict(DEFAULTS)
    good = True
    seen: set[str] = set()
    for setting in item.settings:
        name = setting.name.text
        value = scope.number(setting.value)
        if name not in DEFAULTS:
            scope.report("E650", f"a mask has no setting `{name}`", setting.name.span, "", did_you_mean(name, DEFAULTS))
            good = False
        elif name in seen:
            scope.report("E202", f"`{name}` is set twice", setting.name.span, "again here", "delete one of them")
            good = False
        elif value is not None and not _fits(name, value):
            low, high = BOUNDS[name]
            kind = "a whole number" if name in WHOLE else "a number"
            scope.report(
                "E651",
                f"`{name}` is {kind} from {low:g} to {high:g}",
                setting.value.span,
                f"this is {value:g}",
                "change the number",
            )
            good = False
        elif value is not None:
            settings[name] = value
        seen.add(name)
    return settings if good else None


def _fits(name: str, value: float) -> bool:
    low, high = BOUNDS[name]
    return low <= value <= high and (name not in WHOLE or value == int(value))


# --- families ----------------------------------------------------------------------------------------------------


def family(node: object, masks: Mapping[str, Mask]) -> ast.Reference | None:
    """The first `role.heads` (or `role[...].heads`) inside a node that stands for several masks."""
    if isinstance(node, ast.Reference):
        mask = masks.get(node.name)
        if mask is not None and node.rest and isinstance(node.rest[-1], ast.Dotted) and node.rest[-1].name == "heads":
            return node if len(_wanted(node)) != 2 or len(_pairs(node, mask)) != 1 else None
        return None
    inside = node if isinstance(node, tuple) else parts(node, SPANS)
    return next((found for part in inside if (found := family(part, masks)) is not None), None)


def members(node: object, masks: Mapping[str, Mask]) -> list[tuple[tuple[tuple[str, str], ...], object]]:
    """A node for each mask that its family stands for, with the group and desideratum it is of."""
    found = family(node, masks)
    if found is None:
        return [((), node)]
    pairs = _pairs(found, masks[found.name])
    if not pairs:
        return [((), node)]  # labels that the mask does not have: said where its heads are looked up
    return [
        ((("group", group), ("desideratum", desideratum)), _replaced(node, found, _single(found, group, desideratum)))
        for group, desideratum in pairs
    ]


def _pairs(node: ast.Reference, mask: Mask) -> list[tuple[str, str]]:
    wanted = _wanted(node)
    budget.spend(budget.EXPANDED, len(mask.desiderata) * len(mask.circuit.groups))
    groups = [group.name for group in mask.circuit.groups]
    return [(g, d) for d in mask.desiderata for g in groups if all(label in (g, d) for label in wanted)]


def _wanted(node: ast.Reference) -> list[str | None]:
    return [
        item.plain if isinstance(item, ast.Reference) else written(item)
        for part in node.rest
        if isinstance(part, ast.Subscript)
        for item in part.items
        if isinstance(item, ast.Reference | ast.Named)
    ]


def _single(node: ast.Reference, group: str, desideratum: str) -> ast.Reference:
    return ast.Reference(
        node.name,
        (ast.Subscript((ast.Reference(group), ast.Reference(desideratum))), ast.Dotted("heads")),
        span=node.span,
    )


def _replaced(node: object, old: ast.Reference, new: ast.Reference) -> object:
    if node is old:
        return new
    return node if isinstance(node, ast.Reference) else rebuilt(node, lambda part: _replaced(part, old, new), SPANS)
