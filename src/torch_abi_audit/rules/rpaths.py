"""L405 and L424: directories outside of the package in which its libraries look for others."""

from __future__ import annotations

from torch_abi_audit.knowledge.names.library import Kind, kind_of
from torch_abi_audit.knowledge.names.system import MACOS_PATHS, is_glibc, is_searched, is_toolkit
from torch_abi_audit.knowledge.names.torch import runtimes
from torch_abi_audit.knowledge.policies import is_linux_library
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.report.wording import plural, several, some
from torch_abi_audit.rules.definition import About, Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.model.reports import Linkage
    from torch_abi_audit.rules import Detectors
    from torch_abi_audit.rules.context import Context

L405 = Rule(
    "L405",
    "absolute-rpath",
    "A library's rpath names absolute directories of the machine that built it, or the current "
    "directory",
    "Anyone who can write to such a directory on a user's machine can have their code loaded, and "
    "an unrelated library there is taken for the right one.",
    "Link with `$ORIGIN` or `@loader_path` only, or strip the entries (patchelf, "
    "install_name_tool).",
    Severity.WARNING,
    unites=True,
    example="_C.so: looks for libraries in /home/me/build/lib",
)

L424 = Rule(
    "L424",
    "toolkit-rpath",
    "Libraries look for others where users install toolkits such as CUDA",
    "Whatever release is installed there is loaded, if an entry of the rpath before it does not "
    "lead to the library; it may be another release than the package was tested with.",
    "If that is meant, let the entries that begin with `$ORIGIN` or `@loader_path` come first; if "
    "not, strip the others (patchelf, install_name_tool).",
    Severity.NOTE,
    example="_C.so looks for others in /usr/local/cuda/lib64, and takes whatever release is "
    "installed there",
    about=About.PACKAGE,
)


def outside(context: Context) -> Iterator[Finding]:
    """Entries of rpaths that lead out of the package, except those of the system.

    These are the directories that its loader searches anyway, and those that macOS reserves. On
    macOS only names that begin with ``@rpath`` are looked for, so an image without these is
    left out, unless one that it loads has them. An entry for a toolkit is meant where a library
    that has it needs one that only users, or another package, can have installed.
    """
    meant = {
        entry
        for _, library in context.libraries
        for image in library.linkage
        if image.rpaths and _is_sought(image, context)
        for entry in image.rpaths
    }
    toolkits: dict[str, set[str]] = {}
    for path, library in context.libraries:
        entries = {
            _shown(entry)
            for image in library.linkage
            if image.rpaths and _is_used(image, context)
            for entry in image.rpaths
            if _leads_out(entry, image)
        }
        for entry in filter(is_toolkit, entries - meant):
            toolkits.setdefault(entry, set()).add(path)
        found = sorted(entry for entry in entries if not is_toolkit(entry))
        if found:
            yield L405.finding(
                f"looks for libraries in {some(found, 'directory')}", library=path, evidence=found
            )
    if toolkits:
        paths = sorted(set[str]().union(*toolkits.values()))
        one = len(paths) == 1
        who = f"{paths[0]} looks" if one else f"{plural(len(paths), 'library')} look"
        yield L424.finding(
            f"{who} for others in {several(sorted(toolkits), 'directory')}, and "
            f"{'takes' if one else 'take'} whatever release is installed there",
            evidence=sorted(toolkits),
        )


def _shown(entry: str) -> str:
    return entry or "the current directory"


def _leads_out(entry: str, image: Linkage) -> bool:
    """Whether an entry is absolute or relative to the current directory, and not the system's.

    glibc and musl take an empty entry for the current directory.
    """
    if not entry.startswith("/"):
        return image.format is Format.ELF and not entry.startswith(("$", "@"))
    if image.format is Format.MACHO and f"{entry}/".startswith(MACOS_PATHS):
        return False
    return not is_searched(entry)


def _is_used(image: Linkage, context: Context) -> bool:
    """Whether the loader looks at an image's rpath at all."""
    if image.format is not Format.MACHO:
        return True
    seen: set[int] = set()
    ahead = [image]
    while ahead:
        one = ahead.pop()
        names = (*one.needed, *one.delay_needed)
        if any(name.startswith("@rpath/") for name in names):
            return True
        seen.add(id(one))
        ahead += [
            other
            for name in names
            if name.startswith("@")
            for _, other in context.shipped.named(one, name)
            if id(other) not in seen
        ]
    return False


def _is_sought(image: Linkage, context: Context) -> bool:
    """Whether an image needs a library that only its users, or another package, can install."""
    shipped = context.shipped
    kinds = {Kind.OTHER} if shipped.with_torch else {Kind.OTHER, Kind.CUDA, Kind.ROCM, Kind.ONEAPI}
    return any(
        kind_of(name) in kinds
        and file_name(name) not in shipped.files
        and not is_linux_library(name)
        and not is_glibc(name)
        and not (shipped.with_torch and name in runtimes(image.arch))
        and (image.format is not Format.MACHO or name.startswith("@rpath/"))
        for name in image.needed
    )


DETECTORS: Detectors = {outside: (L405, L424)}
