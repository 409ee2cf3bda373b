"""Batch: variants of the same prompts share a forward pass, as many rows as a pass may take bytes.

Prompts whose first change comes late run apart from those whose comes early, so that none has to wait for another's
tokens.

before: received  9 variants x 50 prompts, from tokens 4-40 on
after:  received  in 4 groups of prompts, from tokens 4, 13, 22, 31 on, at most 160 rows together
"""

from __future__ import annotations

from itertools import pairwise

from attrs import evolve

from entrack.plan.schedule import Every, ForwardPass, From, Role, Schedule

LEAST = 10**9
"""Operations of a group: one with fewer saves less than its pass costs."""
WORTH = 0.9
"""Groups are halved as long as this leaves less than so much of the tokens."""
ROWS = (Role.SENT, Role.RECEIVED, Role.EDITED)
"""What is run row by row, from where it differs from another run."""


def batch(schedule: Schedule) -> Schedule:
    """The work with its rows put together."""
    return evolve(schedule, runs=tuple(_batched(run, schedule.memory.a_pass) for run in schedule.runs))


def row_bytes(run: ForwardPass) -> int:
    """An estimate of what one row's activations take, in float32: some widths at each token, attention's scores,
    keys and values, logits twice. On the way back those of all layers are needed."""
    facts, length = run.facts, run.batch.length
    tokens = max(len(run.tokens.of(prompt, length)) for prompt in range(run.batch.prompts))
    attended = facts.heads * length * tokens + 4 * length * facts.key_value_heads * facts.d_head if run.attention else 0
    layers = len(run.layers) if run.backward else 1
    return 4 * (layers * (16 * facts.d_model * tokens + attended) + 2 * facts.vocabulary * run.logits)


def _batched(run: ForwardPass, room: int) -> ForwardPass:
    if run.role not in ROWS or (isinstance(run.tokens, Every) and run.first == 0):
        return run
    at_once = max(1, room // row_bytes(run))
    if not isinstance(run.tokens, From):
        return (
            run if at_once >= run.rows else run.noted(f"batch: {at_once} of {run.rows} rows at once", at_once=at_once)
        )
    groups = _groups(run, run.tokens.at, at_once)
    levelled = [0] * run.batch.prompts
    for group in groups:
        for prompt in group:
            levelled[prompt] = run.tokens.at[group[0]]
    note = (
        f"batch: {len(groups)} group{'s' * (len(groups) > 1)} of prompts, {min(at_once, run.rows)} rows at once at most"
    )
    return run.noted(note, at_once=at_once, groups=groups, tokens=From(tuple(levelled)))


def _groups(run: ForwardPass, at: tuple[int, ...], at_once: int) -> tuple[tuple[int, ...], ...]:
    """Prompts by their first token, cut into equal groups: as many as memory asks for, and more where that spares
    tokens."""
    order = sorted(range(len(at)), key=lambda prompt: (at[prompt], prompt))
    many, most = max(1, -(-run.rows // at_once)), min(len(order), run.flops // LEAST)
    while 2 * many <= most and _tokens(_cut(order, 2 * many), at, run.batch.length) < WORTH * _tokens(
        _cut(order, many), at, run.batch.length
    ):
        many *= 2
    return _cut(order, min(many, len(order)))


def _cut(order: list[int], many: int) -> tuple[tuple[int, ...], ...]:
    edges = [len(order) * part // many for part in range(many + 1)]
    return tuple(tuple(order[start:end]) for start, end in pairwise(edges))


def _tokens(groups: tuple[tuple[int, ...], ...], at: tuple[int, ...], length: int) -> int:
    return sum(len(group) * (length - at[group[0]]) for group in groups)
