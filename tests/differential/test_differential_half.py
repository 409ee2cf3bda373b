"""Laws of half precision: the optimised executor gives what the reference one gives, as near as rounding in that number
type lets it, and exactly nothing where nothing can change.

Models with experts are left out of the first: two executors whose last bits differ may choose other experts.
"""

from __future__ import annotations

import numpy as np
from differential import cases, same
from differential_models import EXPERTS, Options, options
from differential_steps import Case, case_of
from hypothesis import assume, given
from hypothesis import strategies as st
from test_differential_steps import clean, executors, outcome, own, repeated, self_edits, self_patches

halves = st.sampled_from(("bfloat16", "float16"))
UNITS = {"bfloat16": 2.0**-8, "float16": 2.0**-11}
APART = 64
"""Units by which numbers may lie apart: probabilities, and of other arrays, in proportion to their largest number where
that is above 1."""


def apart(found: np.ndarray, expected: np.ndarray, name: str) -> float:
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype) and np.isfinite(found).all()
    one, other = (
        np.exp(each) if name == "log_probability" and (each <= 0).all() else each for each in (found, expected)
    )
    return float(np.abs(one - other).max(initial=0) / np.abs(other).max(initial=1))


@cases(0.05)
@given(case_of("evaluate", "circuit", "path patch", "clean run", "reading"), halves, options)
def test_executors_agree_in_half_precision(drawn: Case, dtype: str, within: Options) -> None:
    assume(drawn.world.shape.family not in EXPERTS)
    case = drawn.in_precision(dtype)
    found, expected = outcome(case, "optimised", within), outcome(case, "reference")
    if isinstance(found, str) or isinstance(expected, str):
        assert found == expected
        return
    for name in set(expected) - {"top", "rank"}:
        assert apart(found[name], expected[name], name) < APART * UNITS[dtype], (name, found, expected)


@cases(0.03)
@given(self_patches(), halves, executors, options)
def test_patching_a_run_with_itself_changes_nothing(drawn: Case, dtype: str, executor: str, within: Options) -> None:
    case = drawn.in_precision(dtype)
    same(own(case, executor, within), repeated(case, clean(case, executor, within)))


@cases(0.03)
@given(self_edits(), halves, executors, options)
def test_setting_what_is_there_changes_nothing(drawn: Case, dtype: str, executor: str, within: Options) -> None:
    case = drawn.in_precision(dtype)
    same(own(case, executor, within), clean(case, executor, within))
