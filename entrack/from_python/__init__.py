"""Values made in Python, with nnsight, TransformerLens, EAP-IG, torch or numpy, written as files that a spec names."""
