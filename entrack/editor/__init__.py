"""What an editor asks of a spec: functions from an analysed text (`document.py`) and a place in it to values.

No protocol of any editor is known here, and nothing is read but what `check` reads.
"""
