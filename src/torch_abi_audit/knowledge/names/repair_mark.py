"""The hash that wheel repair puts into the name of a library that it copies into a wheel.

A loader would confuse two copies of a library with one name, so each tool adds digits of a SHA-256
of the file or its path. By the tools' sources and the wheels that they made:

- auditwheel (``repair.copylib``): ``libjpeg-944920e9.so.8.3.2``, a dash and 8 digits before the
  first dot. The scripts that build torch's own wheels do the same.
- delvewheel (``_wheel_repair``): ``msvcp140-a4c2229bdc2a2a630acdc095b4d86008.dll``, a dash and 32
  digits before ``.dll``; 8 digits before its version 0.0.23.
- torchvision (``packaging/wheel/relocate.py``): ``libcudart.faf08d9a.so.13``, a dot and 8 digits
  after the first part of the name, on Linux. On Windows it does not rename the copies.
- delocate copies libraries to ``.dylibs/`` without renaming them.

The hex digits are lower case. Eight of them may all be decimal (``libcudart.41118559.so.12``),
unless they read as a date: the number in ``libabsl-20210324.so`` is a release.
"""

from __future__ import annotations

_HEX = frozenset("0123456789abcdef")
_SHORT = 8
_LONGEST = 64
"""A whole SHA-256."""


def without_mark(name: str) -> tuple[str, str]:
    """A file's name before the repair, and the hash; an empty hash if the name has none.

    ``("libjpeg.so.8.3.2", "944920e9")`` for ``libjpeg-944920e9.so.8.3.2``.
    """
    stem, dot, rest = name.partition(".")
    head, dash, mark = stem.rpartition("-")
    if dash and head and _is_hash(mark):
        return f"{head}{dot}{rest}", mark
    mark, _, after = rest.partition(".")
    if len(mark) == _SHORT and stem and _is_hash(mark) and f".{after}.".find(".so.") >= 0:
        return f"{stem}.{after}", mark
    if name[-4:].lower() == ".dll":  # a DLL's name may have dots before the hash
        head, dash, mark = name[:-4].rpartition("-")
        if dash and head and _is_hash(mark):
            return head + name[-4:], mark
    return name, ""


def without_marks(name: str) -> tuple[str, tuple[str, ...]]:
    """A file's name before all repairs, and the hashes: a library may have been repaired twice."""
    marks: tuple[str, ...] = ()
    while True:
        name, mark = without_mark(name)
        if not mark:
            return name, marks
        marks = (mark, *marks)


def _is_hash(text: str) -> bool:
    if not _SHORT <= len(text) <= _LONGEST or not _HEX.issuperset(text):
        return False
    return not text.isdecimal() or (len(text) == _SHORT and not _is_date(text))


def _is_date(digits: str) -> bool:
    """Whether eight digits are a date such as ``20210324``."""
    return (
        digits.startswith(("19", "20"))
        and "01" <= digits[4:6] <= "12"
        and "01" <= digits[6:] <= "31"
    )
