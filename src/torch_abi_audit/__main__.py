"""``python -m torch_abi_audit``."""

from __future__ import annotations

from torch_abi_audit.cli import program

if __name__ == "__main__":
    program()
