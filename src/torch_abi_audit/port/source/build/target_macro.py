"""``TORCH_TARGET_VERSION``: how a release is spelled, and what is wrong with a value.

The first byte of the 64-bit number is the major version and the second the minor one, as
``torch/headeronly/version.h`` has it.
"""

from __future__ import annotations

import re

from torch_abi_audit.knowledge import replacements
from torch_abi_audit.model.releases import minor_of, release_key
from torch_abi_audit.port.compile_options import TARGET_MACRO, target_value

MACRO = TARGET_MACRO
MISSING = f"{MACRO} is not defined"
"""How findings begin that say so."""
_SHIFTED = re.compile(r"(\d+)(?:[uUlL]*)?\s*\)*\s*<<\s*(56|48)")
_NUMBER = re.compile(r"(?:0[xX][0-9a-fA-F']+|[0-9']+)[uUlL]*")


def definition(target: str) -> str:
    """The macro and its value for a torch release such as ``2.10.0``, as a compile definition."""
    return f"{MACRO}={target_value(target)}"


def decoded(text: str) -> tuple[int, int] | None:
    """The major and minor version that a value in C means; None if it is not a plain number."""
    if shifted := {place: int(number) for number, place in _SHIFTED.findall(text)}:
        return shifted.get("56", 0), shifted.get("48", 0)
    plain = text.strip().strip("()\"'\\ ")
    if not _NUMBER.fullmatch(plain):
        return None
    digits = plain.rstrip("uUlL").replace("'", "")
    try:
        number = int(digits, 16 if digits[:2] in {"0x", "0X"} else 10)
    except ValueError:
        return None
    return number >> 56, number >> 48 & 0xFF


def complaint(text: str, target: str) -> tuple[str, str] | None:
    """What is wrong with a value, and the right one; None if it fits ``target`` or is computed.

    The right one is that of the release that was meant, if a value is plainly misspelled.

    Args:
        text: The value in C.
        target: The oldest torch release to support.
    """
    found = decoded(text)
    if found is None:
        return None
    major, minor = found
    wanted = minor_of(target)
    if f"{major}.{minor}" == wanted:
        return None
    newest = replacements.header_releases()[-1]
    said = f"{MACRO}={text.strip()}"
    if major not in range(1, 100):
        return (
            f"{said} names no torch release; torch {wanted} is {target_value(target)}",
            target_value(target),
        )
    if (major, minor) > release_key(newest)[:2]:
        meant = f"{major}.{minor:x}"
        if meant.replace(".", "").isdecimal() and release_key(meant) <= release_key(newest)[:2]:
            why = f"means torch {major}.{minor}: the bytes are hexadecimal, so {meant} is "
            return f"{said} {why}{target_value(meant)}", target_value(meant)
        why = f"means torch {major}.{minor}, which is newer than any that is known"
        return f"{said} {why}; torch {wanted} is {target_value(target)}", target_value(target)
    if (major, minor) < release_key(target)[:2]:
        why = f"is for torch {major}.{minor}: it hides what this plan uses of torch {wanted}"
    else:
        why = f"is for torch {major}.{minor}: the library would not run on torch {wanted}"
    return f"{said} {why} (--torch {major}.{minor} plans for that release)", target_value(target)


def is_mistaken(text: str) -> bool:
    """Whether a value cannot be meant: it names no release that is known."""
    found = decoded(text)
    if found is None:
        return False
    newest = replacements.header_releases()[-1]
    return found > release_key(newest)[:2] or not 0 < found[0] < 100
