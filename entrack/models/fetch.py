"""Fetching models from the hub: the one place that may use the network. Why it failed is said, with what to do."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

from entrack import interrupts
from entrack.error_text import reason
from entrack.models.datasets import Dataset
from entrack.models.key import ModelSource
from entrack.models.locate import Named, locate
from entrack.models.weight_files import ModelMissing

WANTED = ("*.safetensors", "*.json", "tokenizer.model")
HUB_SAYS = {
    401: "the hub wants to know who asks: log in with `hf auth login`, or set HF_TOKEN",
    403: "the hub does not give it to you: accept its terms on its page, or log in with `hf auth login`",
    404: "a file of it is not on the hub",
    429: "the hub limits how often it may be asked; wait some minutes, or log in with `hf auth login`",
}


def fetch(named: Named, root: Path) -> ModelSource:
    """`locate`, after downloading what a hub model lacks here. Raises ModelMissing with the hub's reason."""
    if named.kind == "hub":
        _download(named.name, named.revision)
    if named.adapter is not None and named.adapter[0] == "hub":
        _download(named.adapter[1], named.adapter_revision)
    return locate(named, root)


def fetch_dataset(given: Dataset, most: int) -> None:
    """Download a file of a dataset that has at most so many bytes. Raises ModelMissing with the hub's reason."""
    try:
        _interruptible(lambda: _download_file(given, most))
    except ModelMissing:
        raise
    except Exception as error:  # the hub client's own, httpx's, OSError
        raise ModelMissing(f"{given}{_hub_trouble(error, 'dataset', 'put its file beside the spec')}") from None


def _download_file(given: Dataset, most: int) -> None:
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.utils.tqdm import disable_progress_bars

    constants.HF_HUB_DISABLE_TELEMETRY = True
    if not sys.stderr.isatty():
        disable_progress_bars()
    size = get_hf_file_metadata(hf_hub_url(given.name, given.file, repo_type="dataset", revision=given.revision)).size
    if size is None or size > most:
        raise ModelMissing(f"{given}: the file has more than {most:,} bytes; keep the rows that are needed in a file")
    hf_hub_download(given.name, given.file, repo_type="dataset", revision=given.revision)


def _download(name: str, revision: str | None) -> None:
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.utils.tqdm import disable_progress_bars

    constants.HF_HUB_DISABLE_TELEMETRY = True  # nothing is asked of the hub but the model
    if not sys.stderr.isatty():
        disable_progress_bars()
    try:
        _interruptible(lambda: snapshot_download(name, revision=revision, allow_patterns=list(WANTED)))
    except Exception as error:  # the hub client's own, httpx's, OSError
        raise ModelMissing(f'hub("{name}"){_hub_trouble(error)}') from None


def _interruptible(work: Callable[[], object]) -> None:
    """Do something in a thread of its own: the hub's client ends its file before it hears of Ctrl-C, which may be
    gigabytes later."""
    failed: list[Exception] = []

    def run() -> None:
        try:
            work()
        except Exception as error:
            failed.append(error)

    thread = Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.1)
        interrupts.check()
    if failed:
        raise failed[0]


def _hub_trouble(
    error: Exception, what: str = "model", instead: str = 'name a model that is on this machine with local("folder")'
) -> str:
    """What went wrong, and what to do. The hub's client hides its reasons behind one another."""
    chain = list(_causes(error))
    kinds = {type(one).__name__ for one in chain}
    status = next(
        (code for one in chain if (code := getattr(getattr(one, "response", None), "status_code", None))), None
    )
    if any(isinstance(one, OSError) and one.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) for one in chain):
        return ": the disk is full: make room where models are kept (HF_HOME), then run again; what has come is kept"
    if "GatedRepoError" in kinds:
        return " is gated: accept its terms on its page, then log in with `hf auth login`"
    if kinds & {"RepositoryNotFoundError", "RevisionNotFoundError"}:
        return f": the hub knows no such {what} or revision (or it is private: log in with `hf auth login`)"
    if status in HUB_SAYS:
        return f": {HUB_SAYS[status]}"
    if status is not None:
        return f": the hub answers with status {status}; try again later"
    why = f"no connection to the hub, or it broke ({reason(error)})"
    return f": {why}; run again to go on, or {instead}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
