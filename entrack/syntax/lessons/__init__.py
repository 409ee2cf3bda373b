"""Lessons: small wrong programs of the kinds that people write, and what to say about each.

A program that fails as one of the examples does gets the words of its lesson (`syntax_errors.py`). A failure like none
of them gets the words of the first lesson whose examples begin with the same word.
"""

from entrack.syntax.lessons import circuits, headers, interventions, measures, tasks

TAUGHT = (*headers.LESSONS, *tasks.LESSONS, *circuits.LESSONS, *measures.LESSONS, *interventions.LESSONS)
