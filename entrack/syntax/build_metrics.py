"""Building: metrics, the words that they are of, and what is read at named positions."""

from __future__ import annotations

from lark import v_args
from lark.tree import Meta

from entrack.syntax import ast
from entrack.syntax.build_base import BuildBase, Children


@v_args(meta=True)
class BuildMetrics(BuildBase):
    """What is measured. Metrics that have nothing but words are built by their rules' names, in `Build`."""

    def metric(self, meta: Meta, c: Children) -> ast.Metric:
        return c[0]  # type: ignore[no-any-return]  # lark is untyped

    def accuracy(self, meta: Meta, c: Children) -> ast.Metric:
        top, word = c
        return ast.Metric("accuracy", of=() if word is None else (word,), span=self._at(meta), top=top)

    def recovery(self, meta: Meta, c: Children) -> ast.Recovery:
        return ast.Recovery(c[0], c[1], span=self._at(meta))

    def loss(self, meta: Meta, c: Children) -> ast.Loss:
        return ast.Loss(c[0], span=self._at(meta))

    def logit_lens(self, meta: Meta, c: Children) -> ast.LogitLens:
        return ast.LogitLens(c[0], c[1], span=self._at(meta))

    def direct_logit_attribution(self, meta: Meta, c: Children) -> ast.DirectLogitAttribution:
        return ast.DirectLogitAttribution(c[0], c[1], str(c[2]), span=self._at(meta))

    def attention(self, meta: Meta, c: Children) -> ast.Attention:
        return ast.Attention(c[0], c[1], span=self._at(meta))

    def kl_from_clean(self, meta: Meta, c: Children) -> ast.Metric:
        return ast.Metric("KL from clean", span=self._at(meta))

    def whole_word(self, meta: Meta, c: Children) -> ast.WholeWord:
        return ast.WholeWord(c[0], span=self._at(meta))

    def called_whole(self, meta: Meta, c: Children) -> ast.Name:
        return ast.Name("whole", span=self._at(meta))

    def any_word(self, meta: Meta, c: Children) -> ast.AnyWord:
        return ast.AnyWord(c[0], span=self._at(meta))
