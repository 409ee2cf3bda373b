"""Transformers kept quiet while a model or its parts are read."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr
from io import StringIO
from typing import Any


@contextmanager
def quiet(*, bars: bool) -> Iterator[None]:
    """No progress bars, log lines or warnings while a model is read. `bars` are drawn by tqdm whatever one asks it."""
    import transformers

    log: Any = transformers.utils.logging
    verbosity, shown = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity(log.CRITICAL)
    log.disable_progress_bar()
    try:
        with warnings.catch_warnings(), redirect_stderr(StringIO()) if bars else nullcontext():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.set_verbosity(verbosity)
        if shown:
            log.enable_progress_bar()
