"""The engine: computes one bound step on a model.

`Engine` is in `entrack.engine.engine`, the errors in `entrack.engine.errors`; importing this package imports no torch.
"""
