"""Text files that the user names: baselines and saved reports."""

from __future__ import annotations

from pathlib import Path

from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.sources.files.tree import reason


def read_text(path: str) -> str:
    """The text of a UTF-8 file.

    Raises:
        TargetError: the file cannot be read, or is not UTF-8.
    """
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise TargetError(f"cannot read {path}: {reason(error)}") from error
    except (UnicodeDecodeError, ValueError) as error:
        raise TargetError(f"{path} is not UTF-8 text") from error
