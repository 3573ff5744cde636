"""Libraries that are neither torch's nor CUDA's: what is known of each by its name.

The first row that matches decides.
"""

from __future__ import annotations

import re

from torch_abi_audit.explain.kinds.known import Known, known_name
from torch_abi_audit.explain.kinds.old_libraries import OLD_LIBRARIES
from torch_abi_audit.explain.kinds.project_libraries import PROJECT_LIBRARIES
from torch_abi_audit.explain.kinds.system_libraries import SYSTEM_LIBRARIES
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.runtime.once import once

KNOWN_LIBRARIES: tuple[Known, ...] = (*OLD_LIBRARIES, *PROJECT_LIBRARIES, *SYSTEM_LIBRARIES)


def old_library(name: str) -> Known | None:
    """The row for a library that only old releases of torch or ROCm have; None for others."""
    return known_name(file_name(name), _patterns()[: len(OLD_LIBRARIES)])


def known_library(name: str) -> Known | None:
    """The row for a library, with its sentences filled in; None where nothing is known of it.

    Args:
        name: Its path or file name.
    """
    return known_name(file_name(name), _patterns())


@once
def _patterns() -> tuple[tuple[re.Pattern[str], Known], ...]:
    return tuple((re.compile(row.names), row) for row in KNOWN_LIBRARIES)
