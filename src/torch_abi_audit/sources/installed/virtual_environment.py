"""The ``pyvenv.cfg`` of a virtual environment."""

from __future__ import annotations

import os

from torch_abi_audit.sources.files.readable import read_text

CONFIGURATION = "pyvenv.cfg"
_LIMIT = 1 << 16


def configuration(prefix: str) -> dict[str, str]:
    """The keys, in lower case, and values of ``pyvenv.cfg``; empty if there is none.

    ``home`` is the directory of the interpreter that the environment was made with.
    """
    try:
        text = read_text(os.path.join(prefix, CONFIGURATION), _LIMIT)
    except OSError:
        return {}
    lines = (line.partition("=") for line in text.splitlines())
    return {key.strip().lower(): value.strip() for key, equals, value in lines if equals}
