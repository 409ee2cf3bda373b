"""Lessons about `discover` (path patching), `group`, `circuit` and `mask` (learned component masks)."""

from __future__ import annotations

from entrack.syntax.lessons.lesson import Lesson

LESSONS = (
    Lesson(
        "E111",
        "`discover` needs what it is found in, on which prompts, and against which alternates",
        "write `discover NAME in MODEL on 300 TASK against ALTERNATE { ... }`",
        """
        discover cir
        discover cir {
        discover cir in base {
        discover cir in base on 3 boxes {
        discover cir on
        discover {
        discover cir in base on 300 boxes scrambled
        discover cir in base against
        discover cir in base on {
        """,
    ),
    Lesson(
        "E111",
        "a screen says how many heads are patched",
        "write `... against ALTERNATE screen 100 { ... }`; `in 5 steps` and `check 20` may follow the number",
        """
        screen
        screen {
        screen 100 steps
        screen 100 in {
        screen 100 in 5 {
        screen 100 check {
        screen 100 check 20 in
        """,
        begin=("discover c in b on 3 t against s ",),
    ),
    Lesson(
        "E112",
        "a hop names its senders' position, its receivers, and how many heads it keeps",
        "write `group NAME at POSITION -> logits keep 10`, or `-> GROUP.query` for a later hop",
        """
        g at
        group g -> logits keep 3
        group g at p keep 3
        group g at p -> logits }
        group g at p -> keep 3
        group g at p -> logits 3
        group g at p = 1.2
        group g at p -> logits keep }
        group g at p -> logits keep all
        hop
        """,
        begin=("discover c in b on 3 t against s { ",),
    ),
    Lesson(
        "E112",
        "a score is a metric of a word of the task",
        "write, for example, `score relative probability of answer`, or `score logit difference of answer and wrong`",
        """
        =
        3
        x
        "x"
        :
        probability answer
        relative x
        logit difference answer
        (
        }
        """,
        begin=("discover c in b on 3 t against s { score ",),
    ),
    Lesson(
        "E118",
        "a group has a model and a position before its heads",
        "write, for example, `group movers in base at last = 14.13 15.2 15.5`",
        """
        group
        group g
        group g =
        group g in
        group g in b
        group g in b =
        group g in b at
        group g in b at =
        group g at p = 1.2
        group g in b at p
        group g in b at p 1.2
        """,
    ),
    Lesson(
        "E118",
        "heads are written layer.head, with spaces between",
        "write, for example, `group movers in base at last = 14.13 15.2 15.5`",
        """
        group g in b at p = 3
        group g in b at p = [
        group g in b at p =
        circuit c in b { group g at p = 3
        circuit c in b { group g at p = 1.2, 3.4
        circuit c in b { group g = 1.2
        circuit c in b { g at p = 1.2
        group g in b at p = 1.2, 3.4
        circuit c in b { group g at p }
        circuit c {
        circuit c in b =
        """,
    ),
    Lesson(
        "E131",
        "a mask says over which heads, in which model and for which desiderata",
        "write `mask NAME over CIRCUIT in MODEL for [DESIDERATUM, DESIDERATUM] { train 1000 }`",
        """
        mask
        mask m
        mask m over
        mask m over c
        mask m over c in
        mask m over c in b
        mask m over c in b for
        mask m over c in b for d
        mask m over c for
        mask m in
        mask m over c in b {
        mask m for
        mask m =
        mask m over c with
        mask m over c in b for [d
        mask m over c in b for [d,
        """,
    ),
    Lesson(
        "E131",
        "a setting of a mask is a word and a number",
        "write, for example, `train 1000`, `sparsity 0.01` or `epochs 2`",
        """
        train =
        train
        train x
        train "x"
        3
        train 3,
        train:
        """,
        begin=("mask m over c in b for d { ",),
    ),
)
