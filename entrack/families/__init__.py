"""The families of models that are known, each a record in a file of its own. Another family is another file, and its
row here and in the tests."""

from __future__ import annotations

from collections.abc import Mapping

from entrack.families.base import Family
from entrack.families.gpt2 import GPT2
from entrack.families.gpt_neox import GPT_NEOX
from entrack.families.llama import LLAMA, MISTRAL, QWEN2
from entrack.families.olmo import OLMO2, OLMO3
from entrack.families.qwen3 import QWEN3

FAMILIES: Mapping[str, Family] = {
    family.name: family for family in (LLAMA, MISTRAL, QWEN2, QWEN3, OLMO2, OLMO3, GPT2, GPT_NEOX)
}
