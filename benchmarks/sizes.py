"""The sizes that are measured, and what is measured at each."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from benchmarks.tasks import Size
from benchmarks.world import HOPS, MLP_HOPS

FULL = ("ours", "floor", "plain", "published")
ALL: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(HOPS, (*FULL, "transformer_lens")),
    **dict.fromkeys(MLP_HOPS, ("ours", "floor", "plain")),
    "mask step": FULL,
    "circuits": FULL,
    "interchange": (*FULL, "pyvene"),
    "grid": ("ours", "floor", "plain", "nnsight", "transformer_lens"),
}


@frozen
class Suite:
    """`work` names who does each piece of work; `studies` are specs, with their options and whether the plain
    executor runs them too."""

    size: Size
    work: Mapping[str, tuple[str, ...]] = ALL
    studies: tuple[tuple[str, tuple[str, ...], bool], ...] = ()
    memory: int | None = None
    device: str = "cpu"


QUICKSTART = ("specs/quickstart.et", ("-p", "n=50"), True)
STUDY = ("specs/boxes/study.et", (), False)
SUITES = {
    suite.size.name: suite
    for suite in (
        Suite(
            Size(
                "quick",
                layers=30,
                width=576,
                heads=9,
                shared=3,
                mlp=1536,
                vocabulary=2000,
                tokens=53,
                prompts=4,
                sampled=2,
                few=1,
            ),
            studies=(QUICKSTART,),
        ),
        Suite(Size("small", layers=12, width=256, heads=8, shared=4, mlp=704, vocabulary=8192, tokens=53, prompts=8)),
        Suite(
            Size(
                "medium",
                layers=30,
                width=576,
                heads=9,
                shared=3,
                mlp=1536,
                vocabulary=49152,
                tokens=53,
                prompts=8,
                sampled=4,
                few=2,
            ),
            studies=(QUICKSTART, STUDY),
        ),
        Suite(
            Size(
                "smollm2",
                layers=30,
                width=576,
                heads=9,
                shared=3,
                mlp=1536,
                vocabulary=49152,
                tokens=15,
                prompts=50,
                sampled=6,
                few=1,
                positions=5,
            ),
            work={"grid": ALL["grid"]},
        ),
        Suite(
            Size(
                "large",
                layers=32,
                width=1024,
                heads=16,
                shared=4,
                mlp=2816,
                vocabulary=32000,
                tokens=102,
                prompts=8,
                sampled=1,
                few=1,
            )
        ),
        Suite(
            Size(
                "memory",
                layers=32,
                width=256,
                heads=32,
                shared=32,
                mlp=512,
                vocabulary=4096,
                tokens=53,
                prompts=500,
                sampled=1,
            ),
            work=dict.fromkeys(HOPS, ("ours",)),
            memory=1 << 30,
        ),
        Suite(
            Size(
                "llama-7b",
                32,
                4096,
                32,
                32,
                11008,
                vocabulary=32000,
                tokens=53,
                prompts=300,
                sampled=1,
                few=1,
                dtype="float16",
            ),
            work=dict.fromkeys(HOPS, ("ours", "floor", "plain")),
            device="cuda",
        ),
        Suite(
            Size(
                "gpt2",
                layers=12,
                width=768,
                heads=12,
                shared=12,
                mlp=3072,
                vocabulary=50257,
                tokens=53,
                prompts=8,
                sampled=2,
                few=1,
                family="gpt2",
            ),
            work=dict.fromkeys((*HOPS, *MLP_HOPS), ("ours", "floor", "plain")),
        ),
        Suite(
            Size("toy gpt2", 2, 16, 4, 4, 24, vocabulary=64, tokens=53, prompts=2, family="gpt2"),
            work=dict.fromkeys((*HOPS, *MLP_HOPS), ("ours", "floor", "plain")),
        ),
        Suite(Size("toy", layers=2, width=16, heads=4, shared=2, mlp=24, vocabulary=512, tokens=53, prompts=2)),
    )
}
FULLY = ("small", "medium", "smollm2", "large", "gpt2", "memory", "llama-7b")
"""What `make bench` measures; the last where there is a GPU."""
