"""Specs whose numbers must not depend on how they are computed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FAMILIES: Mapping[str, tuple[str, int, int, int, dict[str, Any]]] = {
    "llama": ("llama", 3, 4, 4, {}),
    "llama-grouped-tied": ("llama", 3, 4, 2, {"tie_word_embeddings": True}),
    "llama-wide-heads": ("llama", 2, 3, 3, {"head_dim": 6}),
    "mistral": ("mistral", 3, 4, 1, {}),
    "qwen2": ("qwen2", 3, 4, 2, {}),
    "gptj": ("gptj", 3, 4, 4, {"n_positions": 64}),
    "opt": ("opt", 3, 4, 4, {"max_position_embeddings": 64}),
    "mixtral": ("mixtral", 3, 4, 2, {"num_local_experts": 5, "num_experts_per_tok": 2}),
}
"""Family, layers, heads, key/value heads, and more."""

HEAD = """entrack 1

model base = {model}

task boxes {{
  object  = 3 distinct from ["apple", "ball", "bell", "book"]
  label   = 3 distinct from A..Z
  asked   = one index of object
  context = join("the {{object}} is in Box {{label}}", ", ")
  prompt  = capitalise("{{context}}. Box {{label[asked]}} contains the")
  answer  = object[asked]
  at last     = end of prompt
  at query    = prompt.label.last
  at previous = context.label[asked]
}}

alternate scrambled of boxes {{ fresh label; redraw object }}
alternate same of boxes {{ }}

group movers  in base at last     = 0.1 1.0 1.2
group deeper  in base at query    = 0.0 1.1
group readers in base at previous = 0.2 1.0
"""

VARIED = (
    HEAD
    + """
intervention only(c) = keep c, mean elsewhere over 17 scrambled

circuit written in base {{
  group movers  at last     = 0.1 1.0 1.2
  group readers at previous = 0.2 1.0
}}

discover found in base on 17 boxes against scrambled {{
  score probability of answer
  group fetchers at last     -> logits         keep 3
  group readers  at previous -> fetchers.value keep 3
}}

measure prob  = probability of answer (base with [nothing, zero movers, patch readers from scrambled, only(written)]) on 17 boxes
measure acc   = accuracy(base with [nothing, zero movers, patch readers from scrambled, only(written)]) on 17 boxes
measure block = probability of answer (base with block attention last -> previous in layers 0..) on 17 boxes
"""
)
"""17 prompts: no batch size divides them."""

ITSELF = (
    HEAD
    + """
model again = {model}

desideratum unmoved on boxes {{
  alternate {{ }}
  target original.object[original.asked]
}}

discover silent in base on 7 boxes against same {{
  score logit of answer
  group all at last -> logits keep 6
}}

measure outputs = logit of answer (base with [nothing, patch movers from same, patch deeper from same, patch readers from same]) on 7 boxes
measure models  = logit of answer (base with [nothing, patch movers from again, patch readers from again]) on 7 boxes
measure inputs  = logit of answer (base with [nothing, patch deeper.query from again, patch deeper.key from again, patch deeper.value from again]) on 7 boxes
measure wanted  = logit of target (base with [nothing, patch movers from alternate, patch readers from alternate]) on 7 unmoved
"""
)
"""Everything that can be patched, from a prompt that is the same or a model that is the same."""
