"""What `--strict` says of claims that do not hold."""

from __future__ import annotations

from entrack.results import Claim


def what_failed(claims: tuple[Claim, ...]) -> str:
    """How many claims fail, and how many fresh prompts did not decide."""
    undecided = sum(claim.undecided for claim in claims)
    failed = sum(not claim.passed for claim in claims) - undecided
    said = [
        f"{many} claim{'s' * (many != 1)} {'is' if many == 1 else 'are'} {how}"
        for many, how in ((failed, "false"), (undecided, "undecided"))
        if many
    ]
    help = "; `up to` more prompts may decide" if undecided else ""
    return f"{' and '.join(said)}{help}"
