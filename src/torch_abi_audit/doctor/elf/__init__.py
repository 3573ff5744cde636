"""The dynamic loader of glibc, simulated: what it would open, and how it would refuse."""

from __future__ import annotations

from torch_abi_audit.doctor.elf.simulation import process

__all__ = ["process"]
