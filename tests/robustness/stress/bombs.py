"""Small specs that ask for much: one function a construct of the language, as large as one file may hold it when `size`
is 1.

What a bomb needs beside it (columns, circuits) is written into its folder. `combined` puts several into one spec.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from pathlib import Path

Make = Callable[[float, Path], str]

HEAD = 'entrack 1\nmodel base = builtin("boxes-base")\n'
WORDS = '["car", "cup", "key", "ball", "book", "bell", "box", "hat"]'
TASK = f"""task t(n = 2) {{
  object = n distinct from {WORDS}
  prompt = "The {{object[0]}} is"
  answer = object[0]
  at last = end of prompt
}}
"""
ALTERNATE = "alternate s of t { fresh object }\n"
MEASURE = "measure m = accuracy(base) on 2 t\n"
PROMPT = '  prompt = "The {x} is"\n  answer = "car"\n  at last = end of prompt\n}\n'


def many(count: float, line: str) -> str:
    """So many copies of a line, with their number for `@`, the number before it for `~`."""
    return "".join(
        line.replace("@", str(place)).replace("~", str(place - 1)) for place in range(1, max(2, round(count) + 1))
    )


def listed(count: float, item: str) -> str:
    """So many, with their number for `@`, and commas between."""
    return ", ".join(item.replace("@", str(place)) for place in range(max(1, round(count))))


def hard_constraint(size: float, folder: Path) -> str:
    joins = "".join(f'  c{place} = join("{{a}} {{a}} {{a}}", ", ")\n' for place in range(4))
    return (
        HEAD
        + f'task t {{\n  a = {round(899 * size) + 1} distinct from 0..999\n{joins}  x = "{{c0}}"\n'
        + PROMPT
        + "alternate s of t { a[0] == original.a[0] }\nmeasure m = accuracy(base) on 100 s\n"
    )


def hard_alternates(size: float, folder: Path) -> str:
    count = 1 + 200 * size
    return (
        HEAD
        + TASK.replace(WORDS, "A..Z").replace("n = 2", "n = 3")
        + many(count, "alternate a@ of t { object[0] == original.object[0]; object[1] == original.object[1] }\n")
        + many(count, "measure m@ = accuracy(base) on 100 a@\n")
    )


def long_name(size: float, folder: Path) -> str:
    return HEAD + f"param {'x' * round(60_000 * size + 1)} = 1\n" + many(6000, "param p@ = 1\n")


def very_long_name(size: float, folder: Path) -> str:
    return HEAD + f"param {'x' * round(800_000 * size + 1)} = 1\n"


def long_claim(size: float, folder: Path) -> str:
    return HEAD + TASK + MEASURE + f'claim "{"x" * round(60_000 * size)}" m > 0\n' + many(6000, 'claim "c@" m > 0\n')


def explicit_sweep(size: float, folder: Path) -> str:
    """A list of many values as a parameter: every set of prompts is labelled with all of it."""
    return HEAD + TASK + f"measure m = accuracy(base) on 2 t(seed = [{listed(9_990 * size, '@')}])\n"


def many_sweeps(size: float, folder: Path) -> str:
    return HEAD + TASK + many(1600 * size, "measure m@ = accuracy(base) on 2 t(seed = [0..9998])\n")


def same_include(size: float, folder: Path) -> str:
    (folder / "part.et").write_text("entrack 1\n" + "# a comment\n" * 30_000)
    return HEAD + 'include "part.et"\n' * round(16_000 * size + 1)


def includes_otherwise(size: float, folder: Path) -> str:
    (folder / "part.et").write_text("entrack 1\n")
    return HEAD + many(16_000 * size, 'include "none@/../part.et"\n')


def includes_of_includes(size: float, folder: Path) -> str:
    """Every included file includes all the others."""
    count = round(255 * size) + 1
    for place in range(count):
        (folder / f"part{place}.et").write_text(
            "entrack 1\n" + "".join(f'include "part{other}.et"\n' for other in range(place + 1, count)) + "# x\n" * 3000
        )
    return HEAD + 'include "part0.et"\n'


def many_long_includes(size: float, folder: Path) -> str:
    """Few words here, as much as a file may hold in each that is included."""
    for place in range(round(200 * size) + 1):
        (folder / f"long{place}.et").write_text(
            "entrack 1\n" + "".join(f"param p{place}_{line} = 1\n" for line in range(7_000))
        )
    return HEAD + many(200 * size, 'include "long~.et"\n')


def json_groups(size: float, folder: Path) -> str:
    (folder / "heads.json").write_text(
        json.dumps(
            {"a": [[layer % 4, head % 8] for layer in range(4) for head in range(8)], "pad": ["x" * 100] * 50_000}
        )
    )
    return HEAD + TASK + many(2500 * size, 'group g@ in base at last = json("heads.json", "a")\n') + MEASURE


def json_heads(size: float, folder: Path) -> str:
    (folder / "heads.json").write_text(json.dumps({"a": [[place // 1000, place % 1000] for place in range(65_000)]}))
    return (
        HEAD
        + 'model far = hub("nobody/nothing")\n'
        + many(2000 * size, 'group g@ in far at last = json("heads.json", "a")\n')
        + TASK
        + MEASURE
    )


def json_lists(size: float, folder: Path) -> str:
    (folder / "heads.json").write_text('{"a": [' + ",".join(["[]"] * round(5_000_000 * size + 1)) + "]}")
    return HEAD + TASK + 'group g in base at last = json("heads.json", "a")\n' + MEASURE


def column_tasks(size: float, folder: Path) -> str:
    (folder / "words.csv").write_text("word\n" + "".join(f"w{place}\n" for place in range(99_999)))
    return (
        HEAD
        + many(800 * size, 'task t@ {\n  x = one from column("words.csv", "word")\n' + PROMPT)
        + "measure m = accuracy(base) on 2 t1\n"
    )


def columns_of_a_table(size: float, folder: Path) -> str:
    count = round(800 * size) + 1
    row = ",".join(f"c{place}" for place in range(count))
    (folder / "table.csv").write_text(f"{row}\n" * min(99_999, 16_000_000 // len(row)))
    lines = "".join(f'  y{place} = one from column("table.csv", "c{place}")\n' for place in range(min(count, 200)))
    return HEAD + "task t {\n  x = 1\n" + lines + PROMPT + MEASURE


def column_lines(size: float, folder: Path) -> str:
    """A table of nothing but commas and line ends."""
    (folder / "table.csv").write_text("a,b\n" + "," * round(8_000_000 * size) + "\n" + "\n" * round(8_000_000 * size))
    return HEAD + 'task t {\n  x = one from column("table.csv", "a")\n' + PROMPT + MEASURE


def column_pool(size: float, folder: Path) -> str:
    """A long pool that is searched again for each prompt."""
    (folder / "words.csv").write_text("word\n" + "".join(f"w{place}\n" for place in range(round(99_998 * size) + 2)))
    lines = "".join(
        f'  y{place} = 2 distinct from column("words.csv", "word") except "w{place}"\n' for place in range(60)
    )
    return (
        HEAD
        + 'task t {\n  x = one from column("words.csv", "word")\n'
        + lines
        + PROMPT
        + MEASURE.replace("2 t", "200 t")
    )


def cells_and_claims(size: float, folder: Path) -> str:
    claims = "".join(f'claim "c" m[{place % 9999}] > 0\n' for place in range(round(4600 * size)))
    return HEAD + TASK + "measure m = accuracy(base) on 2 t(seed = [0..9999])\n" + claims


def open_claims(size: float, folder: Path) -> str:
    """Claims about more cells than one, whose help would name all labels."""
    return (
        HEAD + TASK + "measure m = accuracy(base) on 2 t(seed = [0..9999])\n" + many(6400 * size, 'claim "c@" m > 0\n')
    )


def unknown_names(size: float, folder: Path) -> str:
    return (
        HEAD
        + TASK
        + many(3500 * size, "param a_rather_long_name_@ = 1\n")
        + many(1800 * size, "measure m@ = accuracy(base) on a_rather_lnog_nmae_@ t\n")
    )


def unknown_long_names(size: float, folder: Path) -> str:
    letters = "abcdefghijklmnopqrstuvwxyz" * 7
    return (
        HEAD
        + TASK
        + many(2500 * size, f"param {letters}@ = 1\n")
        + many(1500 * size, f"measure m@ = accuracy(base) on {letters[::-1]}@ t\n")
    )


def unknown_labels(size: float, folder: Path) -> str:
    return (
        HEAD
        + TASK
        + "measure m = accuracy(base) on 2 t(seed = [0..9999])\n"
        + many(4000 * size, 'claim "c@" m[seed_@] > 0\n')
    )


def completeness(size: float, folder: Path) -> str:
    count = 1000 * size + 1
    return (
        HEAD
        + TASK
        + ALTERNATE
        + "circuit c in base {\n"
        + many(count, "  group g@ at last = 1.2\n")
        + "}\n"
        + f"measure m = completeness(c, {round(999 * size) + 1}) in base over s on 100 t\n"
    )


def minimality(size: float, folder: Path) -> str:
    heads = " ".join(f"{layer}.{head}" for layer in range(4) for head in range(8))
    return (
        HEAD
        + TASK
        + ALTERNATE
        + f"circuit c in base {{\n  group g at last = {heads}\n}}\n"
        + many(500 * size, "measure m@ = minimality(c, 0.5) in base over s on 100 t\n")
    )


def hops(size: float, folder: Path) -> str:
    found = "discover d in base on 2 t against s {\n  group g0 at last -> logits keep 1\n"
    return HEAD + TASK + ALTERNATE + found + many(255 * size, "  group g@ at last -> g~.query keep 1\n") + "}\n"


def receivers(size: float, folder: Path) -> str:
    return (
        HEAD
        + TASK
        + ALTERNATE
        + "discover d in base on 100 t against s {\n  group g0 at last -> logits keep 1\n"
        + f"  group g1 at last -> [{listed(7500 * size, 'g0.query')}] keep 1\n}}\n"
    )


def discoveries(size: float, folder: Path) -> str:
    return (
        HEAD
        + TASK
        + ALTERNATE
        + many(1500 * size, "discover d@ in base on 100000 t against s {\n  group g at last -> logits keep 1\n}\n")
    )


def groups_of_a_circuit(size: float, folder: Path) -> str:
    """A circuit of many groups in many interventions."""
    return (
        HEAD
        + TASK
        + ALTERNATE
        + "circuit c in base {\n"
        + many(2000 * size, "  group g~ at last = 1.2\n")
        + "}\n"
        + "intervention only(x, y) = zero x, mean elsewhere over s\n"
        + f"measure m = accuracy(base with only([{listed(90, 'c.g@')}], [{listed(90, 'c.g@')}])) on 100 t\n"
        + f"measure k = accuracy(base with [{listed(2000 * size, 'zero c.g@')}]) on 100 t\n"
    )


def overlaps(size: float, folder: Path) -> str:
    group = many(2000 * size, "  group g@ at last = 1.2\n")
    return (
        HEAD + TASK + f"circuit c in base {{\n{group}}}\n" + many(1000 * size, "measure o@ = overlap(c, c)\n") + MEASURE
    )


def masks(size: float, folder: Path) -> str:
    return (
        HEAD
        + TASK
        + "circuit c in base {\n"
        + many(1500 * size, "  group g@ at last = 1.2\n")
        + "}\n"
        + many(1000 * size, "desideratum d@ on t { alternate { fresh object } target alternate.answer }\n")
        + f"mask k over c in base for [{listed(1000 * size, 'd@').replace('d0, ', '')}] {{ }}\n"
        + "measure m = accuracy(base with patch k.heads from alternate) on 10 k.desideratum\n"
    )


def loops(size: float, folder: Path) -> str:
    acts = listed(2000 * size, "block attention last -> last in layers 0..@ + k")
    return HEAD + TASK + f"measure m = accuracy(base with [{acts}]) on 2 t for k in [0..9]\n"


def loop_of_blocks(size: float, folder: Path) -> str:
    acts = listed(300 * size, "block attention last -> last in layers k..k + @")
    return HEAD + TASK + f"measure m = accuracy(base with [{acts}]) on 2 t for k in [0..700]\n"


def arguments(size: float, folder: Path) -> str:
    given = ", ".join([f"[{listed(21, 'c.g@')}]"] * 3)
    return (
        HEAD
        + TASK
        + "circuit c in base {\n"
        + many(30, "  group g~ at last = 1.2\n")
        + "}\nintervention i(x, y, z) = zero x\n"
        + many(90 * size, f"measure m@ = accuracy(base with i({given})) on 2 t\n")
    )


def prompts_in_a_list(size: float, folder: Path) -> str:
    return HEAD + TASK + f"measure m = accuracy(base) on 2 [{listed(4500 * size, 't(seed = @)')}]\n"


def models_in_a_list(size: float, folder: Path) -> str:
    models = many(3500 * size, 'model m@ = builtin("boxes-base")\n')
    return (
        "entrack 1\n"
        + TASK
        + models
        + f"measure m = accuracy([{listed(3500 * size, 'm@').replace('m0, ', '')}]) on 2 t\n"
    )


def alternates_of_a_long_task(size: float, folder: Path) -> str:
    task = TASK.replace("  prompt", many(245, "  v@ = 1\n") + "  prompt")
    return (
        HEAD
        + task
        + many(2100 * size, "alternate a@ of t { object[0] = one from A..Z }\n".replace("object[0]", "v1"))
        + MEASURE
    )


def changes_of_an_alternate(size: float, folder: Path) -> str:
    last = f'  prompt = "The {{w{max(2, round(250 * size))}}} is"\n'
    return (
        HEAD
        + TASK
        + "alternate a of t {\n  w0 = object[0]\n"
        + many(250 * size, "  w@ = w~\n")
        + last
        + "}\n"
        + MEASURE.replace("t\n", "a\n")
    )


def holes(size: float, folder: Path) -> str:
    text = "{object[0]}" * round(5900 * size)
    return (
        HEAD
        + "".join(TASK.replace("task t", f"task t{place}").replace("The", text) for place in range(15))
        + "measure m = accuracy(base) on 200 ["
        + listed(15, "t@")
        + "]\n"
    )


def long_texts(size: float, folder: Path) -> str:
    """Texts in texts, all long, of which each prompt is made, and read by the tokenizer once for each word."""
    text = "word " * round(12_000 * size)
    words = many(200, '  w@ = "word@"\n')
    return HEAD + f'task t {{\n  x = "{text}"\n{words}' + PROMPT + MEASURE.replace("2 t", "200 t")


def positions(size: float, folder: Path) -> str:
    text = "{object[0]} " * round(5000 * size)
    places = many(240, "  at p@ = any of prompt.object\n")
    task = TASK.replace("The", text).replace("  at last", places + "  at last")
    return (
        HEAD
        + "".join(task.replace("task t", f"task t{place}") for place in range(12))
        + "measure m = accuracy(base) on 200 t0\n"
    )


def joins(size: float, folder: Path) -> str:
    uses = "".join(f', at = {place}, use = "{{a}} u{place}"' for place in range(round(900 * size)))
    return (
        HEAD
        + f'task t {{\n  a = 1000 distinct from 0..99999\n  x = join("{{a}}", ", "{uses})\n'
        + PROMPT
        + MEASURE.replace("2 t", "200 t")
    )


def comments(size: float, folder: Path) -> str:
    return HEAD + many(6_000 * size, "param p@ = 1 # about p@\n")


def syntax_error_far_down(size: float, folder: Path) -> str:
    """An item of many lines, each of which could be the beginning of one, with a mistake at the end."""
    return HEAD + 'claim "c" 0\n' + "+\na\n" * round(12_000 * size) + "! > 0\n"


def many_mistakes(size: float, folder: Path) -> str:
    return HEAD + TASK + many(3000 * size, "measure m@ = accuracy(nobody) on 2 t\n")


def figures(size: float, folder: Path) -> str:
    return (
        HEAD
        + TASK
        + MEASURE
        + f'figure "{"x" * round(60_000 * size)}" = bars(m)\n'
        + many(5000 * size, 'figure "f@" = bars(m)\n')
    )


def interventions(size: float, folder: Path) -> str:
    acts = listed(3000 * size, "block attention last -> last in layers 0")
    return HEAD + TASK + f"intervention i = {acts}\nmeasure m = accuracy(base with i) on 2 t(seed = [0..9999])\n"


def random_circuits(size: float, folder: Path) -> str:
    heads = " ".join(f"{layer}.{head}" for layer in range(4) for head in range(8))
    return (
        HEAD
        + TASK
        + f"group g in base at last = {heads}\n"
        + many(800 * size, "measure m@ = accuracy(base with zero random like g) on 100 t, 1000 draws\n")
    )


def cell_draws(size: float, folder: Path) -> str:
    return HEAD + TASK + f"measure m = accuracy(base) on {round(99_999 * size) + 1} t, 1000 draws\n"


def labels_of_mistakes(size: float, folder: Path) -> str:
    """Messages that repeat what is written."""
    text = "x" * round(60_000 * size)
    first = f'measure m = accuracy(base with i(a = "{text}")) on 2 t\nintervention i = zero t\n'
    return (
        HEAD + TASK + first + many(1500 * size, f"measure n@ = accuracy(base with i(a = [{listed(2, '1')}])) on 2 t\n")
    )


def numbers(size: float, folder: Path) -> str:
    large = " * ".join(["999999999999999999"] * (round(30 * size) + 2))
    return HEAD + TASK + f"measure m = accuracy(base) on 2 t(n = {large} - {large})\n"


BOMBS: Mapping[str, Make] = {
    made.__name__: made
    for made in (
        hard_constraint,
        hard_alternates,
        long_name,
        very_long_name,
        long_claim,
        explicit_sweep,
        many_sweeps,
        same_include,
        includes_otherwise,
        includes_of_includes,
        many_long_includes,
        json_groups,
        json_heads,
        json_lists,
        column_tasks,
        columns_of_a_table,
        column_lines,
        column_pool,
        cells_and_claims,
        open_claims,
        unknown_names,
        unknown_long_names,
        unknown_labels,
        completeness,
        minimality,
        hops,
        receivers,
        discoveries,
        groups_of_a_circuit,
        overlaps,
        masks,
        loops,
        loop_of_blocks,
        arguments,
        prompts_in_a_list,
        models_in_a_list,
        alternates_of_a_long_task,
        changes_of_an_alternate,
        holes,
        long_texts,
        positions,
        joins,
        comments,
        syntax_error_far_down,
        many_mistakes,
        figures,
        interventions,
        random_circuits,
        cell_draws,
        labels_of_mistakes,
        numbers,
    )
}
"""Every construct that can be made to cost more than it says."""


def drawn(chance: random.Random, folder: Path) -> tuple[str, str]:
    """One bomb, or two in one spec, of a size by chance. -> what it is, and its text"""
    names = chance.sample(sorted(BOMBS), chance.choice((1, 1, 2)))
    sizes = [round(10 ** chance.uniform(-2, 0), 3) for _ in names]
    for place, _ in enumerate(names):
        (folder / f"part{place}").mkdir()
    texts = [BOMBS[name](size, folder) for name, size in zip(names, sizes, strict=True)]
    what = " and ".join(f"{name} x {size:g}" for name, size in zip(names, sizes, strict=True))
    return what, combined(texts)


def combined(texts: list[str]) -> str:
    """Several bombs as one spec: names of the second are met twice, which must be said and cost no more."""
    first, *others = texts
    return "".join([first, *(text.removeprefix("entrack 1\n") for text in others)])
