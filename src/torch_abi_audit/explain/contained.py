"""Explains a library that is not found although the package with it contains it (``--with``)."""

from __future__ import annotations

from posixpath import dirname, relpath  # os.path, but of Linux on every host

from torch_abi_audit.explain.explanation import Cause, Explanation
from torch_abi_audit.model.binary import Format
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.model.reports import ExtensionReport, PackageReport

_ORIGIN = {Format.ELF: "$ORIGIN", Format.MACHO: "@loader_path"}
_MOST = 5


def contained(answer: Explanation, report: PackageReport) -> Explanation | None:
    """The answer to a missing library that the package contains; None for any other error."""
    if answer.symbol is not None or answer.kind != "error":
        return None
    library = next((one for one in report.libraries if _is(one, answer.subject)), None)
    if library is None:
        return None
    needing = [one for one in report.libraries if answer.subject in one.needed]
    why = [f"{report.name} contains it: {_path(library)}"]
    advice: list[str] = []
    for one in needing[:_MOST]:
        rpaths = [path for linked in one.linkage for path in linked.rpaths]
        said = f"its RPATH is {':'.join(rpaths)}" if rpaths else "it has no RPATH"
        why.append(f"{_path(one)} needs it, and {said}")
        advice += _set_rpath(one, library)
    advice.append("or load the library before, by its path, with ctypes.CDLL")
    return replace(
        answer,
        causes=(Cause.SEARCH_PATH,),
        why=tuple(why),
        advice=tuple(dict.fromkeys(advice)),
    )


def _is(one: ExtensionReport, name: str) -> bool:
    return name in (one.name, *(linked.soname for linked in one.linkage))


def _set_rpath(one: ExtensionReport, library: ExtensionReport) -> Iterator[str]:
    """The RPATH with which a library finds another one of its package."""
    if one.format not in _ORIGIN:
        yield "add the directory of the library with os.add_dll_directory before the import"
        return
    origin = _ORIGIN[one.format]
    between = relpath(dirname(_path(library)) or ".", dirname(_path(one)) or ".")
    place = origin if between == "." else f"{origin}/{between}"
    yield f"give {one.name} the RPATH {place} when linking it: -Wl,-rpath,'{place}'"


def _path(one: ExtensionReport) -> str:
    return one.path_text.replace("\\", "/")
