"""Lessons about `task`, and its counterfactuals: `alternate` and `desideratum`."""

from __future__ import annotations

from entrack.syntax.lessons.lesson import Lesson

LESSONS = (
    Lesson(
        "E119",
        "a task is a block of drawings, texts and positions",
        'write lines such as `object = 7 distinct from ["car", "cup"]`, `prompt = "..."`, `answer = ...`, `at'
        " last = end of prompt`",
        """
        task t
        task t {
        task t { 3
        task t { "x"
        task {
        task t = {
        task t { x
        task t { x = }
        task t { x = ; y
        task t { x: 3
        """,
    ),
    Lesson(
        "E121",
        "a position begins with `at`",
        "write `at last = end of prompt`",
        """
        task t { last = end of prompt
        task t { last = end of
        """,
    ),
    Lesson(
        "E120",
        "a drawing says how many, and from what",
        'write `7 distinct from A..Z`, `one of 0..6`, `one from ["store", "park"]`, or `one index of object`',
        """
        task t { x = 1..6
        task t { x = y..z
        task t { x = 7 distinct A..Z
        task t { x = random from
        task t { x = random choice
        task t { x = 7 random
        task t { x = 7 distinct }
        task t { x = one A..Z
        task t { x = one }
        task t { x = 7 distinct of A..Z
        task t { x = 7 distinct from }
        task t { x = one of }
        task t { x = 7 A..Z
        task t { x = 7 "a"
        task t { x = n distinct of
        """,
    ),
    Lesson(
        "E121",
        "a position says where it is",
        "write `at last = end of prompt`, `at query = question.label`, or `at first = context.label[asked]`",
        """
        task t { at last }
        task t { at = x
        task t { at last = }
        task t { at last = end }
        task t { at last = end prompt
        task t { at last = 3
        task t { at last = "x"
        task t { at last = last of prompt
        task t { at last end
        task t { at last = any context
        """,
    ),
    Lesson(
        "E122",
        "an alternate says which task it belongs to and what changes",
        "write `alternate NAME of TASK { fresh object; asked != original.asked }`",
        """
        alternate a
        alternate a {
        alternate {
        alternate a on t {
        alternate a of t { 3
        alternate a of t { fresh }
        alternate a of t { fresh ;
        alternate a of t { x }
        alternate a of t
        """,
    ),
    Lesson(
        "E123",
        "a desideratum has an `alternate { ... }` and a `target`",
        "write `desideratum NAME on TASK { alternate { fresh object }  target alternate.answer }`",
        """
        desideratum d
        desideratum d {
        desideratum d of t {
        desideratum d on t { fresh x
        desideratum d on t { target }
        desideratum d on t { x
        desideratum d on t { alternate fresh
        desideratum d on t { target = x
        """,
    ),
)
