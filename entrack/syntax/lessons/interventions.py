"""Lessons about `intervention` and its acts: zero and mean ablation, activation patching, attention knockout."""

from __future__ import annotations

from entrack.syntax.lessons.lesson import Lesson

LESSONS = (
    Lesson(
        "E115",
        "an intervention is one or more of keep, mean, zero, patch and block",
        "write, for example, `intervention only(c) = keep c, mean elsewhere over ALTERNATE`, `zero H`, `patch"
        " H from alternate`, or `block attention last -> query in layers 2..9`",
        """
        intervention
        intervention i
        intervention i = 3
        intervention i = c
        intervention i(c) = keep c,
        intervention i(c) = keep
        intervention i() =
        intervention i(c) keep
        intervention i(c) = keep c mean
        intervention i(c) = ablate c
        intervention i(c) = mean c over
        """,
    ),
    Lesson(
        "E116",
        "`mean` needs the prompts that it is taken over",
        "write `mean H over ALTERNATE`, or `mean elsewhere over ALTERNATE`",
        """
        intervention i(c) = keep c, mean elsewhere intervention
        intervention i(c) = mean c intervention
        intervention i(c) = mean c keep
        intervention i(c) = mean c
        intervention i(c) = keep c, mean elsewhere
        intervention i(c) = keep c, mean elsewhere from s
        """,
    ),
    Lesson(
        "E117",
        "`patch` needs where the patched values come from",
        "write `patch H from alternate`, or `patch H from OTHER_MODEL`",
        """
        intervention i(c) = patch c
        intervention i(c) = patch c intervention
        intervention i(c) = patch c with
        intervention i(c) = patch c over s
        """,
    ),
    Lesson(
        "E132",
        "blocked attention says from where, to where and in which layers",
        "write `block attention last -> [query, answer] in layers 2..9`",
        """
        block
        block last
        block attention
        block attention last
        block attention last to
        block attention from last
        block attention last -> query )
        block attention last -> query on
        block attention last -> query in
        block attention last -> query in 3
        block attention last -> in
        block attention last ->
        block attention last, query
        block attention last -> query,
        block attention -> x
        block heads
        block attention last -> query in layer 3
        """,
        begin=("intervention i = ", "measure m = accuracy(b with "),
    ),
)
