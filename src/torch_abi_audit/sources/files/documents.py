"""Text files that a run is told to read: baselines and saved reports."""

from __future__ import annotations

from pathlib import Path

from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.sources.files.tree import reason


def read_text(path: str) -> str:
    """A UTF-8 file.

    Raises:
        TargetError: it cannot be read, or is something else.
    """
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise TargetError(f"cannot read {path}: {reason(error)}") from error
    except (UnicodeDecodeError, ValueError) as error:
        raise TargetError(f"{path} is no UTF-8 text") from error
