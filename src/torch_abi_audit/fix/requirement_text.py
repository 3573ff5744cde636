"""A requirement as somebody wrote it, with other specifiers; everything else stays as it is."""

from __future__ import annotations

import re

_PARTS = re.compile(
    r"(?P<head>\s*[A-Za-z0-9][A-Za-z0-9._-]*\s*(?:\[[^\]]*\])?)"
    r"(?P<gap>\s*)(?P<open>\(?)(?P<specifiers>[^;)@]*?)(?P<close>\s*\)?)(?P<rest>\s*(?:;.*)?)",
    re.DOTALL,
)


def with_specifiers(written: str, specifiers: str) -> str:
    """``torch >= 2.11, <3 ; python_version < "3.13"`` for ``torch >= 2.9 …``.

    The spaces, extras, parentheses and marker of ``written`` are kept. It must be a valid
    requirement without a URL.

    Args:
        written: The requirement.
        specifiers: The new specifiers, as ``facts.specifiers`` writes them.
    """
    parts = _PARTS.fullmatch(written)
    if parts is None:
        return written
    old = parts["specifiers"]
    clauses = specifiers.split(",") if specifiers else []
    if re.search(r"[<>=!~]\s", old):
        clauses = [re.sub(r"^([<>=!~]+)", r"\1 ", one) for one in clauses]
    between = ", " if "," not in old or re.search(r",\s", old) else ","
    if "," not in old and not re.search(r"[<>=!~]\s", old):
        between = ","
    text = between.join(clauses)
    return f"{parts['head']}{parts['gap']}{parts['open']}{text}{parts['close']}{parts['rest']}"
