"""The libraries of a package that an import did not open, and which of them could be opened."""

from __future__ import annotations

from torch_abi_audit.knowledge.names.alternatives import choices
from torch_abi_audit.knowledge.names.torch import is_libtorch
from torch_abi_audit.model.paths import file_name, relative_path
from torch_abi_audit.sources.files import lookup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from torch_abi_audit.model.reports import ExtensionReport, PackageReport


def uses_torch(library: ExtensionReport) -> bool:
    """Whether a library is linked to torch, or imports names of it without being linked to it."""
    linked = any(map(is_libtorch, library.needed))
    return linked or (library.torch is not None and library.torch.uses_torch)


def libraries_to_try(
    report: PackageReport, suffixes: Sequence[str], seen: Collection[str], torch: str
) -> Iterator[list[str]]:
    """Groups of libraries of which one each is used; alone, or with those that stand in its place.

    Args:
        report: The package.
        suffixes: Those of the interpreter's extension modules; others' modules are left out.
        seen: Real paths that were opened, or tried.
        torch: The installed torch; variants for other releases are left out.
    """
    needed = {file_name(name) for one in report.libraries for name in one.needed}
    at = {relative_path(one, report): one for one in report.libraries}
    left = {
        path: one
        for path, one in at.items()
        if uses_torch(one) and one.name not in needed and _is_for(one, suffixes)
    }
    for choice in choices(report):
        files = [path for one in choice.alternatives for path in one.files]
        group = [path for path in files if path in left]
        chosen = any(lookup.real_path(at[path].path_text) in seen for path in files if path in at)
        for path in group:
            del left[path]
        if not chosen:
            serving = {
                path
                for one in choice.alternatives
                for path in one.files
                if one.release is None or one.release.serves(torch)
            }
            kept = [at[path].path_text for path in group if path in serving]
            if kept:
                yield kept
    for one in left.values():
        if lookup.real_path(one.path_text) not in seen:
            yield [one.path_text]


def _is_for(library: ExtensionReport, suffixes: Sequence[str]) -> bool:
    """Whether an interpreter with these suffixes could import a library, if it is a module."""
    if ".cpython-" not in library.name and ".cp3" not in library.name:
        return True
    return library.name.endswith(tuple(suffixes))
