"""Small specs, and places in them: a text with `|` where the cursor is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from entrack.editor.document import Document, analysed
from entrack.editor.parsed import Parsed
from entrack.editor.workspace import Workspace
from entrack.source import Source, Span

TASK = """entrack 1

model base = builtin("boxes-base")  # the model

# Boxes, as they
# are drawn.
task boxes(n = 3) {
  object = n distinct from ["apple", "bell", "cup"]
  label  = n distinct from A..Z
  asked  = one index of object

  context = join("the {object} is in Box {label}", ", ")
  prompt  = capitalise("{context}. Box {label[asked]} contains the")
  answer  = object[asked]

  at last  = end of prompt
  at query = context.label[asked]
}

alternate scrambled of boxes { fresh label; label[asked] != original.label[original.asked] }
"""
SPEC = """entrack 1

include "task.et"

param many = 3

group movers in base at last = 2.1 3.0

circuit cir in base {
  group readers at query = 0.1 0.2
  group writers at last  = mlp.3 1.2
}

discover found in base on many boxes against scrambled {
  score logit of answer
  group senders at last  -> logits        keep 2
  group readers at query -> senders.value keep 2
}

intervention without(c) = mean c over many scrambled

measure kept = accuracy(base with [nothing, without(cir.readers), without(movers)]) on many boxes
measure cut  = accuracy(base with block attention last -> query in layers k..) on many boxes for k in layers
measure same = overlap(cir, found)

claim "it is needed" kept[without(movers)] <= kept[nothing]
claim "early"        cut[k = 1] <= 1
claim "the same"     same[readers, recall] >= 0

figure "Cut" = curves(cut) by k
"""


def spec(folder: Path, text: str = SPEC, task: str = TASK) -> Document:
    """A spec of two files in a folder, analysed."""
    (folder / "task.et").write_text(task, encoding="utf-8")
    (folder / "spec.et").write_text(text, encoding="utf-8")
    return analysed(Source(str(folder / "spec.et"), text))


def specs(folder: Path, file: str = "spec.et") -> tuple[tuple[Parsed, ...], ...]:
    return Workspace((folder,)).specs_with(str(folder / file))


def place(text: str, words: str) -> int:
    """The offset that `|` marks in words of a text."""
    before, _, after = words.partition("|")
    assert text.count(before + after) == 1, f"{text.count(before + after)} times {words}"
    return text.index(before + after) + len(before)


def shown(span: Span, texts: Mapping[str, Source] | Document) -> str:
    """The line in which a span stands, with the span in brackets."""
    source = (texts.checked.texts if isinstance(texts, Document) else texts)[span.file]
    number, column = source.place(span.start)
    line, start = source.line(number), column - 1
    end = start + span.end - span.start
    return f"{line[:start]}[{line[start:end]}]{line[end:]}".strip()
