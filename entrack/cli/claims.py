"""What `--strict` says of claims that do not hold."""

from __future__ import annotations

from entrack.results import Claim


def what_failed(claims: tuple[Claim, ...]) -> str:
    """How many claims fail, and how many fresh prompts did not decide."""
    undecided = [claim.certificate for claim in claims if claim.certificate and claim.undecided]
    failed = sum(not claim.passed for claim in claims) - len(undecided)
    said = [
        f"{many} claim{'s' * (many != 1)} {'is' if many == 1 else 'are'} {how}"
        for many, how in ((failed, "false"), (len(undecided), "undecided"))
        if many
    ]
    help = "`up to` more prompts may decide" if not all(one.rows for one in undecided) else "more rows may decide"
    return "; ".join([" and ".join(said), *([help] if undecided else [])])
