"""Cells of a notebook, run in a shell of IPython in this process, and what they show."""

from __future__ import annotations

from typing import Any

from attrs import frozen
from IPython.utils.capture import capture_output

import entrack

SPEC = """entrack 1

param n = 4

model base = builtin("boxes-base")

task pairs {
  object = 2 distinct from ["car", "cup", "key", "ball"]
  asked  = one index of object
  label  = ["A", "B"]
  prompt = "The {object[0]} is in Box A, the {object[1]} is in Box B. Box {label[asked]} contains the"
  answer = object[asked]
  at last = end of prompt
}

alternate other of pairs {
  fresh object
}

discover cir in base on n pairs against other {
  score logit of answer
  group fetcher at last -> logits keep 3
}

measure acc = accuracy(base with [nothing, zero cir]) on n pairs

claim "it says something" acc[nothing] >= 0
"""
"""A spec that takes a second."""
WRONG = SPEC.replace("zero cir]", "zero cri]")


def loaded(path: Any) -> Any:
    """A function of a user's own module."""
    return entrack.load(path)


LOADS = loaded.__code__.co_firstlineno + 2


@frozen
class Ran:
    """What a cell showed: displays by mime type, in order, the error that ended it, and what was printed: the text of
    that error too."""

    shown: tuple[dict[str, str], ...]
    error: BaseException | None
    printed: str

    @property
    def text(self) -> str:
        return "\n".join(one.get("text/plain", "") for one in self.shown)

    @property
    def html(self) -> str:
        return "\n".join(one.get("text/html", "") for one in self.shown)


class Cells:
    """The cells of one notebook."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell

    def run(self, text: str) -> Ran:
        """Run a cell. What it comes to is shown last, as a notebook does."""
        with capture_output() as captured:
            done = self.shell.run_cell(text, store_history=True)
        data = [one.data for one in captured.outputs]
        if done.result is not None:
            data.append(self.shell.display_formatter.format(done.result)[0])
        error = done.error_in_exec or done.error_before_exec
        return Ran(tuple(data), error, captured.stdout + captured.stderr)

    def __getitem__(self, name: str) -> Any:
        return self.shell.user_ns[name]

    def __contains__(self, name: str) -> bool:
        return name in self.shell.user_ns
