"""Circuits of other tools, and circuits for them: a file in, a `Circuit` out, and back. A file per form.

Files come from strangers. They are bounded, and what cannot be read, or cannot be said in a form, is refused by name
(`CircuitRefused`); nothing is left out in silence.
"""
