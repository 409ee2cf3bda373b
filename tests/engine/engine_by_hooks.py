"""The oracle: what docs/semantics.md says, written by hand with plain torch hooks. No nnsight, no engine code.

Works on models of the llama, mistral, mixtral, qwen2, qwen3, qwen3_moe, olmo2, olmo3, gemma2, gemma3_text, phi3, gpt2,
gpt_neo, gptj, gpt_neox and opt families; `heads` and `d_head` come from the model's own config.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, cast

import torch
from torch import Tensor

PROJECTIONS = {"query": "q_proj", "key": "k_proj", "value": "v_proj"}
NORMED = {"query": "q_norm", "key": "k_norm", "value": "v_proj"}
"""What gives queries, keys and values in families that norm queries and keys before rotary embedding."""
THIRD = {"query": 0, "key": 1, "value": 2}
"""Where a component stands in a projection that has all three."""


class Hooked:
    """A transformers model with helpers to read and set head outputs and projections by layer."""

    def __init__(self, model: Any) -> None:
        self.model = model.eval()
        config = model.config
        self.layers: int = config.num_hidden_layers
        self.heads: int = config.num_attention_heads
        self.d_head: int = getattr(config, "head_dim", None) or config.hidden_size // self.heads
        self.sharing: int = self.heads // getattr(config, "num_key_value_heads", self.heads)

    def run(self, tokens: Tensor, *changes: Any, **more: Any) -> Tensor:
        """Logits at the last token, with changes as `run_all` takes them. -> (prompt, vocabulary)"""
        return self.run_all(tokens, *changes, **more)[:, -1]

    def run_all(
        self,
        tokens: Tensor,
        z: Mapping[int, Callable[[Tensor], None]] | None = None,
        projected: Mapping[tuple[int, str], Callable[[Tensor], None]] | None = None,
        gradient: bool = False,
        whole: Mapping[tuple[int, str], Callable[[Tensor], None]] | None = None,
    ) -> Tensor:
        """Logits at every token. The functions change (prompt, token, head, d_head) in place, or only look at it;
        those of `whole` - a layer, and residual, attention, mid, mlp or post - (prompt, token, d_model), with neuron
        (prompt, token, d_mlp)."""
        with ExitStack() as stack:
            stack.enter_context(torch.set_grad_enabled(gradient))
            for layer, change in (z or {}).items():
                hook = self._output_projection(layer).register_forward_pre_hook(self._before(change))
                stack.callback(hook.remove)
            for (layer, component), change in (projected or {}).items():
                module = self._projection(layer, component)
                stack.callback(module.register_forward_hook(self._after(component, change)).remove)
            for (layer, part), change in (whole or {}).items():
                stack.callback(self._on_layer(layer, part, change).remove)
            self._prompts = len(tokens)
            logits: Tensor = self.model(tokens).logits.float()
            return logits

    def z(self, tokens: Tensor) -> Tensor:
        """(layer, prompt, token, head, d_head)"""
        seen: dict[int, Tensor] = {}
        look = {i: (lambda value, i=i: seen.__setitem__(i, value.clone())) for i in range(self.layers)}
        self.run(tokens, z=look)
        return torch.stack([seen[i] for i in range(self.layers)])

    def projections(self, tokens: Tensor, component: str) -> Tensor:
        """(layer, prompt, token, head or key/value head, d_head), before rotary embedding"""
        seen: dict[int, Tensor] = {}
        look = {(i, component): (lambda value, i=i: seen.__setitem__(i, value.clone())) for i in range(self.layers)}
        self.run(tokens, projected=look)
        return torch.stack([seen[i] for i in range(self.layers)])

    def parts(self, tokens: Tensor, part: str) -> Tensor:
        """(layer, prompt, token, d_model) of the residual stream before each layer, or of what attentions or MLPs
        give"""
        seen: dict[int, Tensor] = {}
        look = {(i, part): (lambda value, i=i: seen.__setitem__(i, value.clone())) for i in range(self.layers)}
        self.run(tokens, whole=look)
        return torch.stack([seen[i] for i in range(self.layers)])

    def changed(self, tokens: Tensor, places: Mapping[tuple[int, str], Callable[[Tensor], None]]) -> Tensor:
        """Logits at the last token, with functions as of `run` at parts of any kind: output, query, key, value, or one
        without heads."""
        heads = {layer: change for (layer, part), change in places.items() if part == "output"}
        projected = {place: change for place, change in places.items() if place[1] in PROJECTIONS}
        whole = {place: change for place, change in places.items() if place[1] not in (*PROJECTIONS, "output")}
        return self.run(tokens, heads, projected, whole=whole)

    def part(self, tokens: Tensor, part: str) -> Tensor:
        """A part of any kind, of all layers. -> (layer, prompt, token, ...)"""
        seen: dict[int, Tensor] = {}
        look = {(i, part): (lambda value, i=i: seen.__setitem__(i, value.clone())) for i in range(self.layers)}
        self.changed(tokens, look)
        return torch.stack([seen[i] for i in range(self.layers)])

    def knockout(self, tokens: Tensor, layers: Collection[int], pairs: Collection[tuple[int, int, int]]) -> Tensor:
        """Attention computed by hand in `layers`, with a score of minus infinity at the (prompt, reader, token read)
        of `pairs`."""
        prompts, length = tokens.shape
        keys = torch.arange(length)
        score = torch.zeros(prompts, 1, length, length).masked_fill(keys > keys[:, None], -torch.inf)
        for prompt, reader, token in pairs:
            score[prompt, :, reader, token] = -torch.inf
        seen: dict[tuple[int, str], Tensor] = {}

        def look(place: tuple[int, str]) -> Callable[[Tensor], None]:
            return lambda value: seen.__setitem__(place, value.clone())

        def attend(layer: int) -> Callable[[Tensor], None]:
            def change(z: Tensor) -> None:
                query, key, value = (seen[layer, name].transpose(1, 2) for name in PROJECTIONS)
                key, value = (shared.repeat_interleave(self.sharing, 1) for shared in (key, value))
                scores = self._rotated(query, layer) @ self._rotated(key, layer).mT / self._scale(layer)
                cap = getattr(self.model.config, "attn_logit_softcapping", None)
                scores = scores if cap is None else cap * (scores / cap).tanh()
                weights = (scores + score).masked_fill(keys <= keys[:, None] - self._window(layer), -torch.inf)
                z[:] = (weights.softmax(-1) @ value).transpose(1, 2)

            return change

        projected = {(layer, name): look((layer, name)) for layer in layers for name in PROJECTIONS}
        return self.run(tokens, {layer: attend(layer) for layer in layers}, projected)

    def _scale(self, layer: int) -> float:
        """What attention scores are divided by."""
        if self._family == "gpt_neo":
            return 1.0
        by_layer = getattr(self.model.config, "scale_attn_by_inverse_layer_idx", False)
        width = getattr(self.model.config, "query_pre_attn_scalar", self.d_head)
        return float(width**0.5 * ((layer + 1) if by_layer else 1))

    def _window(self, layer: int) -> int:
        """How many tokens a token sees, with itself."""
        config = self.model.config
        if self._family == "gpt_neo":
            return int(config.window_size) if config.attention_layers[layer] == "local" else 1 << 30
        sliding = getattr(config, "layer_types", None) is None or config.layer_types[layer] == "sliding_attention"
        return (getattr(config, "sliding_window", None) if sliding else None) or 1 << 30

    def _base(self, layer: int) -> float:
        """The base of the rotary embedding, which may be another in layers with a window."""
        said = self.model.config.rope_parameters
        of_layer = said[self.model.config.layer_types[layer]] if "full_attention" in said else said
        return float(of_layer["rope_theta"])

    def _rotated(self, value: Tensor, layer: int) -> Tensor:
        """Rotary embedding of (prompt, head, token, d_head), each half of what is turned with the other: all of d_head,
        its first part in GPT-NeoX and Phi 3, nothing in GPT-2, GPT-Neo and OPT. GPT-J turns neighbours."""
        if self._family in ("gpt2", "gpt_neo", "opt"):
            return value
        if self._family == "gptj":
            return self._neighbours_rotated(value, self.model.config.rotary_dim)
        share = self.model.config.rope_parameters.get("partial_rotary_factor", 1)
        turned = int(self.d_head * share)
        half = turned // 2
        angle = torch.arange(value.shape[2])[:, None] * self._base(layer) ** (-torch.arange(half) / half)
        first, second, rest = value[..., :half], value[..., half:turned], value[..., turned:]
        return torch.cat(
            [first * angle.cos() - second * angle.sin(), second * angle.cos() + first * angle.sin(), rest], -1
        )

    def _neighbours_rotated(self, value: Tensor, turned: int) -> Tensor:
        """The first `turned` of d_head, two by two."""
        pairs = torch.view_as_complex(value[..., :turned].reshape(*value.shape[:-1], -1, 2).contiguous())
        angle = torch.arange(value.shape[2])[:, None] * 10_000 ** (-torch.arange(turned // 2) / (turned // 2))
        first = torch.view_as_real(pairs * torch.polar(torch.ones_like(angle), angle)).flatten(-2)
        return torch.cat([first, value[..., turned:]], -1)

    def path_patch(
        self,
        tokens: Tensor,
        at: list[int],
        sender: tuple[int, int | None],
        alternate: Tensor,
        receivers: Sequence[tuple[str, tuple[int, int | None]]],
    ) -> Tensor:
        """Logits (prompt, vocabulary). `alternate`: the alternates' z at the position (layer, prompt, head, d_head); of
        a sender that is no head, but an MLP, what MLPs give there (layer, prompt, d_model). What an MLP receives is its
        input: "mlp input"."""
        clean = self.z(tokens)

        def hold(layer: int) -> Callable[[Tensor], None]:
            def change(z: Tensor) -> None:
                for prompt, first in enumerate(at):
                    z[prompt, first:] = clean[layer, prompt, first:]
                    if layer == sender[0] and sender[1] is not None:
                        z[prompt, first, sender[1]] = alternate[layer, prompt, sender[1]]

            return change

        def send(mlp: Tensor) -> None:
            for prompt, first in enumerate(at):
                mlp[prompt, first] = alternate[sender[0], prompt]

        seen: dict[tuple[int, str], Tensor] = {}
        places = {(layer, component) for component, (layer, _) in receivers}
        look = {place: (lambda value, place=place: seen.__setitem__(place, value.clone())) for place in places}
        heads, mlps = ({p: look[p] for p in places if (p[1] == "mlp input") == mlp} for mlp in (False, True))
        sent = {(sender[0], "mlp"): send} if sender[1] is None else {}
        logits = self.run(tokens, {i: hold(i) for i in range(self.layers)}, heads, whole={**mlps, **sent})
        if not receivers:
            return logits

        def receive(place: tuple[int, str]) -> Callable[[Tensor], None]:
            def change(value: Tensor) -> None:
                for component, (layer, head) in receivers:
                    if (layer, component) == place:
                        row = ... if head is None else head if component == "query" else head // self.sharing
                        for prompt, token in enumerate(at):
                            value[prompt, token, row] = seen[place][prompt, token, row]

            return change

        takes = [{place: receive(place) for place in given} for given in (heads, mlps)]
        return self.run(tokens, projected=takes[0], whole=takes[1])

    def _on_layer(self, layer: int, part: str, change: Callable[[Tensor], None]) -> Any:
        def before(_: object, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
            value = inputs[0].clone()
            change(self._by_prompt(value))
            return (value, *inputs[1:])

        def after(_: object, __: object, output: Any) -> Any:
            value = (output[0] if isinstance(output, tuple) else output).clone()
            change(self._by_prompt(value))
            return (value, *output[1:]) if isinstance(output, tuple) else value

        def inside(_: object, inputs: tuple[Any, ...]) -> None:
            change(self._by_prompt(inputs[0]))  # in place: the layer adds the MLP's output to this tensor

        block = self._block(layer)
        match part:
            case "residual":
                return block.register_forward_pre_hook(before)
            case "mid":
                return self._after_attention(layer).register_forward_pre_hook(inside)
            case "neuron":
                return self._down_projection(layer).register_forward_pre_hook(before)
            case "mlp input":
                return self._mlp(layer).register_forward_pre_hook(before)
            case "attention":
                return self._attention(layer).register_forward_hook(after)
        return (self._mlp(layer) if part == "mlp" else block).register_forward_hook(after)

    def _after_attention(self, layer: int) -> Any:
        """The module that takes the residual stream once the attention was added."""
        names = {"gpt2": "ln_2", "gpt_neo": "ln_2", "olmo2": "mlp", "olmo3": "mlp", "opt": "final_layer_norm"}
        norms = dict.fromkeys(("gemma2", "gemma3_text"), "pre_feedforward_layernorm")
        return getattr(self._block(layer), {**names, **norms}.get(self._family, "post_attention_layernorm"))

    def _down_projection(self, layer: int) -> Any:
        names = {"gpt2": "c_proj", "gpt_neo": "c_proj", "gptj": "fc_out", "gpt_neox": "dense_4h_to_h"}
        block = self._block(layer)
        return block.fc2 if self._family == "opt" else getattr(block.mlp, names.get(self._family, "down_proj"))

    def _by_prompt(self, value: Tensor) -> Tensor:
        """A view by prompt of what OPT gives its MLP: there the tokens of all prompts stand one after the other."""
        return value.view(self._prompts, -1, value.shape[-1]) if value.dim() == 2 else value

    def _mlp(self, layer: int) -> Any:
        """The module that gives what an MLP does."""
        return self._block(layer).fc2 if self._family == "opt" else self._block(layer).mlp

    @property
    def _family(self) -> str:
        return str(self.model.config.model_type)

    def _block(self, layer: int) -> Any:
        match self._family:
            case "gpt2" | "gpt_neo" | "gptj":
                return self.model.transformer.h[layer]
            case "opt":
                return self.model.model.decoder.layers[layer]
            case "gpt_neox":
                return self.model.gpt_neox.layers[layer]
        return self.model.model.layers[layer]

    def _attention(self, layer: int) -> Any:
        return getattr(
            self._block(layer),
            {"gpt2": "attn", "gpt_neo": "attn", "gptj": "attn", "gpt_neox": "attention"}.get(self._family, "self_attn"),
        )

    def _projections(self, layer: int) -> Any:
        """The module that has a layer's projections."""
        attention = self._attention(layer)
        return attention.attention if self._family == "gpt_neo" else attention

    def _output_projection(self, layer: int) -> Any:
        names = {"gpt2": "c_proj", "gpt_neo": "out_proj", "gptj": "out_proj", "opt": "out_proj", "gpt_neox": "dense"}
        return getattr(self._projections(layer), names.get(self._family, "o_proj"))

    def _projection(self, layer: int, component: str) -> Any:
        fused = {"gpt2": "c_attn", "gpt_neox": "query_key_value", "phi3": "qkv_proj"}.get(self._family)
        own = NORMED if self._family in ("qwen3", "qwen3_moe", "olmo2", "olmo3", "gemma3_text") else PROJECTIONS
        return getattr(self._projections(layer), fused or own[component])

    def _heads_of(self, component: str, value: Tensor) -> Tensor:
        """A component in the output of its projection, as a view: (prompt, token, head, d_head)."""
        third, width = THIRD[component], self.heads * self.d_head
        match self._family:
            case "gpt2":  # all queries, then all keys, then all values
                found = value[..., third * width : (third + 1) * width].unflatten(-1, (self.heads, self.d_head))  # type: ignore[no-untyped-call]
            case "phi3":  # all queries, then as many keys, and values, as there are key/value heads
                heads = value.unflatten(-1, (-1, self.d_head))  # type: ignore[no-untyped-call]
                shared = self.heads // self.sharing
                first = {"query": 0, "key": self.heads, "value": self.heads + shared}[component]
                found = heads[..., first : first + (self.heads if component == "query" else shared), :]
            case "gpt_neox":  # query, key and value of the first head, then those of the second, ...
                heads = value.unflatten(-1, (self.heads, 3 * self.d_head))  # type: ignore[no-untyped-call]
                found = heads[..., third * self.d_head : (third + 1) * self.d_head]
            case "qwen3" | "qwen3_moe" if component != "value":  # each head is normed on its own
                found = value
            case "gemma3_text" if component != "value":  # and stands before its tokens
                found = value.transpose(1, 2)
            case _:
                found = value.unflatten(-1, (-1, self.d_head))  # type: ignore[no-untyped-call]
        return cast(Tensor, found)

    def _before(self, change: Callable[[Tensor], None]) -> Callable[..., tuple[Tensor]]:
        def hook(_: object, inputs: tuple[Tensor]) -> tuple[Tensor]:
            value = inputs[0].clone()
            change(value.view(*value.shape[:2], -1, self.d_head))
            return (value,)

        return hook

    def _after(self, component: str, change: Callable[[Tensor], None]) -> Callable[..., Tensor]:
        def hook(_: object, __: object, output: Tensor) -> Tensor:
            value = output.clone()
            change(self._heads_of(component, value))
            return value

        return hook
