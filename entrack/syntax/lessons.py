"""Lessons: small wrong programs of the kinds that people write, and what to say about each.

A program that fails as one of `examples` does gets the words of its lesson (`syntax_errors.py`).
"""

from __future__ import annotations

from attrs import frozen


@frozen
class Lesson:
    """What to say about programs that fail as `examples` do."""

    code: str
    message: str
    help: str
    examples: tuple[str, ...]


TAUGHT = (
    Lesson(
        "E110",
        "a model is made from where its weights are",
        'write, for example, `model base = builtin("boxes-base")` or `model m = hub("owner/name")`',
        ("model base", 'model base "x"', "model base =", 'model base = "gpt2"', "model base = 3", "model = x"),
    ),
    Lesson(
        "E111",
        "`discover` needs what it is found in, on which prompts, and against which alternates",
        "write `discover NAME in MODEL on 300 TASK against ALTERNATE { ... }`",
        (
            "discover cir",
            "discover cir {",
            "discover cir in base {",
            "discover cir in base on 3 boxes {",
            "discover cir on",
            "discover {",
            "discover cir in base on 300 boxes scrambled",
            "discover cir in base against",
            "discover cir in base on {",
        ),
    ),
    Lesson(
        "E111",
        "a screen says how many heads are patched",
        "write `... against ALTERNATE screen 100 { ... }`; `in 5 steps` and `check 20` may follow the number",
        tuple(
            f"discover c in b on 3 t against s {rest}"
            for rest in (
                "screen",
                "screen {",
                "screen 100 steps",
                "screen 100 in {",
                "screen 100 in 5 {",
                "screen 100 check {",
                "screen 100 check 20 in",
            )
        ),
    ),
    Lesson(
        "E112",
        "a hop names its senders' position, its receivers, and how many heads it keeps",
        "write `group NAME at POSITION -> logits keep 10`, or `-> GROUP.query` for a later hop",
        tuple(
            f"discover c in b on 3 t against s {{ {hop}"
            for hop in (
                "g at",
                "group g -> logits keep 3",
                "group g at p keep 3",
                "group g at p -> logits }",
                "group g at p -> keep 3",
                "group g at p -> logits 3",
                "group g at p = 1.2",
                "group g at p -> logits keep }",
                "group g at p -> logits keep all",
                "hop",
            )
        ),
    ),
    Lesson(
        "E112",
        "a score is a metric of a word of the task",
        "write, for example, `score relative probability of answer`, or `score logit difference of answer and wrong`",
        tuple(
            f"discover c in b on 3 t against s {{ score {rest}"
            for rest in (
                "=",
                "3",
                "x",
                '"x"',
                ":",
                "probability answer",
                "relative x",
                "logit difference answer",
                "(",
                "}",
            )
        ),
    ),
    Lesson(
        "E113",
        "a measure is a metric of a model on prompts",
        "write `measure NAME = accuracy(MODEL) on 500 TASK`, or `accuracy(MODEL with INTERVENTION) on 500 TASK`",
        (
            "measure m",
            "measure m = accuracy base",
            "measure m = accuracy(base)",
            "measure m = accuracy(base) 500 boxes",
            "measure m = accuracy(base) on 500 measure",
            "measure m = accuracy(base) on 500",
            "measure m = accuracy(base) on",
            "measure m = accuracy()",
            "measure m = accuracy(base",
            "measure = accuracy(base)",
            "measure m accuracy(base)",
            "measure m = accuracy on",
        ),
    ),
    Lesson(
        "E113",
        "an examination is of a circuit in a model, over what is averaged, on prompts",
        "write `measure NAME = completeness(CIRCUIT, 20) in MODEL over ALTERNATE on 500 TASK`, or "
        "`minimality(CIRCUIT, 0.3) in ...`",
        tuple(
            f"measure m = {kind}{rest}"
            for kind in ("completeness", "minimality")
            for rest in (
                " c",
                "()",
                "(3)",
                "(c) of",
                "(c) on",
                "(c) over",
                "(c) in b on",
                "(c) in b over s measure",
                "(c, 3",
                "(c) 3",
                "(c with",
                "(c) in b 3",
                "(c) in 3",
                "(c) measure",
                "",
            )
        ),
    ),
    Lesson(
        "E113",
        "an overlap is of two circuits",
        "write `measure NAME = overlap(CIRCUIT, CIRCUIT)`",
        tuple(f"measure m = overlap{rest}" for rest in (" c", "()", "(c)", "(c, d, e)", "(3", "(c d)", "(c, d", "")),
    ),
    Lesson(
        "E113",
        "draws are said after a comma",
        "write `on 500 TASK, 10 draws`",
        (
            "measure m = accuracy(b) on 5 t 10",
            "measure m = accuracy(b) on 5 t, draws",
            "measure m = accuracy(b) on 5 t, x",
            "measure m = accuracy(b) on 5 t, 10 }",
            "measure m = accuracy(b) on 5 t(n = 3) 10",
            "measure m = accuracy(b) on 5 t, 10 measure",
        ),
    ),
    Lesson(
        "E113",
        "a loop names the layers it goes through",
        "write `for k in layers`, or `for k in [0, 4, 8]`",
        tuple(
            f"measure m = accuracy(b) on 5 t for {rest}"
            for rest in ("", "k", "k in layer", "k in x", "k in range(4)", "k in 0..3", "k =", "in", "k in", "k of")
        ),
    ),
    Lesson(
        "E113",
        "a measure begins with its metric",
        "write `accuracy(...)`, `probability of answer(...)`, `logit(...)` or `logit difference of "
        "answer and wrong(...)`",
        ("measure m = base", "measure m = 3", "measure m = b(", 'measure m = "x"', "measure m = ("),
    ),
    Lesson(
        "E114",
        "a claim is a sentence and a comparison",
        'write `claim "the circuit is faithful" a / b >= 0.95`, or `claim "..." a within 0.03 of b`',
        (
            "claim",
            "claim x",
            'claim "x"',
            'claim "x" a',
            'claim "x" a = 3',
            "claim a > 3",
            'claim "x" a claim',
            'claim "x" a >= }',
            'claim "x" a within 0.1 b',
            'claim "x" a >=',
            'claim "x" a > 3 published',
            'claim "x" a > 3 published claim',
            'claim "x" a within of',
            'claim "x" a is',
        ),
    ),
    Lesson(
        "E114",
        "a claim is one comparison",
        "write a second `claim` for the second one",
        tuple(
            f'claim "x" {left} {rest}'
            for left in ("a > 3", "a > 0.5", "a > b", "a > b[c]", "a > (b)", "a > f(b)")
            for rest in ("and", "or", "> 3", "<= b")
        ),
    ),
    Lesson(
        "E115",
        "an intervention is one or more of keep, mean, zero, patch and block",
        "write, for example, `intervention only(c) = keep c, mean elsewhere over ALTERNATE`, `zero H`, "
        "`patch H from alternate`, "
        "or `block attention last -> query in layers 2..9`",
        (
            "intervention",
            "intervention i",
            "intervention i = 3",
            "intervention i = c",
            "intervention i(c) = keep c,",
            "intervention i(c) = keep",
            "intervention i() =",
            "intervention i(c) keep",
            "intervention i(c) = keep c mean",
            "intervention i(c) = ablate c",
            "intervention i(c) = mean c over",
        ),
    ),
    Lesson(
        "E116",
        "`mean` needs the prompts that it is taken over",
        "write `mean H over ALTERNATE`, or `mean elsewhere over ALTERNATE`",
        (
            "intervention i(c) = keep c, mean elsewhere intervention",
            "intervention i(c) = mean c intervention",
            "intervention i(c) = mean c keep",
            "intervention i(c) = mean c",
            "intervention i(c) = keep c, mean elsewhere",
            "intervention i(c) = keep c, mean elsewhere from s",
        ),
    ),
    Lesson(
        "E117",
        "`patch` needs where the patched values come from",
        "write `patch H from alternate`, `patch H from OTHER_MODEL`, or `patch H from sample of PROMPTS`",
        tuple(
            f"{before}{act}"
            for before in ("intervention i(c) = ", "measure m = accuracy(b with ")
            for act in (
                "patch c",
                "patch c intervention",
                "patch c with",
                "patch c over s",
                "patch elsewhere",
                "patch elsewhere over s",
                "patch c )",
                "patch elsewhere )",
            )
        ),
    ),
    Lesson(
        "E117",
        "other prompts are patched from by a sample of them",
        "write `patch H from sample of PROMPTS`, where PROMPTS are such as `300 boxes` or an alternate",
        tuple(
            f"{before}{act}"
            for before in ("intervention i(c) = ", "measure m = accuracy(b with ")
            for act in (
                "patch c from 300 s",
                "patch c from n s",
                "patch c from samples of s",
                "patch c from sample s",
                "patch c from sample 300 s",
                "patch c from sample over s",
                "patch c from sample [s",
                "patch c from sample of",
                "patch c from sample of )",
                "patch c from 300 sample of s",
            )
        ),
    ),
    Lesson(
        "E116",
        "a mean is set by `mean`, not by `patch`",
        "write `mean H over ALTERNATE`, or `mean elsewhere over ALTERNATE`",
        ("intervention i(c) = patch c from mean over s", "measure m = accuracy(b with patch c from mean over s"),
    ),
    Lesson(
        "E118",
        "a group has a model and a position before its heads",
        "write, for example, `group movers in base at last = 14.13 15.2 15.5`",
        (
            "group",
            "group g",
            "group g =",
            "group g in",
            "group g in b",
            "group g in b =",
            "group g in b at",
            "group g in b at =",
            "group g at p = 1.2",
            "group g in b at p",
            "group g in b at p 1.2",
        ),
    ),
    Lesson(
        "E118",
        "heads are written layer.head, with spaces between",
        "write, for example, `group movers in base at last = 14.13 15.2 15.5`",
        (
            "group g in b at p = 3",
            "group g in b at p = [",
            "group g in b at p =",
            "circuit c in b { group g at p = 3",
            "circuit c in b { group g at p = 1.2, 3.4",
            "circuit c in b { group g = 1.2",
            "circuit c in b { g at p = 1.2",
            "group g in b at p = 1.2, 3.4",
            "circuit c in b { group g at p }",
            "circuit c {",
            "circuit c in b =",
        ),
    ),
    Lesson(
        "E119",
        "a task is a block of drawings, texts and positions",
        'write lines such as `object = 7 distinct from ["car", "cup"]`, `prompt = "..."`, `answer = '
        "...`, `at last = end of prompt`",
        (
            "task t",
            "task t {",
            "task t { 3",
            'task t { "x"',
            "task {",
            "task t = {",
            "task t { x",
            "task t { x = }",
            "task t { x = ; y",
            "task t { x: 3",
        ),
    ),
    Lesson(
        "E121",
        "a position begins with `at`",
        "write `at last = end of prompt`",
        ("task t { last = end of prompt", "task t { last = end of"),
    ),
    Lesson(
        "E120",
        "a drawing says how many, and from what",
        'write `7 distinct from A..Z`, `one of 0..6`, `one from ["store", "park"]`, or `one index of object`',
        (
            "task t { x = 1..6",
            "task t { x = y..z",
            "task t { x = 7 distinct A..Z",
            "task t { x = random from",
            "task t { x = random choice",
            "task t { x = 7 random",
            "task t { x = 7 distinct }",
            "task t { x = one A..Z",
            "task t { x = one }",
            "task t { x = 7 distinct of A..Z",
            "task t { x = 7 distinct from }",
            "task t { x = one of }",
            "task t { x = 7 A..Z",
            'task t { x = 7 "a"',
            "task t { x = n distinct of",
        ),
    ),
    Lesson(
        "E121",
        "a position says where it is",
        "write `at last = end of prompt`, `at query = question.label`, or `at first = context.label[asked]`",
        (
            "task t { at last }",
            "task t { at = x",
            "task t { at last = }",
            "task t { at last = end }",
            "task t { at last = end prompt",
            "task t { at last = 3",
            'task t { at last = "x"',
            "task t { at last = last of prompt",
            "task t { at last end",
            "task t { at last = any context",
        ),
    ),
    Lesson(
        "E122",
        "an alternate says which task it belongs to and what changes",
        "write `alternate NAME of TASK { fresh object; asked != original.asked }`",
        (
            "alternate a",
            "alternate a {",
            "alternate {",
            "alternate a on t {",
            "alternate a of t { 3",
            "alternate a of t { fresh }",
            "alternate a of t { fresh ;",
            "alternate a of t { x }",
            "alternate a of t",
        ),
    ),
    Lesson(
        "E123",
        "a desideratum has an `alternate { ... }` and a `target`",
        "write `desideratum NAME on TASK { alternate { fresh object }  target alternate.answer }`",
        (
            "desideratum d",
            "desideratum d {",
            "desideratum d of t {",
            "desideratum d on t { fresh x",
            "desideratum d on t { target }",
            "desideratum d on t { x",
            "desideratum d on t { alternate fresh",
            "desideratum d on t { target = x",
        ),
    ),
    Lesson(
        "E124",
        "`about` has lines of a word and a text",
        'write `about { title "..." cite "..." }`',
        (
            "about",
            "about {  title }",
            "about { title = ",
            'about "x"',
            'about { title "a" "b"',
            "about { 3",
            'about { "x"',
        ),
    ),
    Lesson(
        "E125",
        "`param` has a name and a number",
        "write `param n = 300`",
        ("param", "param n", "param n =", "param n = x", 'param n = "x"', "param = 3"),
    ),
    Lesson(
        "E126",
        "`include` takes the path of a file",
        'write `include "boxes.et"`',
        ("include", "include boxes", "include 3"),
    ),
    Lesson("E127", "`seed` takes a whole number", "write `seed 7`", ("seed", "seed = 3", "seed x")),
    Lesson(
        "E128",
        "a figure has a title, a kind and what it shows",
        'write `figure "Figure 1" = diagram(cir)`, or `bars(m)`, `curves(m)`, `heatmap(cir)`',
        (
            "figure",
            "figure f",
            'figure "f"',
            'figure "f" bars(m)',
            'figure "f" = bars',
            'figure "f" = ',
            'figure "f" = bars()',
            'figure "f" = bars(m) by',
            'figure "f" = 3',
        ),
    ),
    Lesson(
        "E129",
        "a table has a title and the measure it shows",
        'write `table "Table 2" = accuracies`',
        ("table", "table t", 'table "t"', 'table "t" m', 'table "t" =', 'table "t" = 3'),
    ),
    Lesson(
        "E131",
        "a mask says over which heads, in which model and for which desiderata",
        "write `mask NAME over CIRCUIT in MODEL for [DESIDERATUM, DESIDERATUM] { train 1000 }`",
        (
            "mask",
            "mask m",
            "mask m over",
            "mask m over c",
            "mask m over c in",
            "mask m over c in b",
            "mask m over c in b for",
            "mask m over c in b for d",
            "mask m over c for",
            "mask m in",
            "mask m over c in b {",
            "mask m for",
            "mask m =",
            "mask m over c with",
            "mask m over c in b for [d",
            "mask m over c in b for [d,",
        ),
    ),
    Lesson(
        "E131",
        "a setting of a mask is a word and a number",
        "write, for example, `train 1000`, `sparsity 0.01` or `epochs 2`",
        tuple(
            f"mask m over c in b for d {{ {setting}"
            for setting in ("train =", "train", "train x", 'train "x"', "3", "train 3,", "train:")
        ),
    ),
    Lesson(
        "E132",
        "blocked attention says from where, to where and in which layers",
        "write `block attention last -> [query, answer] in layers 2..9`",
        tuple(
            f"{before}{act}"
            for before in ("intervention i = ", "measure m = accuracy(b with ")
            for act in (
                "block",
                "block last",
                "block attention",
                "block attention last",
                "block attention last to",
                "block attention from last",
                "block attention last -> query )",
                "block attention last -> query on",
                "block attention last -> query in",
                "block attention last -> query in 3",
                "block attention last -> in",
                "block attention last ->",
                "block attention last, query",
                "block attention last -> query,",
                "block attention -> x",
                "block heads",
                "block attention last -> query in layer 3",
            )
        ),
    ),
    Lesson(
        "E130",
        "the language version is a whole number",
        "write `entrack 1`",
        ("entrack", "entrack x", "entrack 1.0", 'entrack "1"'),
    ),
)
