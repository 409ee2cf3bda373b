"""Whole specs, drawn by chance: valid by how they are made, with tasks, alternates, circuits, discoveries, masks and
measures of every kind.

The differential tests draw what is run; these are drawn for what comes before: many, quickly, and with tasks of their
own.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from attrs import define, field

WORDS = ("car", "cup", "key", "ball", "book", "bell", "box", "hat", "apple", "coat")
LAYERS, HEADS = 4, 8
"""Of the built-in models."""
LONE = ("from", "of", "in", "over", "keep", "seed", "one", "at", "object", "label", "x_1", "Prompt", "A", "_")
"""Names of variables that words of the language are too, or nearly."""


@define
class Writer:
    """Writes one spec. What is drawn comes from `chance`."""

    chance: random.Random
    lines: list[str] = field(factory=list)
    tasks: dict[str, bool] = field(factory=dict)
    """Each task, and whether it has the position `there`."""

    def write(self) -> str:
        self.lines = ["entrack 1", 'model base = builtin("boxes-base")', 'model tuned = builtin("boxes-tuned")']
        if self.maybe():
            self.lines.append(f"seed {self.chance.randrange(10**6)}")
        if self.maybe():
            self.lines += [f"param n = {self.some(2, 5)}", 'about { title "drawn" note "by chance" }']
        for number in range(self.some(1, 2)):
            self.task(f"t{number}")
        self.circuits()
        task = self.one(*self.tasks)
        if self.maybe():
            self.discovery(task)
        parts = (self.measure, self.sweep, self.knockout, self.examination, self.mask, self.draws)
        for number, part in enumerate(self.chance.choices(parts, k=self.some(1, 3))):
            part(f"m{number}", self.one(*self.tasks))
        return self.laid_out()

    # items

    def task(self, name: str) -> None:
        """A list, an index, perhaps a label, texts with holes, positions; two alternates and a desideratum."""
        many, column, place = self.some(3, 5), self.one("object", "thing", *LONE[:6]), self.one("asked", "which")
        label = self.one("label", "tag", "A", "Prompt")
        pool = ", ".join(
            f'"{word}"'
            for word in self.chance.sample(
                WORDS, self.some(2 * many, len(WORDS)) if 2 * many <= len(WORDS) else len(WORDS)
            )
        )
        segment = self.one(f"the {{{column}}} is in Box {{{label}}}", f"Box {{{label}}} has the {{{column}}}")
        joined = self.one(f'join("{segment}", ", ")', f'capitalise(join("{segment}", " and "))')
        ask = self.one(f"Box {{{label}[{place}]}} contains the", f"In Box {{{label}[{place}]}} is the")
        lines = [
            f"{column} = {many} distinct from [{pool}]",
            f"{label} = {many} distinct from A..{self.one('M', 'T', 'Z')}",
            f"{place} = one index of {column}",
            *self.extra(),
            f"context = {joined}",
            f'prompt = "{{context}}. {ask}"',
            f"answer = {column}[{place}]",
            "at last = end of prompt",
            f"at there = prompt.{label}" + self.one("", " + 0"),
            f"at first = context.{column}.first",
        ]
        self.lines.append(f"task {name} {{\n{self.joined(lines)}\n}}")
        self.tasks[name] = True
        changes = self.chance.sample(
            [f"redraw {column}", f"redraw {label}", f"{place} != original.{place}", f"shuffle {column}"],
            self.some(1, 3),
        )
        self.lines.append(f"alternate other_{name} of {name} {{ {self.joined(changes, ' ')} }}")
        self.lines.append(f"alternate same_{name} of {name} {{ {place} != original.{place} }}")
        self.lines.append(
            f"desideratum told_{name} on {name} {{ alternate {{ {place} != original.{place} }} target {self.one('alternate', 'original')}.answer }}"
        )

    def extra(self) -> list[str]:
        return self.chance.sample(
            [
                "v = one of 0..6",
                "w = 2 from 1..9",
                'u = one from ["a", "b"]',
                "k = 2 + 3 * 4",
                "z = -(2 - 5)",
                'q = "a text, with \\"quotes\\" and {{brackets}}"',
            ],
            self.some(0, 3),
        )

    def circuits(self) -> None:
        self.lines += [
            f"group alone in base at {self.position()} = {self.heads()}",
            f"circuit pub in base {{ group a at last = {self.heads()}; group b at {self.one('there', 'first')} = {self.heads()} }}",
        ]
        for task in self.tasks:
            self.lines.append(
                f"intervention only_{task}(c) = keep c, {self.one('zero elsewhere', f'mean elsewhere over same_{task}', f'mean elsewhere over 3 same_{task}', f'patch elsewhere from same_{task}', f'patch elsewhere from sample of 3 same_{task}')}"
            )

    def discovery(self, task: str) -> None:
        screen = self.one("", "", f" screen {self.some(9, 20)} check {self.some(0, 4)}", " screen 12 in 2 steps")
        score = self.one("", "  score probability of answer\n", "  score logit of answer\n")
        hops = [
            "  group h0 at last -> logits keep 3",
            f"  group h1 at last -> {self.one('h0.query', '[h0.query, h0.key]')} keep {self.some(1, 9)}",
            "  group h2 at there -> [h0.value, h1.key] keep 2",
        ]
        self.lines.append(
            f"discover cir in base on {self.some(2, 9)} {task} against same_{task}{screen} {{\n{score}"
            + "\n".join(hops[: self.some(1, 3)])
            + "\n}"
        )

    def measure(self, name: str, task: str) -> None:
        every = [
            "nothing",
            "zero alone",
            f"only_{task}(pub)",
            "zero pub.a",
            f"patch pub from same_{task}",
            "patch alone from tuned",
            "patch elsewhere from tuned",
            f"patch {self.one('pub', 'alone')} from sample of {self.one('', '3 ')}{self.one('other', 'same')}_{task}",
            f"patch alone from sample of {task}(seed = {self.some(1, 9)})",
            "zero random like pub",
        ]
        acts = self.chance.sample(every, self.some(1, 4))
        subject, swept = self.one("base", "[base, tuned]"), self.one(f"with [{', '.join(acts)}]", "")
        self.lines.append(f"measure {name} = {self.metric()}({subject} {swept}) on {self.some(2, 9)} {task}")
        cell = f"{name}[base, {self.one(*acts)}]" if swept else f"{name}[base]"
        claim = self.one(
            f"{cell} >= 0.5",
            f"mean({name}) within 0.1 of 0.5",
            f"2 * {cell} - 1 < {cell} + 0.25 published 0.8",
            "size(pub) <= 8",
        )
        self.lines += [f'claim "of {name}" {claim}', f'figure "F {name}" = bars({name})', f'table "T {name}" = {name}']

    def sweep(self, name: str, task: str) -> None:
        seeds = self.one("[1..4]", "[3, 1, 2]", "7", "[0..2, 9]")
        self.lines.append(
            f"measure {name} = {self.metric()}(base with [nothing, zero alone]) on {self.some(2, 5)} {task}(seed = {seeds})"
        )

    def knockout(self, name: str, task: str) -> None:
        cut = f"block attention last -> {self.one('there', '[there, first]')} in layers {self.one('k..', 'k', '0..k')}"
        self.lines.append(
            f"measure {name} = {self.metric()}(base with {cut}) on 3 {task} for k in {self.one('layers', '[0, 2]', '[1..3]')}"
        )

    def examination(self, name: str, task: str) -> None:
        kind = self.one("completeness(pub, 2)", "minimality(pub, 0.5)", "completeness(pub)")
        self.lines += [
            f"measure {name} = {kind} in base over same_{task} on {self.some(2, 5)} {task}",
            f"measure o{name} = overlap(pub, pub)",
        ]

    def mask(self, name: str, task: str) -> None:
        self.lines += [
            f"mask r{name} over pub in base for told_{task} {{ {self.joined(['train 4', 'validate 3', 'sparsity 0.05', 'epochs 1'][: self.some(2, 4)], ' ')} }}",
            f"measure {name} = accuracy(base with patch r{name}.heads from alternate) on {self.some(2, 5)} r{name}.desideratum",
        ]

    def draws(self, name: str, task: str) -> None:
        on = self.one(task, f"other_{task}", f"[{task}, other_{task}]")
        self.lines.append(
            f"measure {name} = {self.metric()}(base with [zero random like alone, nothing]) on 2 {on}, {self.some(2, 4)} draws"
        )

    # parts of items, and how they are laid out

    def metric(self) -> str:
        return self.one("accuracy", "probability of answer ", "logit of answer ", "probability")

    def heads(self) -> str:
        every = [f"{layer}.{head}" for layer in range(LAYERS) for head in range(HEADS)]
        return " ".join(self.chance.sample(every, self.some(1, 5)))

    def position(self) -> str:
        return self.one("last", "there", "first")

    def joined(self, lines: Sequence[str], between: str = "\n") -> str:
        """Lines of a block, with `;`, a line end or a comment between them: each ends them."""
        ends = [
            self.one(";", " ;", ";;") + between if between == " " else self.one("\n", ";\n", "  # so\n", "; ", "\n\n")
            for _ in lines
        ]
        return "".join(f"  {line}{end}" for line, end in zip(lines, ends, strict=True))

    def laid_out(self) -> str:
        return "".join(
            line + self.one("\n", "\n\n", "  # what is above\n", "\n# what comes below\n") for line in self.lines
        )

    def maybe(self) -> bool:
        return self.chance.random() < 0.5

    def some(self, least: int, most: int) -> int:
        return self.chance.randint(least, most)

    def one(self, *words: str) -> str:
        return self.chance.choice(words)


def spec(chance: random.Random) -> str:
    """One spec."""
    return Writer(chance).write()
