"""Building: metrics, the words that they are of, and what is read at named positions."""

from __future__ import annotations

from entrack.source import Span
from entrack.syntax import ast
from entrack.syntax.build_base import BuildBase, Children


class BuildMetrics(BuildBase):
    """What is measured. Metrics that have nothing but words are built by their rules' names, in `Build`."""

    def metric(self, at: Span, c: Children) -> ast.Metric:
        return c[0]  # type: ignore[no-any-return]

    def accuracy(self, at: Span, c: Children) -> ast.Metric:
        top, word = c
        return ast.Metric("accuracy", of=() if word is None else (word,), span=at, top=top)

    def recovery(self, at: Span, c: Children) -> ast.Recovery:
        return ast.Recovery(c[0], c[1], span=at)

    def loss(self, at: Span, c: Children) -> ast.Loss:
        return ast.Loss(c[0], span=at)

    def logit_lens(self, at: Span, c: Children) -> ast.LogitLens:
        return ast.LogitLens(c[0], c[1], span=at)

    def direct_logit_attribution(self, at: Span, c: Children) -> ast.DirectLogitAttribution:
        return ast.DirectLogitAttribution(c[0], c[1], str(c[2]), span=at)

    def attention(self, at: Span, c: Children) -> ast.Attention:
        return ast.Attention(c[0], c[1], span=at)

    def kl_from_clean(self, at: Span, c: Children) -> ast.Metric:
        return ast.Metric("KL from clean", span=at)

    def whole_word(self, at: Span, c: Children) -> ast.WholeWord:
        return ast.WholeWord(c[0], span=at)

    def called_whole(self, at: Span, c: Children) -> ast.Name:
        return ast.Name("whole", span=at)

    def any_word(self, at: Span, c: Children) -> ast.AnyWord:
        return ast.AnyWord(c[0], span=at)
