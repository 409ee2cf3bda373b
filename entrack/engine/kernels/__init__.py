"""Kernels: one function for each kind of step, `kernel(context, step, inputs) -> tensors by name`, called like the
step's tag, in a file of that name."""
