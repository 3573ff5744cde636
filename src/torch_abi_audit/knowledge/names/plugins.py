"""What the path of a library says of its use: a plug-in, or one of several that are alike.

A host opens a plug-in by its name, if at all: Qt its platforms and database drivers, OpenMM its
devices, UCX its transports. Names are a hint only; what is linked to what, callers know.
"""

from __future__ import annotations

from torch_abi_audit.knowledge.names.library_file import split_version
from torch_abi_audit.knowledge.names.repair_mark import without_mark
from torch_abi_audit.model.paths import file_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_DIRECTORIES = frozenset({"backends", "drivers", "extensions", "plugin", "plugins", "providers"})
_DIRECTORIES_OF_QT = frozenset({"qml"})
_PARTS = ("plugin", "provider")
_SHARED = 2
"""Words, numbers aside, that the names of a series have in common at least: ``libQt6Gui.so`` and
``libQt6Sql.so`` are none."""


def is_plugin(path: str) -> bool:
    """Whether a directory or the file's name says that a library is a plug-in."""
    *directories, name = path.lower().split("/")
    return not (_DIRECTORIES | _DIRECTORIES_OF_QT).isdisjoint(directories) or any(
        part in name for part in _PARTS
    )


def words(path: str) -> tuple[str, ...]:
    """The words and numbers of a library's name, in lower case, its version left out.

    ``("open", "mm", "cuda")`` for ``libOpenMMCUDA.so``, ``("torio", "ffmpeg", "4")`` for
    ``_torio_ffmpeg4.so``.
    """
    stem = split_version(without_mark(file_name(path))[0])[0]
    stem = stem.removeprefix("lib").partition(".")[0]
    found: list[str] = [""]
    for at, one in enumerate(stem):
        before, after = stem[at - 1 : at], stem[at + 1 : at + 2]
        if not one.isalnum():
            found.append("")
            continue
        if (
            one.isdigit() != before.isdigit()
            or (one.isupper() and before.islower())
            or (one.isupper() and before.isupper() and after.islower())
        ):
            found.append("")
        found[-1] += one.lower()
    return tuple(filter(None, found))


def extends(path: str, hosts: Iterable[str]) -> bool:
    """Whether a library is named after another one and a further word.

    ``libcasadi_nlpsol_snopt.so`` beside ``libcasadi.so`` is.
    """
    own = words(path)
    for host in hosts:
        named = words(host)
        if named and len(named) < len(own) and own[: len(named)] == named:
            return True
    return False


def is_like(path: str, other: str) -> bool:
    """Whether two libraries of one directory have names that differ in one word, or one number.

    ``mkl_blacs_intelmpi_lp64.2.dll`` and ``mkl_blacs_msmpi_lp64.2.dll`` do.
    """
    if path.rpartition("/")[0] != other.rpartition("/")[0]:
        return False
    one, two = words(path), words(other)
    if len(one) != len(two):
        return False
    shared = [first for first, second in zip(one, two, strict=True) if first == second]
    return len(shared) == len(one) - 1 and sum(map(str.isalpha, shared)) >= _SHARED


def is_numbered_like(path: str, other: str) -> bool:
    """Whether two libraries of one directory have names that differ in one number."""
    return is_like(path, other) and all(
        first == second or (first.isdigit() and second.isdigit())
        for first, second in zip(words(path), words(other), strict=True)
    )
