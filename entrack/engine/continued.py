"""A clean run kept up to a token, and passes that go on from there: what lies before and below the first change is computed once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import frozen
from torch import Tensor
from transformers.cache_utils import DynamicCache

from entrack.engine import access
from entrack.engine.access import Place, Prefix, Read, Set, Start
from entrack.engine.arch import Part
from entrack.engine.session import Session
from entrack.facts import ModelFacts
from entrack.plan.steps import Batch


@frozen
class Cut:
    """Where a clean run is cut: before the token `since`, and at the inputs of `layers`, of which the first is the lowest ever asked for."""

    batch: Batch
    since: int
    layers: tuple[int, ...]

    def bytes(self, facts: ModelFacts, itemsize: int) -> int:
        """What `Kept` holds: keys and values before the cut, residuals after it."""
        keys_and_values = 2 * self.since * facts.key_value_heads * facts.d_head * (facts.layers - self.layers[0])
        residuals = (self.batch.length - self.since) * facts.d_model * len(self.layers)
        return itemsize * self.batch.prompts * (keys_and_values + residuals)


@frozen(eq=False)
class Kept:
    """A clean run's residuals at the layers of a cut (prompt, token, d_model), tokens `since` on, and keys and values before it."""

    cut: Cut
    residuals: Mapping[int, Tensor]
    before: Mapping[int, tuple[Tensor, Tensor]]

    @classmethod
    def of(cls, session: Session, cut: Cut, remember: bool = True) -> Kept:
        """From the memo, or from one full forward pass."""

        def make() -> tuple[Tensor, ...]:
            return _run(session, cut)

        flat = session.memo.get((session.model.key, "kept", cut), make) if remember else make()
        pairs, first = flat[len(cut.layers) :], cut.layers[0]
        before = {first + i: (pairs[2 * i], pairs[2 * i + 1]) for i in range(len(pairs) // 2)}
        return cls(cut, dict(zip(cut.layers, flat[: len(cut.layers)], strict=True)), before)

    def go_on(
        self,
        session: Session,
        layer: int,
        *,
        sets: Iterable[Set] = (),
        blocked: Mapping[int, Tensor] | None = None,
        gradient: bool = False,
    ) -> Tensor:
        """Logits at the last token of a pass with changes from `layer` and the cut on. Masks, values and what is blocked begin at the cut."""
        batch, since, facts = self.cut.batch, self.cut.since, session.model.facts
        share = (1 - since / batch.length) * (1 - layer / facts.layers)
        session.forwards += share * (3 if gradient else 1)
        return access.forward(
            session.model,
            session.tokens(batch)[:, since:],
            sets=sets,
            start=Start(layer, self.residuals[layer]),
            prefix=Prefix(since, self.before) if since else None,
            blocked=blocked,
            gradient=gradient,
        ).logits


def _run(session: Session, cut: Cut) -> tuple[Tensor, ...]:
    """The residuals; then, layer by layer from the lowest, keys and values, if there is anything before the cut."""
    cache = DynamicCache()
    places = [Place(layer, Part.RESIDUAL) for layer in cut.layers]
    values = session.forward(cut.batch, reads=[Read(place) for place in places], cache=cache).values
    residuals = [values[place][:, cut.since :].clone() for place in places]
    if not cut.since:
        return tuple(residuals)
    pairs = access.keys_and_values(cache)[cut.layers[0] :]
    return (*residuals, *(tensor[:, :, : cut.since].clone() for pair in pairs for tensor in pair))
