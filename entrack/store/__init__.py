"""Results by address, on disk or in memory. Importing this imports neither numpy, diskcache nor safetensors."""

from __future__ import annotations

from entrack.store.base import JSON, Action, Damage, OnDamage, OnWait, Stats, Store, Tensors
from entrack.store.disk import DiskStore
from entrack.store.doctor import Check, doctor
from entrack.store.errors import (
    StoreBusy,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreTooNew,
    StoreTooOld,
    StoreUnreadable,
)
from entrack.store.gc import GcReport, collect
from entrack.store.memory import MemoryStore
from entrack.store.verify import Report, verify

__all__ = [
    "JSON",
    "Action",
    "Check",
    "Damage",
    "DiskStore",
    "GcReport",
    "MemoryStore",
    "OnDamage",
    "OnWait",
    "Report",
    "Stats",
    "Store",
    "StoreBusy",
    "StoreError",
    "StoreFull",
    "StoreReadOnly",
    "StoreTooNew",
    "StoreTooOld",
    "StoreUnreadable",
    "Tensors",
    "collect",
    "doctor",
    "verify",
]
