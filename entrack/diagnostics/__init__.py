"""Diagnostics: what is wrong with a spec, as values, and how it is shown."""

from entrack.diagnostics.diagnostic import Diagnostic, Label, errors
from entrack.diagnostics.suggest import nearest

__all__ = ["Diagnostic", "Label", "errors", "nearest"]
