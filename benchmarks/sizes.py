"""The sizes that are measured."""

from __future__ import annotations

from benchmarks.tasks import Size

QUICK = Size("quick", layers=30, width=576, heads=9, shared=3, mlp=1536, vocabulary=49152, tokens=53, prompts=4, sampled=2, few=2)
TOY = Size("toy", layers=2, width=16, heads=4, shared=2, mlp=24, vocabulary=64, tokens=53, prompts=2)
SIZES = {size.name: size for size in (QUICK, TOY)}
