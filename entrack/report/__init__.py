"""Reports: results as tables for the terminal, figures, HTML for notebooks, and documents for other programs.

Reports read only `entrack.results`. `tables` needs rich; `figures` imports matplotlib when a figure is drawn, not
before.
"""
