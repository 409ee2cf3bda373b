"""The batched executor: the plain one's numbers, computing only what can change.

Path patching, for all heads of a layer at once. A row is one (head, prompt) whose change is not exactly nothing; the
other outcomes are the clean ones, bit for bit. Rows go in chunks whose size follows from a number of bytes.

First pass: every head from the position on is held, so the sender's change meets norms and MLPs only, and only at one
token: a chain of length one, with the attentions replaced by their clean output. Second pass: nothing changes below the
lowest receiver or before the first position, so the pass starts at that layer and token, on the clean residual, keys
and values.

Training a mask, and evaluating where only attention is blocked: a pass starts at the lowest layer and first token of a change, on the
clean run's residual, keys and values, for as long as these fit into the memo.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import torch
from attrs import frozen
from torch import Tensor
from transformers.cache_utils import DynamicCache

from entrack.engine import access, plain
from entrack.engine.access import Place, Prefix, Read, Set, Start
from entrack.engine.arch import Part
from entrack.engine.continued import Cut, Kept
from entrack.engine.errors import OutOfMemory
from entrack.engine.inputs import Arrays, Inputs, bound, captured, senders
from entrack.engine.kernels.evaluate import Changes, evaluated, full
from entrack.engine.kernels.train_mask import Group, Pair, full_pass, mixed, train
from entrack.engine.outcomes import Outcomes
from entrack.engine.receivers import receiving
from entrack.engine.session import Here, Session
from entrack.engine.settings import is_out_of_memory
from entrack.plan.steps import Batch, Evaluate, MaskBatch, PathPatch, TrainMask

Places = Mapping[Place, tuple[int, ...]]


def path_patch(session: Session, step: PathPatch, inputs: Inputs) -> Arrays:
    """-> `top` int64 (sender, prompt); `logit`, `log_probability` float32 (sender, prompt, k)"""
    asked = session.tensor(step.asked)
    clean = session.clean_at(step.batch, step.at)
    session.check_logits(step.batch, clean.logits)
    outcomes = Outcomes.of(clean.logits, asked).repeated(len(senders(step)))

    named = receiving(step.receivers, session.model.facts)
    receivers = {place: heads for place, heads in named.items() if place.layer > step.layer}
    if named and not receivers:
        return outcomes.arrays()
    patch = _Patch.of(session, step, inputs, clean, receivers)

    def work(part: slice) -> None:
        head, prompt = patch.head[part], patch.prompt[part]
        logits = patch.logits(head, prompt)
        session.check_logits(step.batch, logits, prompt)
        outcomes.put((head, prompt), Outcomes.of(logits, asked[prompt]))

    _in_chunks(len(patch.head), patch.rows_at_once(), work)
    return outcomes.arrays()


@frozen(eq=False)
class _Patch:
    """One path patching step made ready.

    `delta` (sender, prompt, d_model) is what a sender's change adds to its attention's output; `head`, a place among the senders, and
    `prompt` (row) are the rows to run.
    """

    session: Session
    step: PathPatch
    receivers: Places
    here: Here
    delta: Tensor
    head: Tensor
    prompt: Tensor

    @classmethod
    def of(cls, session: Session, step: PathPatch, inputs: Inputs, here: Here, receivers: Places) -> _Patch:
        alternate = session.tensor(captured(inputs, step.alternate))
        delta = _delta(session, step.layer, alternate[step.layer] - here.z[step.layer].float())[session.tensor(senders(step))]
        moved = delta.ne(0).any(-1)
        if not receivers:
            moved &= session.tensor(step.at) == step.batch.length - 1
        head, prompt = moved.nonzero(as_tuple=True)
        return cls(session, step, receivers, here, delta, head, prompt)

    def logits(self, head: Tensor, prompt: Tensor) -> Tensor:
        """What the model says when these rows' change is made. -> (row, vocabulary)"""
        if not self.receivers:
            return self._chain(head, prompt).logits
        normed = {place: Place(place.layer, Part.NORMED) for place in self.receivers}
        seen = self._chain(head, prompt, set(normed.values())).values
        project = self.session.model.project
        return self._receive(prompt, {place: project(place, seen[normed[place]]) for place in self.receivers})

    def rows_at_once(self) -> int:
        facts, length = self.session.model.facts, self.step.batch.length
        width = 16 * facts.d_model
        row = width + 2 * facts.vocabulary
        if self.receivers:
            tokens = length - min(self.step.at)
            keys_and_values = 4 * length * facts.key_value_heads * facts.d_head
            row += tokens * (width + facts.heads * length) + keys_and_values
        return max(1, self.session.pass_bytes // (4 * row))

    def _chain(self, head: Tensor, prompt: Tensor, places: Collection[Place] = ()) -> access.Ran:
        """The first pass, at one token. -> the `places`, (row, 1, d_model) each, or the logits if there are none"""
        first, here, model = self.step.layer, self.here, self.session.model
        last = max((place.layer for place in places), default=self.session.layers[-1])
        held = {layer: here.attention[layer, prompt, None] for layer in range(first, last + 1)}
        held[first] = (held[first].float() + self.delta[head, prompt, None]).to(model.dtype)
        self._tally(len(prompt) * (last + 1 - first))
        return access.forward(
            model,
            torch.zeros(len(prompt), 1, dtype=torch.int64),
            start=Start(first, here.residual[first, prompt, None]),
            held=held,
            reads=[Read(place) for place in places],
            logits=not places,
        )

    def _receive(self, prompt: Tensor, read: Mapping[Place, Tensor]) -> Tensor:
        """The second pass: the receivers take what was `read`, (row, 1, head, d_head) each. -> (row, vocabulary)"""
        batch, model = self.step.batch, self.session.model
        since, layer = min(self.step.at), min(place.layer for place in read)
        residual = _residual(self.session, self.step, since, layer)
        tokens = self.session.tokens(batch)[prompt, since:]
        here = self.session.tensor(range(since, batch.length)) == self.session.tensor(self.step.at)[prompt, None]
        self._tally(len(prompt) * tokens.shape[1] * (model.facts.layers - layer))
        return access.forward(
            model,
            tokens,
            sets=[Set(place, here[:, :, None, None] & self._among(place), read[place]) for place in read],
            start=Start(layer, residual[prompt]),
            prefix=_prefix(self.session, batch, since, prompt),
        ).logits

    def _among(self, place: Place) -> Tensor:
        heads = range(self.session.model.heads(place.part))
        return self.session.tensor([head in self.receivers[place] for head in heads])[None, None, :, None]

    def _tally(self, token_layers: int) -> None:
        whole = self.step.batch.prompts * self.step.batch.length * self.session.model.facts.layers
        self.session.forwards += token_layers / whole


def _delta(session: Session, layer: int, moved: Tensor) -> Tensor:
    """What a change of z (prompt, head, d_head) adds to the attention's output, by head. -> (head, prompt, d_model)"""
    weight = session.model.by_head(Part.OUTPUT, session.model.output_weight(layer).float())
    return torch.einsum("phd,ohd->hpo", moved, weight)


def _residual(session: Session, step: PathPatch, since: int, layer: int) -> Tensor:
    """A clean run's residual at `layer`, tokens `since` on; read once for all receivers. -> (prompt, token, d_model)"""
    layers = tuple(sorted({place.layer for place in receiving(step.receivers, session.model.facts)}))

    def make() -> tuple[Tensor, ...]:
        places = [Place(index, Part.RESIDUAL) for index in layers]
        values = session.forward(step.batch, reads=[Read(place) for place in places]).values
        return tuple(values[place][:, since:].clone() for place in places)

    return session.memo.get((session.model.key, step.batch, "residual", since, layers), make)[layers.index(layer)]


def _prefix(session: Session, batch: Batch, since: int, prompts: Tensor) -> Prefix | None:
    """A clean run's keys and values of the tokens before `since`, if there are any."""
    if not since:
        return None

    def make() -> tuple[Tensor, ...]:
        cache = DynamicCache()
        session.forwards += since / batch.length
        access.forward(session.model, session.tokens(batch)[:, :since], cache=cache)
        return tuple(tensor for pair in access.keys_and_values(cache) for tensor in pair)

    flat = session.memo.get((session.model.key, batch, "before", since), make)
    return Prefix(since, {layer: (flat[2 * layer], flat[2 * layer + 1]) for layer in session.layers}, prompts)


def evaluate(session: Session, step: Evaluate, inputs: Inputs) -> Arrays:
    """-> `top` int64 (prompt); `logit`, `log_probability` float32 (prompt, k)"""
    return evaluated(session, step, inputs, _logits)


def _logits(session: Session, step: Evaluate, changes: Changes) -> Tensor:
    """The same clean run serves every span of layers. Edits of outputs and inputs take the plain way: what is set to what it was
    changes nothing at all there, bit for bit."""
    if changes.sets or not changes.blocked:
        return full(session, step, changes)
    since = int(torch.stack(list(changes.blocked.values())).any(-1).flatten(0, 1).any(0).nonzero()[0])
    cut = Cut(step.batch, since, tuple(session.layers))
    if cut.bytes(session.model.facts, session.model.dtype.itemsize) > session.memo.most:
        return full(session, step, changes)
    blocked = {layer: pairs[:, since:] for layer, pairs in changes.blocked.items()}
    return Kept.of(session, cut).go_on(session, min(blocked), blocked=blocked)


def train_mask(session: Session, step: TrainMask, inputs: Inputs) -> Arrays:
    """-> `mask` float32 (head); `steps` int64 (); `loss` float32 (step); `validation` float32 (check)"""
    group = Group.of(session, bound(step.heads))
    if not group.heads:
        return plain.KERNELS[TrainMask](session, step, inputs)
    remembered = _remembered(session, step, min(group.elements))

    def run(pair: Pair, mask: Tensor, *, gradient: bool) -> Tensor:
        cut = _cut(pair.batch, min(group.elements))
        if cut not in remembered and not gradient:
            return full_pass(session, group, pair, mask, gradient=False)
        sets = mixed(session, group, pair, mask, cut.since)
        kept = Kept.of(session, cut, remember=cut in remembered)
        return kept.go_on(session, cut.layers[0], sets=sets, gradient=gradient)

    return train(session, step, group, run)


def _cut(batch: MaskBatch, layer: int) -> Cut:
    return Cut(batch.original, min(batch.at), (layer,))


def _remembered(session: Session, step: TrainMask, layer: int) -> set[Cut]:
    """Whose clean runs are kept: those of the checks first, which are read most often, as many as fit into the memo.

    The others are run anew each time, which still saves the way back through what cannot change.
    """
    cuts, room = set[Cut](), session.memo.most
    for cut in (_cut(batch, layer) for batch in (*step.validate, *step.train)):
        size = cut.bytes(session.model.facts, session.model.dtype.itemsize)
        if cut not in cuts and size <= room:
            cuts.add(cut)
            room -= size
    return cuts


def _in_chunks(rows: int, at_once: int, work: Callable[[slice], None]) -> None:
    """All rows, at most `at_once` together, and half as many whenever they did not fit into memory."""
    start = 0
    while start < rows:
        try:
            work(slice(start, start + at_once))
            start += at_once
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if at_once == 1:
                raise OutOfMemory("one prompt with one change does not fit into memory") from error
            at_once //= 2


KERNELS: Mapping[type, plain.Kernel] = {**plain.KERNELS, Evaluate: evaluate, PathPatch: path_patch, TrainMask: train_mask}
