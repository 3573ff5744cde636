"""L405: the directories in which a library looks for others."""

from __future__ import annotations

from torch_abi_audit.knowledge.names.library import Kind, kind_of
from torch_abi_audit.knowledge.names.system import (
    MACOS_PATHS,
    is_glibc,
    is_installed_place,
    is_searched,
)
from torch_abi_audit.knowledge.names.torch import runtimes
from torch_abi_audit.knowledge.policies import is_linux_library
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.report.wording import some
from torch_abi_audit.rules.definition import Rule
from torch_abi_audit.runtime.records import replace

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
    "A library looks for others in absolute directories",
    "Anyone who can write to such a directory on a user's machine can have their code loaded, and "
    "an unrelated library there is taken for the right one. It is a note where only an "
    "administrator can write, and users may have installed the right library there, such as "
    "`/usr/local/cuda/lib64`.",
    "Link with `$ORIGIN` or `@loader_path` only, or strip the entries (patchelf, "
    "install_name_tool).",
    Severity.WARNING,
    unites=True,
    example="_C.so: looks for libraries in /home/runner/work/mypkg/build/lib",
)
_ON_PURPOSE = (
    "Nothing, if users are meant to install libraries there; else strip the entries, so that it "
    "is never a library of another release."
)


def absolute_rpath(context: Context) -> Iterator[Finding]:
    """Absolute rpath entries, except those of the system.

    These are the directories that its loader searches anyway, and those that macOS reserves. dyld
    uses an LC_RPATH only for names that begin with ``@rpath/``, in the library or in those that it
    loads. A place where users install software is no finding where a
    library of the package that looks there needs some of it.
    """
    meant = {
        entry
        for _, library in context.libraries
        for image in library.linkage
        if image.rpaths and _is_sought(image, context)
        for entry in image.rpaths
        if is_installed_place(entry)
    }
    for path, library in context.libraries:
        absolute = sorted(
            {
                entry
                for image in library.linkage
                for entry in image.rpaths
                if entry.startswith("/")
                and not (f"{entry}/".startswith(MACOS_PATHS) or is_searched(entry))
                and (image.format is not Format.MACHO or _uses_rpaths(image, context))
            }
        )
        foreign = [entry for entry in absolute if not is_installed_place(entry)]
        if foreign:
            yield L405.finding(
                f"looks for libraries in {some(foreign, 'directory')}",
                library=path,
                evidence=foreign,
            )
        elif not meant.issuperset(absolute):
            yield replace(
                L405.finding(
                    f"looks for libraries in {some(absolute, 'directory')}",
                    library=path,
                    evidence=absolute,
                    fix=_ON_PURPOSE,
                ),
                severity=Severity.NOTE,
            )


def _uses_rpaths(image: Linkage, context: Context) -> bool:
    """Whether a Mach-O image, or one of the package that is loaded with it, needs ``@rpath/…``."""
    return any(name.startswith("@rpath/") for name in context.shipped.linked_from(image))


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


DETECTORS: Detectors = {absolute_rpath: (L405,)}
