"""What is set on a GPU, as far as it can be seen without one: switches of torch, what counts as memory that ran out,
and how much is free."""

from __future__ import annotations

import os

import pytest
import torch

from entrack.engine import memory
from entrack.engine.settings import REDUCED, deterministic, is_no_kernel, is_out_of_memory


def test_products_are_added_up_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those of half precision, which a GPU may add up in half precision; and what was set before is set again."""
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    products = torch.backends.cuda.matmul

    def state() -> list[object]:
        return [torch.get_float32_matmul_precision(), *(getattr(products, name) for name in REDUCED)]

    torch.set_float32_matmul_precision("high")
    products.allow_fp16_reduced_precision_reduction = False
    before = state()
    try:
        with pytest.raises(ZeroDivisionError), deterministic(None):
            assert state() == ["highest", False, False]
            assert not products.allow_tf32 and torch.are_deterministic_algorithms_enabled()
            assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
            raise ZeroDivisionError
        assert state() == before == ["high", True, False]
    finally:
        torch.set_float32_matmul_precision("highest")
        products.allow_fp16_reduced_precision_reduction = True


@pytest.mark.parametrize(
    ("error", "memory"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9.06 GB)"), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory"), True),
        (MemoryError(), True),
        (RuntimeError("CUDA error: device-side assert triggered"), False),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
    ],
)
def test_memory_that_ran_out(error: Exception, memory: bool) -> None:
    assert is_out_of_memory(error) is memory


def test_kernels_that_torch_lacks() -> None:
    assert is_no_kernel(NotImplementedError("\"addmm_impl_cpu_\" not implemented for 'Half'"))
    assert is_no_kernel(RuntimeError("\"cdist\" not implemented for 'BFloat16'"))
    assert not is_no_kernel(RuntimeError("\"index_cpu\" not implemented for 'ComplexFloat'"))


def test_what_torch_keeps_for_later_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else no second model would ever be loaded where a first one was let go of."""
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (10, 140))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 100)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 30)
    assert memory.free_bytes(torch.device("cuda", 0)) == 80
