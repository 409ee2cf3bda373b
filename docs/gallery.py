"""The page `docs/studies/index.md`, a card for each study, made from the pages of the studies. `make docs` writes it.

A study's page begins with a title and a table of its question, model, number and spec. The card shows one of its
images.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

STUDIES = Path(__file__).parent / "studies"
PAGE = STUDIES / "index.md"
FIGURES = {
    "boxes": "boxes-circuits-kept",
    "boxes_pointer": "boxes-pointer-circuit",
    "lora": "lora-heads",
    "ioi": "ioi-scores",
    "induction": "induction-loss",
    "greater_than": "greater-than-year",
    "agreement": "agreement-heads",
    "gender_bias": "gender-bias-where",
    "causal_tracing": "causal-tracing-parts",
    "knockout": "knockout-attention",
    "function_vectors": "function-vectors-steering",
    "direction": "direction-verdict",
    "logit_lens": "logit-lens-layers",
    "edges": "edges-boxes",
    "ioi_gpt2": "ioi-gpt2-negative",
    "paper": None,
}
"""The studies in the order of their cards, and the figure of each; a study that was not run has none."""
HEAD = """# Studies

Published studies of circuits and interventions, each as a spec that runs. A number here was measured with the model
that is named; it stands with its 95 % interval and n, the prompts that it is of. Each page says what is like the
paper and what is not.

The studies of the built-in models need nothing; `make studies` fetches SmolLM2 (93 MB) for the others.

<div class="cards" markdown>

"""
ROW = re.compile(r"^\| \*\*(\w+)\*\* \| (.+) \|$", re.MULTILINE)
IMAGE = re.compile(r"^!\[(.+)]\(img/([\w-]+)\.png\)$", re.MULTILINE)
FIELDS = ("Question", "Model", "Number", "Spec")


@dataclass(frozen=True)
class Study:
    """What a card shows: Markdown from the study's page. `drawn` are its images, by file, with their titles."""

    name: str
    title: str
    said: dict[str, str]
    drawn: dict[str, str]

    def card(self) -> str:
        """The card, as Markdown in a `div`, which a forge shows one below the other. Raises KeyError where its image is
        not on the page."""
        image = FIGURES[self.name]
        parts = [
            '<div class="card" markdown>',
            f"### [{self.title}]({self.name}.md)",
            self.said["Question"],
            *([f"[![{self.drawn[image]}](img/{image}.png)]({self.name}.md)"] if image else []),
            self.said["Number"],
            f"{self.said['Model']} · {self.said['Spec']}",
            "</div>",
        ]
        return "\n\n".join(parts) + "\n\n"


def study(name: str) -> Study:
    """What the page of a study says at its head. Raises ValueError where that is not whole."""
    text = (STUDIES / f"{name}.md").read_text(encoding="utf-8")
    said = dict(ROW.findall(text.partition("\n## ")[0]))
    if missing := [field for field in FIELDS if field not in said]:
        raise ValueError(f"studies/{name}.md does not say at its head: {', '.join(missing)}")
    return Study(
        name, text.partition("\n")[0].removeprefix("# "), said, {file: title for title, file in IMAGE.findall(text)}
    )


def page() -> str:
    """The whole page."""
    return HEAD + "".join(study(name).card() for name in FIGURES) + "</div>\n"
