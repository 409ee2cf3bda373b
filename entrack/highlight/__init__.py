"""Colours for specs: text of a spec in, pieces with their kinds out (`pieces.py`), and these as HTML, LaTeX or a
terminal's colours (`shown.py`) or as Pygments' tokens.

A piece is told by its own text and what stands beside it; nothing is parsed, so a broken spec has colours too.
"""
