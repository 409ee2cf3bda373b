"""Metrics as other tools and papers call them, and what they are here."""

from __future__ import annotations

import re

from entrack.diagnostics import Diagnostic
from entrack.source import Source, Span

BEGINNING = re.compile(r"(?:measure\s+[A-Za-z_]\w*\s*=|score)\s*")
"""What stands before a metric."""
FAR = 200
"""Letters between the beginning of an item, or a word `score`, and a failure, at most."""
METRICS = tuple(
    (re.compile(pattern), help)
    for pattern, help in (
        (
            r"(?i:kl[ _-]*(div\w*)?|relative[ _-]entropy)(?!\w)(?! from clean)( (from|to|of|with) \w+)?",
            "write `KL from clean`: the divergence of the next token's distribution from that of the clean run",
        ),
        (
            r"(?i:(relative )?(top[ _-]*(?P<k>\d+)[ _-]*acc\w*|acc(uracy)?[ _]*(@|at|top|in the top)[ _-]*(?P<n>\d+)))",
            "write `accuracy in top 5`",
        ),
        (
            r"(?i:log[ _-]*prob(ability|s)?[ _-]*diff\w*)(?<!log probability difference)",
            "write `log probability difference of answer and wrong`, of the words' first tokens, or of "
            "`whole answer and whole wrong`",
        ),
        (
            r"(?i:(sequence|joint|total|full|multi[ _-]?token)[ _-]*(log[ _-]*)?p(robs?|robability)?)(?!\w)",
            "write `log probability of whole answer`, or `probability of whole answer`: of all its tokens",
        ),
        (r"(?i:log[_-]?p(robs?|robability)?|log[ _-]probs?)(?!\w)", "write `log probability of answer`"),
        (r"(?i:perplexity|ppl)(?!\w)", "write `loss over POSITION`: a perplexity is exp of a mean loss"),
        (
            r"(?i:cross[ _-]?entropy|nll|ce([ _]loss)?|loss)(?!\w)(?! over)",
            "write `loss over POSITION` for a prompt's own tokens; of a word it is minus its `log probability`",
        ),
        (r"(?i:logit[_-]?diff(?!erence)\w*|logit diff)(?!\w)", "write `logit difference of answer and wrong`"),
        (r"(?i:prob(ability)?[_-]?diff\w*|prob diff)(?!\w)", "write `probability difference of answer and wrong`"),
        (r"(?i:mrr|(mean )?reciprocal[ _]rank)(?!\w)", "write `rank of answer`, 1 for the most likely token"),
        (
            r"(?i:recovered|normali[sz]ed|faithfulness)(?!\w)[\w -]*",
            "divide cells in a claim, `kept[only(cir)] / kept[nothing]`, or write `recovery of METRIC`: 0 at the "
            "corrupted run, 1 at the clean run",
        ),
        (
            r"(?i:attn|attention[ _]pattern|attention[ _](weight|score)s?)(?!\w)",
            "write `attention from last to subject`",
        ),
        (r"(?i:logit[_-]lens|lens|tuned[ _-]lens)(?!\w)", "write `logit lens of probability of answer at last`"),
        (
            r"(?i:dla|direct[_-]logit[_-]attribution|logit[ _-]attribution|direct[ _-](logit[ _-])?effects?)(?!\w)",
            "write `direct logit attribution of logit difference at last by heads`",
        ),
        (r"(?i:probs?|p)(?!\w)", "write `probability of answer`"),
        (r"(?i:acc)(?!\w)", "write `accuracy`"),
    )
)


def metric_at(source: Source, start: int, offset: int) -> Diagnostic | None:
    """A metric by another name, round the place where reading an item that begins at `start` failed."""
    text = source.text
    begin = None
    for found in BEGINNING.finditer(text, max(start, offset - FAR), offset + 1):
        begin = found.end()
    if begin is None or offset - begin > FAR:
        return None
    for pattern, help in METRICS:
        match = pattern.match(text, begin)
        if match is not None and match.end() >= offset and match.end() > begin:
            number = match.groupdict().get("k") or match.groupdict().get("n") or "5"
            span = Span(source.name, begin, match.end())
            return Diagnostic("E113", "this metric is called otherwise", span, help=help.replace(" 5", f" {number}"))
    return None
