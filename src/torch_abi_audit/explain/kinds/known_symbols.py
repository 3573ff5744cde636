"""Symbols whose absence has a known cause: they are neither torch's nor in a table of exports.

The first row that matches decides.
"""

from __future__ import annotations

import re

from torch_abi_audit.explain.kinds.known import Known, known_name
from torch_abi_audit.explain.kinds.project_symbols import PROJECT_SYMBOLS
from torch_abi_audit.explain.kinds.runtime_symbols import RUNTIME_SYMBOLS
from torch_abi_audit.runtime.once import once

KNOWN_SYMBOLS: tuple[Known, ...] = (*RUNTIME_SYMBOLS, *PROJECT_SYMBOLS)


def known_symbol(name: str) -> Known | None:
    """The row for a symbol, with its sentences filled in; None where nothing is known of it.

    Args:
        name: The raw name; on macOS with or without the additional underscore.
    """
    plain = name.partition("@")[0].removeprefix("__imp_")
    return known_name(plain, _patterns())


@once
def _patterns() -> tuple[tuple[re.Pattern[str], Known], ...]:
    return tuple((re.compile(row.names), row) for row in KNOWN_SYMBOLS)
