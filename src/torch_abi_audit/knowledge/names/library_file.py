"""How files of libraries are named: by which endings they are known, and what stands before."""

from __future__ import annotations

LIBRARY_SUFFIXES = (".so", ".pyd", ".dll", ".dylib")


def named_as_library(filename: str) -> bool:
    """Whether a name says that the file is a library: ``x.so``, ``x.so.1.2``, or ``x.pyd``."""
    name = filename.rpartition("/")[2].lower()
    if name.endswith(LIBRARY_SUFFIXES):
        return True
    stem, so, version = name.rpartition(".so.")
    return bool(so and stem) and version.replace(".", "").isdecimal()


def split_version(name: str) -> tuple[str, str]:
    """What stands before a library's ending, and its version; all and nothing of other names.

    ``("libx.abi3", "6.12")`` of ``libx.abi3.so.6.12``, and of ``libx.abi3.6.12.dylib``, whose
    version comes first. What follows ``.so`` need not be a number: ``("ops", "pt112cu116")``.
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
    """Whether it is letters, digits and underscores, one at least."""
    return text.replace("_", "a").isalnum()
