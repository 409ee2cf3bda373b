"""Lessons about `measure`, `claim`, `figure` and `table`."""

from __future__ import annotations

from entrack.syntax.lessons.lesson import Lesson

LESSONS = (
    Lesson(
        "E113",
        "a measure is a metric of a model on prompts",
        "write `measure NAME = accuracy(MODEL) on 500 TASK`, or `accuracy(MODEL with INTERVENTION) on 500 TASK`",
        """
        measure m
        measure m = accuracy base
        measure m = accuracy(base)
        measure m = accuracy(base) 500 boxes
        measure m = accuracy(base) on 500 measure
        measure m = accuracy(base) on 500
        measure m = accuracy(base) on
        measure m = accuracy()
        measure m = accuracy(base
        measure = accuracy(base)
        measure m accuracy(base)
        measure m = accuracy on
        """,
    ),
    Lesson(
        "E113",
        "an examination is of a circuit in a model, over what is averaged, on prompts",
        "write `measure NAME = completeness(CIRCUIT, 20) in MODEL over ALTERNATE on 500 TASK`, or "
        "`minimality(CIRCUIT, 0.3) in ...`",
        """
        # nothing more
        c
        ()
        (3)
        (c) of
        (c) on
        (c) over
        (c) in b on
        (c) in b over s measure
        (c, 3
        (c) 3
        (c with
        (c) in b 3
        (c) in 3
        (c) measure
        """,
        begin=("measure m = completeness ", "measure m = minimality "),
    ),
    Lesson(
        "E113",
        "an overlap is of two circuits",
        "write `measure NAME = overlap(CIRCUIT, CIRCUIT)`",
        """
        overlap c
        overlap
        overlap ()
        overlap (c)
        overlap (c, d, e)
        overlap (3
        overlap (c d)
        overlap (c, d
        """,
        begin=("measure m = ",),
    ),
    Lesson(
        "E113",
        "draws are said after a comma",
        "write `on 500 TASK, 10 draws`",
        """
        measure m = accuracy(b) on 5 t 10
        measure m = accuracy(b) on 5 t, draws
        measure m = accuracy(b) on 5 t, x
        measure m = accuracy(b) on 5 t, 10 }
        measure m = accuracy(b) on 5 t(n = 3) 10
        measure m = accuracy(b) on 5 t, 10 measure
        """,
    ),
    Lesson(
        "E113",
        "a loop names the layers it goes through",
        "write `for k in layers`, or `for k in [0, 4, 8]`",
        """
        for k
        for
        for k in layer
        for k in x
        for k in range(4)
        for k in 0..3
        for k =
        for in
        for k in
        for k of
        """,
        begin=("measure m = accuracy(b) on 5 t ",),
    ),
    Lesson(
        "E113",
        "a measure begins with its metric",
        "write `accuracy(...)`, `probability of answer(...)`, `logit(...)` or `logit difference of answer and"
        " wrong(...)`",
        """
        measure m = base
        measure m = 3
        measure m = b(
        measure m = "x"
        measure m = (
        """,
    ),
    Lesson(
        "E114",
        "a claim is a sentence and a comparison",
        'write `claim "the circuit is faithful" a / b >= 0.95`, or `claim "..." a within 0.03 of b`',
        """
        claim
        claim x
        claim "x"
        claim "x" a
        claim "x" a = 3
        claim a > 3
        claim "x" a claim
        claim "x" a >= }
        claim "x" a within 0.1 b
        claim "x" a >=
        claim "x" a > 3 published
        claim "x" a > 3 published claim
        claim "x" a within of
        claim "x" a is
        """,
    ),
    Lesson(
        "E114",
        "a claim is one comparison",
        "write a second `claim` for the second one",
        """
        and
        or
        > 3
        <= b
        """,
        begin=(
            'claim "x" a > 3 ',
            'claim "x" a > 0.5 ',
            'claim "x" a > b ',
            'claim "x" a > b[c] ',
            'claim "x" a > (b) ',
            'claim "x" a > f(b) ',
        ),
    ),
    Lesson(
        "E128",
        "a figure has a title, a kind and what it shows",
        'write `figure "Figure 1" = diagram(cir)`, or `bars(m)`, `curves(m)`, `heatmap(cir)`',
        """
        figure
        figure f
        figure "f"
        figure "f" bars(m)
        figure "f" = bars
        figure "f" =
        figure "f" = bars()
        figure "f" = bars(m) by
        figure "f" = 3
        """,
    ),
    Lesson(
        "E129",
        "a table has a title and the measure it shows",
        'write `table "Table 2" = accuracies`',
        """
        table
        table t
        table "t"
        table "t" m
        table "t" =
        table "t" = 3
        """,
    ),
)
