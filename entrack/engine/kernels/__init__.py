"""Kernels: one function per kind of step, `kernel(session, step, inputs) -> tensors by name`."""
