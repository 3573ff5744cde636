"""Finds the names that a library imports from libraries of torch that nothing it links brings in.

It agrees with the load matrix: on every release that exports such a name, the answer is ``no``.
Pure, except that the export index is opened for a library whose links leave the answer open.
"""

from __future__ import annotations

from torch_abi_audit.judges import link_scope
from torch_abi_audit.model.binary import Format
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from torch_abi_audit.judges.library_loads import Exported
    from torch_abi_audit.judges.link_scope import Scope
    from torch_abi_audit.model.reports import ExtensionReport

_EVERYTHING = "libtorch_python.so"
"""The library of torch that all others are linked from, but for those that only torch opens."""
_ALL_BUT_PYTHON = "libtorch.so"
_OF_PYTHON = (b"py", b"thp", b"_object")
"""Parts, in lower case, of the names that extensions import from ``libtorch_python.so``."""


@dataclass(frozen=True, slots=True)
class Unlinked:
    """The names of one library that it cannot find for lack of a link."""

    library: ExtensionReport
    symbols: tuple[str, ...]
    """Demangled names, in the order of the mangled ones."""
    exporters: tuple[str, ...]
    """File names of the libraries of torch that export them in the newest release that does."""


def unlinked(libraries: Sequence[ExtensionReport]) -> Iterator[Unlinked]:
    """Yield the ELF libraries of a package that need a link to torch, with the names.

    Raises:
        IndexFileError: the export index is missing or damaged.
    """
    scopes = link_scope.scopes(libraries)
    for library in libraries:
        scope = scopes.get((library.path_text, library.arch or ""))
        if scope is None or library.torch is None:
            continue
        names = tuple(_open(library.torch.required, scope, stable=library.torch.stable))
        if names and scope.complete:
            exporters = _exporters(names, library.arch, scope)
            if exporters:
                from torch_abi_audit.mangling import demangle  # slow to import, and rarely needed

                ordered = sorted(exporters)
                files = sorted({exporters[one] for one in ordered})
                yield Unlinked(library, tuple(demangle(ordered)), tuple(files))


def _open(names: Iterable[bytes], scope: Scope, *, stable: bool) -> Iterator[bytes]:
    """Yield the names that links may not cover, so that only few are looked up."""
    if _EVERYTHING in scope.torch:
        return
    for name in names:
        if _ALL_BUT_PYTHON not in scope.torch or (
            not stable and any(part in name.lower() for part in _OF_PYTHON)
        ):
            yield name


def _exporters(names: Iterable[bytes], arch: str | None, scope: Scope) -> dict[bytes, str]:
    """Return the names that no release provides, each to the library that exports it."""
    exported = _indexed()
    platform = exported.builds.platform_of(Format.ELF, arch)
    if platform is None:
        return {}
    known = exported.of(platform, frozenset(names))
    reach = exported.reach(platform, scope.torch)
    newest = len(exported.builds.releases(platform))
    found = {}
    for name in names:
        by_library = known[name].by_library if name in known else ()
        if by_library and not any(bits & reach.get(library, 0) for library, bits in by_library):
            place = max(place for place in range(newest) if known[name].libraries(place))
            found[name] = known[name].libraries(place)[0]
    return found


def _indexed() -> Exported:
    from torch_abi_audit.judges.loads import indexed  # slow to import, and rarely needed

    return indexed()
