"""The families of models that are known, each a record in a file of its own. Another family is another file, and its
row here and in the tests."""

from __future__ import annotations

from collections.abc import Mapping

from entrack.families.base import Family
from entrack.families.experts import MIXTRAL, QWEN3_MOE
from entrack.families.gemma import GEMMA2, GEMMA3
from entrack.families.gpt2 import GPT2
from entrack.families.gpt_neo import GPT_NEO
from entrack.families.gpt_neox import GPT_NEOX
from entrack.families.gptj import GPTJ
from entrack.families.llama import LLAMA, MISTRAL, QWEN2
from entrack.families.olmo import OLMO2, OLMO3
from entrack.families.opt import OPT
from entrack.families.phi3 import PHI3
from entrack.families.qwen3 import QWEN3

FAMILIES: Mapping[str, Family] = {
    family.name: family
    for family in (
        LLAMA,
        MISTRAL,
        MIXTRAL,
        QWEN2,
        QWEN3,
        QWEN3_MOE,
        OLMO2,
        OLMO3,
        GEMMA2,
        GEMMA3,
        PHI3,
        GPT2,
        GPT_NEO,
        GPTJ,
        GPT_NEOX,
        OPT,
    )
}
LINEAR = "some of its layers have linear attention, in which no token attends to another"
SHARING = "some of its layers share their keys and values with others"
REFUSED: Mapping[str, str] = {
    "gemma3": "it reads images too; its text model alone, gemma3_text, is run",
    "gemma3n_text": f"{SHARING}, and it has several residual streams",
    "gemma4": SHARING,
    "gemma4_text": SHARING,
    "gpt_oss": "its heads may attend to a sink, which is no token",
    "qwen3_5": LINEAR,
    "qwen3_5_text": LINEAR,
    "qwen3_next": LINEAR,
}
"""Families that are not run, and why."""
