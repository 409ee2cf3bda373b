"""How IPython shows specs, plans, results and prompts: which classes have a display, as HTML and as text.

Classes are named, not imported, so that nothing is loaded before something is shown.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

SHOWN = (
    "entrack.results.whole.Results",
    "entrack.results.values.Measure",
    "entrack.results.discoveries.Discovery",
    "entrack.results.discoveries.Group",
    "entrack.results.values.Mask",
    "entrack.results.values.Masks",
    "entrack.results.claims.Claim",
    "entrack.results.claims.Claims",
    "entrack.spec.Spec",
    "entrack.compile.Planned",
    "entrack.plan.plan.Plan",
    "entrack.notebook.views.PlanInStore",
    "entrack.notebook.views.Problems",
    "entrack.prompts.tokenise.TokenisedPrompts",
)
"""The classes that have a display of their own."""


def register(shell: Any) -> None:
    """Tell an IPython shell how they are shown. What tqdm says of a package for widgets is not said: libraries load it,
    and nothing here shows one."""
    warnings.filterwarnings("ignore", message="IProgress not found")
    formatters = shell.display_formatter.formatters
    for path in SHOWN:
        module, _, name = path.rpartition(".")
        formatters["text/html"].for_type_by_name(module, name, _html)
        formatters["text/plain"].for_type_by_name(module, name, _text)


def _html(item: Any) -> str:
    return _made("html_of")(item)


def _text(item: Any, printer: Any, cycle: bool) -> None:  # noqa: FBT001  # IPython calls it
    printer.text(_made("text_of")(item))


def _made(name: str) -> Callable[[Any], str]:
    from entrack.notebook import views

    found: Callable[[Any], str] = getattr(views, name)
    return found
