"""File names of libraries: their suffixes, stems and versions."""

from __future__ import annotations

LIBRARY_SUFFIXES = (".so", ".pyd", ".dll", ".dylib")


def named_as_library(filename: str) -> bool:
    """Whether a file has the name of a library: ``x.so``, ``x.so.1.2`` or ``x.pyd``."""
    name = filename.rpartition("/")[2].lower()
    if name.endswith(LIBRARY_SUFFIXES):
        return True
    stem, so, version = name.rpartition(".so.")
    return bool(so and stem) and version.replace(".", "").isdecimal()


def split_version(name: str) -> tuple[str, str]:
    """The stem and the version of a library's file name; ``(name, "")`` for other files.

    ``("libx.abi3", "6.12")`` for ``libx.abi3.so.6.12`` and for ``libx.abi3.6.12.dylib``, which has
    the version before the suffix. After ``.so``, the version need not be a number:
    ``("ops", "pt112cu116")``.
    """
    lower = name.lower()
    if lower.endswith((".dll", ".pyd")):
        return name[:-4], ""
    if lower.endswith(".dylib"):
        whole = stem = name[:-6]
        while True:
            shorter, dot, number = stem.rpartition(".")
            if not (dot and number.isdecimal()):
                return stem, whole[len(stem) + 1 :]
            stem = shorter
    at = lower.find(".so")
    while at >= 0:
        version = name[at + 3 :]
        if not version or (version[0] == "." and is_word(version[1:].replace(".", "_"))):
            return name[:at], version[1:]
        at = lower.find(".so", at + 1)
    return name, ""


def is_word(text: str) -> bool:
    """Whether a text has only letters, digits and underscores, and at least one of them."""
    return text.replace("_", "a").isalnum()
