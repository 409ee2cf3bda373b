"""Rules for what receives in a hop: the logits, or what the sites of groups read, of hops above or declared outside."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from entrack.check.resolved import Alternate, Circuit, Group, Receiver, Task
from entrack.check.scope import Scope
from entrack.diagnostics import Label
from entrack.diagnostics.suggest import Suggestion, did_you_mean
from entrack.frozen import frozen
from entrack.sites import HEADS, RECEIVERS, RECEIVING, SENDING, Part, Site
from entrack.syntax import ast


@frozen
class Given:
    """What discoveries are checked with: names, and what was checked before."""

    scope: Scope
    alternates: Mapping[str, Alternate]
    written: Mapping[str, Circuit]
    seed: int


def receiver(given: Given, item: ast.Discover, place: int, node: ast.Reference, task: Task) -> Receiver | str | None:
    scope, hop = given.scope, item.hops[place]
    earlier = {known.name: known for known in item.hops[:place]}
    if node.plain == "logits":
        if not _is_end(task, hop.position.text):
            scope.report(
                "E525",
                f"senders at `{hop.position.text}` cannot reach the logits",
                hop.position.span,
                "every head from this position on is held, so every score would be exactly 0",
                "name the position that is the end of the prompt",
            )
            return None
        return "logits"
    match node:
        case ast.Reference(name, (ast.Dotted(word),)) if name in earlier and word in RECEIVERS:
            senders = senders_of(earlier[name])
            if not _can_receive(scope, name, senders, word, node):
                return None
            _reach(scope, hop, earlier[name], word, node)
            return Receiver(name, RECEIVERS[word], mixed=len(senders) > 1)
        case ast.Reference(name, (*inside, ast.Dotted(word))) if name not in earlier and name in given.written:
            return _declared(given, item, ast.Reference(name, tuple(inside)), word, node)
    _no_receiver(given, item, place, node, list(earlier))
    return None


def senders_of(hop: ast.Hop) -> tuple[Part, ...]:
    return tuple(part for word, part in SENDING.items() if word in {name.text for name in hop.senders}) or HEADS


def _declared(
    given: Given, item: ast.Discover, named: ast.Reference, word: str, node: ast.Reference
) -> Receiver | None:
    """A group of a circuit that is declared outside, or a group alone."""
    scope, circuit = given.scope, given.written[named.name]
    inside = named.rest[0].name if named.rest and isinstance(named.rest[0], ast.Dotted) else ""
    groups = circuit.groups if len(circuit.groups) == 1 and not named.rest else (circuit.by_name.get(inside),)
    group = groups[0]
    if group is None or len(named.rest) > 1 or word not in RECEIVERS:
        first = node.name if circuit.label == circuit.groups[0].name else f"{node.name}.{circuit.groups[0].name}"
        options = [f"`{first}.{each}`" for each in _reading({site.part for site in _sites(circuit.groups[0])})]
        scope.report(
            "E524",
            f"`{node.plain or node.name}` is nothing that receives",
            node.span,
            "",
            Suggestion.of(
                f"write {' or '.join([', '.join(options[:-1]), options[-1]] if options[1:] else options)}",
                node.plain or node.name,
                _outside(given),
            ),
        )
        return None
    if group.model != item.model.text:
        scope.report(
            "E524",
            f"`{named.plain}` is declared in `{group.model}`, and this discovery is in `{item.model.text}`",
            node.span,
            "",
            f"declare it in `{item.model.text}`",
        )
        return None
    parts = tuple({site.part: None for site in _sites(group)})
    if not _can_receive(scope, named.plain or named.name, parts, word, node):
        return None
    return Receiver(named.plain or named.name, RECEIVERS[word], group)


def _sites(group: Group) -> tuple[Site, ...]:
    assert isinstance(group.heads, tuple)  # it is written
    return group.heads


def _reading(parts: Collection[Part]) -> list[str]:
    """The words for what sites of these parts read."""
    return [
        word for word, part in RECEIVERS.items() if (part if part not in RECEIVING else Part.OUTPUT) in parts
    ] or list(RECEIVERS)


def _can_receive(scope: Scope, group: str, parts: Collection[Part], word: str, node: ast.Reference) -> bool:
    """Whether a group has sites that read what the word says."""
    if word in _reading(parts):
        return True
    mlps = word != "input"
    scope.report(
        "E524",
        f"`{group}` has no {'heads' if mlps else 'MLPs'}",
        node.span,
        "its MLPs read their input" if mlps else "its heads read queries, keys and values",
        f"write {' or '.join(f'`{group}.{each}`' for each in _reading(parts))}",
    )
    return False


def _no_receiver(given: Given, item: ast.Discover, place: int, node: ast.Reference, earlier: list[str]) -> None:
    scope, later = given.scope, [known.name for known in item.hops[place:]]
    by_name = {hop.name: hop for hop in item.hops}
    options = [f"{name}.{word}" for name in earlier for word in _reading(senders_of(by_name[name]))]
    if node.name == item.hops[place].name:
        scope.report(
            "E524", "a group does not receive from itself", node.span, "", did_you_mean(node.name, ["logits", *options])
        )
    elif node.name in later:
        scope.report(
            "E524",
            f"`{node.name}` is found after this hop",
            node.span,
            "",
            "hops go backwards from the logits: put it above",
        )
    elif node.name in earlier:
        own = [f"`{node.name}.{word}`" for word in _reading(senders_of(by_name[node.name]))]
        scope.report(
            "E524",
            "a receiver is the query, key or value of a group" + (", or its input" if "input" in own[-1] else ""),
            node.span,
            "",
            Suggestion.of(
                f"write {', '.join(own[:-1])}{' or ' if own[1:] else ''}{own[-1]}",
                node.plain or node.name,
                [each.strip("`") for each in own],
            ),
        )
    elif node.name not in scope.unread and node.name not in scope.broken:
        scope.report(
            "E524",
            f"there is no receiver `{node.plain or node.name}`",
            node.span,
            "",
            did_you_mean(node.plain or node.name, ["logits", *options]).also(*_outside(given)),
        )


def _outside(given: Given) -> Iterator[str]:
    """What receives of groups that are declared outside of the discovery."""
    for name, circuit in given.written.items():
        for group in circuit.groups:
            wholes = (f"{name}.{group.name}", name)[: 1 + (len(circuit.groups) == 1)]
            yield from (f"{whole}.{word}" for whole in wholes for word in RECEIVERS)


def _reach(scope: Scope, hop: ast.Hop, receiver: ast.Hop, word: str, node: ast.Reference) -> None:
    if word in ("query", "input") and hop.position.text != receiver.position.text:
        read, what, how = (
            ("queries", "heads", "a query is made at a head's own position")
            if word == "query"
            else ("inputs", "MLPs", "an MLP reads its own position")
        )
        scope.report(
            "E525",
            f"senders at `{hop.position.text}` cannot reach the {read} of `{receiver.name}`",
            node.span,
            f"its {what} stand at `{receiver.position.text}`, and {how}",
            f"put the senders at `{receiver.position.text}`"
            + (", or receive by key or value" if word == "query" else ""),
            (Label(receiver.position.span, "the receivers' position"),),
        )


def _is_end(task: Task, position: str) -> bool:
    places = [part.place for part in task.syntax.items if isinstance(part, ast.Position) and part.name == position]
    return any(isinstance(place, ast.EndOf) and place.text.plain == "prompt" for place in places)
