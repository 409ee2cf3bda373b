"""Lessons about the lines at the head of a spec: version, `about`, `include`, `param`, `seed` and `model`."""

from __future__ import annotations

from entrack.syntax.lessons.lesson import Lesson

LESSONS = (
    Lesson(
        "E110",
        "a model is made from where its weights are",
        'write, for example, `model base = builtin("boxes-base")` or `model m = hub("owner/name")`',
        """
        model base
        model base "x"
        model base =
        model base = "gpt2"
        model base = 3
        model = x
        """,
    ),
    Lesson(
        "E124",
        "`about` has lines of a word and a text",
        'write `about { title "..." cite "..." }`',
        """
        about
        about {  title }
        about { title =
        about "x"
        about { title "a" "b"
        about { 3
        about { "x"
        """,
    ),
    Lesson(
        "E125",
        "`param` has a name and a number",
        "write `param n = 300`",
        """
        param
        param n
        param n =
        param n = x
        param n = "x"
        param = 3
        """,
    ),
    Lesson(
        "E126",
        "`include` takes the path of a file",
        'write `include "boxes.et"`',
        """
        include
        include boxes
        include 3
        """,
    ),
    Lesson(
        "E127",
        "`seed` takes a whole number",
        "write `seed 7`",
        """
        seed
        seed = 3
        seed x
        """,
    ),
    Lesson(
        "E130",
        "the language version is a whole number",
        "write `entrack 1`",
        """
        entrack
        entrack x
        entrack 1.0
        entrack "1"
        """,
    ),
)
