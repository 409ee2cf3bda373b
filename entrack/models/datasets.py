"""Datasets of the hub: one file of one revision, as a spec names it. Only looked for on this machine; `fetch.py`
downloads."""

from __future__ import annotations

from pathlib import Path

from entrack.frozen import frozen


@frozen
class Dataset:
    """A file of a dataset. `revision` is a commit, branch or tag."""

    name: str
    file: str
    revision: str

    def __str__(self) -> str:
        return f'dataset("{self.name}", "{self.file}", revision = "{self.revision}")'


def locate_dataset(given: Dataset) -> Path | None:
    """Where the file is on this machine; None where it is not."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(given.name, given.file, revision=given.revision, repo_type="dataset")
    return Path(found) if isinstance(found, str) else None
