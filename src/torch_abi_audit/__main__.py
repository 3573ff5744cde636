"""``python -m torch_abi_audit``."""

from __future__ import annotations

import sys

from torch_abi_audit.cli import main

if __name__ == "__main__":
    sys.exit(main())
