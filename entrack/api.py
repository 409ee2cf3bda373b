"""The Python interface: a spec from its text. What can be done with it are the methods of `Spec` (`spec.py`).

spec = entrack.load("specs/quickstart.et", n=20)  # SpecError when something is wrong with it
results = spec.run()  # StoreError, EngineError, ModelMissing when the environment fails; all EntrackErrors
results["kept"].to_pandas()
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from entrack import arguments
from entrack.budget import Spent, within
from entrack.check.check import check as check_source
from entrack.compile import PURPOSES, SpecError, count_tokens
from entrack.diagnostics import Diagnostic, errors
from entrack.diagnostics.over_budget import told
from entrack.kept import NOT_KEPT, Kept
from entrack.models.supplied import NOTHING_SUPPLIED, Supplied
from entrack.source import Source, Span
from entrack.spec import Spec
from entrack.spec_files import SpecMissing, read
from entrack.stores import open_store, store_folder
from entrack.syntax.limits import MOST_NUMBER
from entrack.syntax.parse import parse
from entrack.system import default_memory

if TYPE_CHECKING:
    from entrack.execution.estimate import Estimate
    from entrack.execution.survey import Survey
    from entrack.plan.explain import Explanation
    from entrack.plan.plan import Plan
    from entrack.store.base import Store

__all__ = [
    "PURPOSES",
    "Spec",
    "SpecError",
    "SpecMissing",
    "check",
    "checked",
    "estimated",
    "explained",
    "formatted",
    "load",
    "loads",
    "open_store",
    "read",
    "store_folder",
]


def load(path: str | os.PathLike[str], /, **params: float) -> Spec:
    """A spec from a file, with some of its params set otherwise. Raises ArgumentError, SpecMissing and SpecError."""
    return loads(read(path), **params)


def loads(source: Source | str, /, **params: float) -> Spec:
    """A spec from its text. Files that it names are looked for in the folder of the source's name. Raises
    ArgumentError and SpecError."""
    return checked(
        source if isinstance(source, Source) else Source("spec.et", arguments.text(source, "source")), params
    )


def checked(
    given: Source,
    params: Mapping[str, float],
    stand_in: Path | None = None,
    supplied: Supplied = NOTHING_SUPPLIED,
) -> Spec:
    """A spec without errors. Raises ArgumentError and SpecError.

    `stand_in` is a folder with a config.json and a tokenizer.json for every model that is not here: such a spec can be
    planned, not run. `supplied` is what a lock or a pack says of its models.
    """
    spec = _spec(given, params, stand_in, supplied)
    if errors(spec.problems):
        raise SpecError(spec.problems, spec.sources)
    return spec


def check(
    source: Source, params: Mapping[str, float], stand_in: Path | None = None
) -> tuple[tuple[Diagnostic, ...], Mapping[str, Source]]:
    """All that is wrong with a spec, down to its prompts where its models' tokenizers are here. Imports no torch."""
    problems, spec = looked_over(source, params, stand_in)
    return problems, spec.sources


def looked_over(
    source: Source, params: Mapping[str, float], stand_in: Path | None = None, prompts: Kept = NOT_KEPT
) -> tuple[tuple[Diagnostic, ...], Spec]:
    """The same, with what the checker made of the spec, right or wrong. `prompts` is where prompts are kept."""
    with within():
        spec = _spec(source, params, stand_in, NOTHING_SUPPLIED, prompts)
        if errors(spec.problems):
            return spec.problems, spec
        return (*spec.problems, *spec.prompt_problems()), spec


def _spec(
    source: Source,
    params: Mapping[str, float],
    stand_in: Path | None,
    supplied: Supplied,
    prompts: Kept = NOT_KEPT,
) -> Spec:
    """What the checker makes of a text, right or wrong. Raises ArgumentError."""
    arguments.instance(source, Source, "source", "a Source")
    arguments.offering(params, ("keys", "items"), "params", "a mapping from names to numbers")
    arguments.optional(stand_in, arguments.path, "stand_in")
    values = {
        arguments.text(name, "a param's name"): arguments.number(value, f"param {name}", MOST_NUMBER)
        for name, value in params.items()
    }
    return Spec(
        source,
        check_source(source, values, None if stand_in is None else Path(stand_in), count_tokens, supplied),
        stands_in=stand_in is not None,
        prompts=prompts,
    )


def formatted(source: Source) -> tuple[str | None, tuple[Diagnostic, ...]]:
    """The one canonical text of a spec, or None and its syntax errors. Raises Miswritten rather than give another
    program."""
    from entrack.syntax.equivalence import held_against
    from entrack.syntax.format import format_program

    arguments.instance(source, Source, "source", "a Source")
    with within():
        try:
            program, problems = parse(source)
            if errors(problems):
                return None, problems
            text = format_program(source, program)
        except Spent as spent:
            return None, (told(spent, Span(source.name, 0, 1)),)
    held_against(program, Source(source.name, text))  # not counted: it is as much as was read and written before
    return text, problems


def estimated(plan: Plan, survey: Survey, store: Store, device: str | None = None) -> Estimate:
    """How long what is left of a plan takes on one device and on several, by what a store's steps took on it.

    `device` is a name that is recorded there, or cpu, mps or cuda; None for what was measured on this machine. Loads
    nothing. Raises StoreError."""
    from entrack.execution.estimate import estimate
    from entrack.execution.rates import rates_of
    from entrack.execution.survey import Survey
    from entrack.plan.plan import Plan

    arguments.instance(plan, Plan, "plan", "a Plan, as `Spec.survey` gives")
    arguments.instance(survey, Survey, "survey", "a Survey, as `Spec.survey` gives")
    arguments.offering(store, ("find", "addresses"), "store", "an open store")
    return estimate(plan, survey, rates_of(store, arguments.optional(device, arguments.text, "device")))


def explained(plan: Plan, survey: Survey, memory: int | None = None) -> Explanation:
    """What of a plan is not computed, and why. Loads nothing."""
    from entrack.execution.survey import Survey
    from entrack.plan.explain import explanation
    from entrack.plan.plan import Plan
    from entrack.plan.schedule import Memory

    arguments.instance(plan, Plan, "plan", "a Plan, as `Spec.survey` gives")
    arguments.instance(survey, Survey, "survey", "a Survey, as `Spec.survey` gives")
    memory = arguments.optional(memory, arguments.whole, "memory", 1, MOST_NUMBER)
    return explanation(
        plan,
        {*survey.found},
        {*survey.zero},
        {*survey.screened_out},
        Memory.of(default_memory() if memory is None else memory),
        {*survey.decided},
        {*survey.not_kept},
    )
