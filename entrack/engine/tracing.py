"""The one file that runs nnsight: a forward pass on token ids, with values read and set on the way.

    z, query = Site(3, Part.OUTPUT), Site(5, Part.QUERY)
    ran = forward(model, tokens, sets=[Set(z, mask, values)], reads=[Read(query, at)])

Inside a trace nnsight runs our code in step with the model, so sites must be visited in the order in which the pass
comes by them, that of the family's `parts`: `_walk` does, and everybody else names sites in any order.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import nnsight
import torch
from attrs import frozen
from nnsight import Envoy
from torch import Tensor
from transformers.cache_utils import Cache

from entrack import interrupts
from entrack.engine.cache_layers import Around, AroundLayer, Prefix, PrefixLayer, cache_of
from entrack.engine.errors import EngineError, NothingToAttend
from entrack.engine.loaded_model import LoadedModel
from entrack.engine.traced_part import TracedPart
from entrack.engine.writes import Write
from entrack.sites import Part, Site


@frozen(eq=False)
class Read:
    """Read a site at the tokens `at` - one per prompt, or (prompt, k) - or at all tokens: what stands there after what
    is set, or, with `computed`, what the model has computed before. Of an attention, `weights` are read in place of its
    output: (prompt, head, token read) at a token, where it gives them."""

    site: Site
    at: Tensor | None = None
    computed: bool = False
    weights: bool = False


@frozen(eq=False)
class ResumeAt:
    """Do not run the layers below `layer`: its input is `residual` (prompt, token, d_model)."""

    layer: int
    residual: Tensor


@frozen(eq=False)
class Trace:
    """What a pass read, at the model's home: values by site, and the last token's logits (prompt, vocabulary), empty if
    not wanted; those of several tokens (prompt, token, vocabulary), if these are."""

    values: Mapping[Site, Tensor]
    logits: Tensor


def forward(
    model: LoadedModel,
    tokens: Tensor,
    *,
    sets: Iterable[Write] = (),
    reads: Iterable[Read] = (),
    start: ResumeAt | None = None,
    held: Mapping[int, Tensor] | None = None,
    blocked: Mapping[int, Tensor] | None = None,
    prefix: Prefix | None = None,
    around: Around | None = None,
    cache: Cache | None = None,
    logits: bool = True,
    logits_at: Tensor | None = None,
    gradient: bool = False,
) -> Trace:
    """One forward pass on `tokens` (prompt, token) int64. Sets at one site apply in their order.

    `held` maps a layer to the output of its attention (prompt, token, d_model), which then is not computed; `blocked`
    to bool (prompt, token, token read), true where no head attends. With a `prefix`, `tokens` continue it; with
    `around`, they are those that it names; without either, a `cache` takes up keys and values. Without `logits`
    the pass ends where the last site was visited; `logits_at` are the tokens to have them of, instead of the last, the
    same in all prompts. With `gradient` the logits can be differentiated by what was set.
    Raises what torch raises, NothingToAttend where all that a token can attend to is blocked, and EngineError for a
    part that the model does not have.
    """
    script = _Script.of(len(tokens), sets, reads, start, held or {}, blocked or {}, logits=logits, logits_at=logits_at)
    script.check(model)
    extra: dict[str, object] = {"past_key_values": cache, "use_cache": cache is not None}
    if prefix is not None:
        ids = torch.arange(prefix.length, prefix.length + tokens.shape[1], device=model.device)
        extra = {
            "past_key_values": cache_of(model, partial(PrefixLayer, prefix)),
            "use_cache": True,
            "position_ids": ids[None],
        }
    if around is not None:
        layers = cache_of(model, partial(AroundLayer, around))
        extra = {
            "past_key_values": layers,
            "use_cache": True,
            "position_ids": around.tokens,
            "attention_mask": around.mask(model.dtype),
        }
    before = sys.gettrace()
    interrupts.check()
    try:
        with torch.set_grad_enabled(gradient):
            ran = _trace(model, tokens.to(model.device), script, extra)
    except BaseException as error:
        interrupts.check()
        if isinstance(error, TypeError) and isinstance(error.__context__, KeyboardInterrupt):
            raise error.__context__ from None  # nnsight tidied the traceback of a Ctrl-C, and fell over a missing line
        raise
    finally:
        sys.settrace(before)  # nnsight arms it to keep Python from running the block; Ctrl-C may come in between
    interrupts.check()  # one that was swallowed in the pass
    return ran


def _trace(model: LoadedModel, tokens: Tensor, script: _Script, extra: Mapping[str, object]) -> Trace:
    kept = 1 if script.logits_at is None else script.logits_at
    with model.traced.trace(tokens, logits_to_keep=kept, **extra) as tracer:
        ran: Trace = nnsight.save(_walk(model, script))
        if not script.logits:
            tracer.stop()
    return ran


@frozen(eq=False)
class _Script:
    """What is to happen at each site of one pass over so many `prompts`."""

    prompts: int
    sets: Mapping[Site, Sequence[Write]]
    reads: Mapping[Site, Read]
    start: ResumeAt | None
    held: Mapping[int, Tensor]
    blocked: Mapping[int, Tensor]
    logits: bool
    logits_at: Tensor | None

    @classmethod
    def of(
        cls,
        prompts: int,
        sets: Iterable[Write],
        reads: Iterable[Read],
        start: ResumeAt | None,
        held: Mapping[int, Tensor],
        blocked: Mapping[int, Tensor],
        *,
        logits: bool,
        logits_at: Tensor | None,
    ) -> _Script:
        at: dict[Site, list[Write]] = {}
        for one in sets:
            at.setdefault(one.site, []).append(one)
        return cls(prompts, at, {read.site: read for read in reads}, start, held, blocked, logits, logits_at)

    def check(self, model: LoadedModel) -> None:
        for site in (*self.sets, *self.reads):
            if not model.facts.has(site.part):
                raise EngineError(f"the layers of this {model.facts.family} model have no {site.part.value}: {site}")

    def last_layer(self, layers: int) -> int:
        if self.logits:
            return layers - 1
        return max(site.layer for site in (*self.sets, *self.reads))


def _walk(model: LoadedModel, script: _Script) -> Trace:
    """Visit what the script names, in forward order. Runs inside a trace."""
    values: dict[Site, Tensor] = {}
    blocks = model.traced.get(model.layout.layers)
    first = 0
    if script.start is not None:
        first = script.start.layer
        for index in range(first):
            residual = script.start.residual
            blocks[index].skip((residual, None) if model.layout.layers_give_pairs else residual)
        blocks[first].input = script.start.residual.to(model.places[first])
    for index in range(first, script.last_layer(model.facts.layers) + 1):
        for part in filter(model.facts.has, model.layout.parts):
            site = Site(index, part)
            if site in script.sets or site in script.reads:
                _visit(model, blocks[index], site, script, values)
            if part is Part.NORMED and index in script.held:
                held = script.held[index].to(model.places[index])
                blocks[index].get(model.layout.attention).skip((held, None))
            if part is Part.NORMED and index in script.blocked:
                blocked = script.blocked[index].to(model.places[index])
                _block(model, index, blocks[index].get(model.layout.attention), blocked)
    if not script.logits:
        return Trace(values, torch.empty(0))
    head = model.traced.get(model.layout.lm_head)
    head.input = (
        head.input.contiguous()
    )  # a slice of tokens would be multiplied row by row, the whole vocabulary anew for each
    said = model.traced.output.logits  # which may be more than what the head gives: capped
    return Trace(values, said[:, -1] if script.logits_at is None else said)


def _visit(model: LoadedModel, block: Envoy, site: Site, script: _Script, values: dict[Site, Tensor]) -> None:
    here = TracedPart.of(model, block, site.part, script.prompts)
    value = computed = here.value
    if site in script.sets:
        for one in script.sets[site]:
            value = one.to(value.device).applied(value)
        here.set(value)
    if site in script.reads:
        read = script.reads[site]
        value = computed if read.computed else value
        value = here.weights if read.weights else value
        values[site] = (value if read.at is None else at_tokens(value, read.at.to(value.device))).to(model.device)


def at_tokens(value: Tensor, at: Tensor) -> Tensor:
    """A value (prompt, token, ...) at one token per prompt (prompt), or some (prompt, k). -> without the axis of
    tokens, or with k of them"""
    prompts = torch.arange(len(value), device=value.device)
    return value[prompts if at.dim() == 1 else prompts[:, None], at]


def _block(model: LoadedModel, layer: int, attention: Envoy, blocked: Tensor) -> None:
    """Give an attention a mask that is added to its scores: minus infinity where a token is blocked or cannot be
    attended.

    The mask that the model gives it - none, booleans, or numbers of which 0 lets through - says what can be attended,
    and so does one of its own.
    """
    args, kwargs = attention.inputs
    given: Tensor | None = kwargs["attention_mask"]
    if given is None:  # left to the attention itself, which then looks at all earlier tokens
        given = torch.ones_like(blocked).tril(blocked.shape[2] - blocked.shape[1])[:, None]
    allowed = (given if given.dtype == torch.bool else given == 0) & ~blocked[:, None]
    own = model.own_mask(layer, *blocked.shape[1:])
    allowed = allowed if own is None else allowed & own
    if not allowed.any(-1).all():
        prompt, _, token = (~allowed.any(-1)).nonzero()[0].tolist()
        reader = token + blocked.shape[2] - blocked.shape[1]
        raise NothingToAttend(
            f"all that token {reader} of prompt {prompt} can attend to is blocked: its attention has no value"
        )
    mask = torch.zeros(allowed.shape, dtype=model.dtype, device=allowed.device).masked_fill(~allowed, -torch.inf)
    attention.inputs = (args, {**kwargs, "attention_mask": mask})
