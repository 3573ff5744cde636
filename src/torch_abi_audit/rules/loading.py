"""L409 to L413, L420 and L421: libraries that the package has, but that the loader refuses."""

from __future__ import annotations

from torch_abi_audit.knowledge.names.repair_mark import without_mark
from torch_abi_audit.knowledge.names.system import is_loader
from torch_abi_audit.knowledge.names.torch import runtimes
from torch_abi_audit.knowledge.platforms import EXECUTABLE_STACK
from torch_abi_audit.knowledge.policies import is_linux_library
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.report.wording import some
from torch_abi_audit.rules.definition import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.rules import Detectors
    from torch_abi_audit.rules.context import Context

L409 = Rule(
    "L409",
    "versions-of-unneeded-library",
    "The symbol versions of a library belong to one that it is not linked to",
    "glibc looks for that library among those that are loaded, and ends the process if it is not "
    "there: `Inconsistency detected by ld.so: dl-version.c: … Assertion `needed != NULL' failed!`. "
    "Old releases of patchelf leave the name in the table when they replace a needed library.",
    "Repair the wheel again with a current patchelf, which renames both.",
    Severity.ERROR,
    itemized=True,
    example="_C.so: asks for versions of libgomp.so.1, but is not linked to it",
)


def unneeded_versions(context: Context) -> Iterator[Finding]:
    """Libraries in the table of needed versions that nothing loads under that name.

    A name counts as loaded where the library, or one of the package that it is linked to, is
    linked to it; where torch or every Python brings it; and where a library of the system may.
    """
    if not _for_glibc(context):
        return
    shipped = context.shipped
    for path, library in context.libraries:
        names = sorted(
            {
                name
                for image in library.linkage
                for name in {name for name, _ in image.version_needs}.difference(image.needed)
                if not (
                    is_loader(name)
                    or is_linux_library(name)
                    or (shipped.with_torch and name in runtimes(image.arch))
                )
                and name not in shipped.linked_from(image)
            }
        )
        if names:
            yield L409.finding(
                f"asks for versions of {some(names, 'library')}, but is not linked to it",
                library=path,
                evidence=names,
            )


L410 = Rule(
    "L410",
    "renamed-needed-library",
    "A library is linked to one of the package that wheel repair has renamed",
    "The loader opens libraries by the names of their files, and no file has that name: `cannot "
    "open shared object file`. The SONAME, which still fits, counts only for loaded libraries.",
    "Rename the library where it is needed, too (`patchelf --replace-needed OLD NEW`), or let "
    "auditwheel do both.",
    Severity.ERROR,
    itemized=True,
    example="_C.so: needs libhelper.so.1, which the package has only as libhelper-0a1b2c3d.so.1",
)

L420 = Rule(
    "L420",
    "needed-by-soname",
    "A library is linked to one of the package by its SONAME, but no file has that name",
    "The loader opens libraries by the names of their files, and no file has that name: `cannot "
    "open shared object file`. It compares SONAMEs with loaded libraries only, and with musl not "
    "even then.",
    "Give the file the name that is its SONAME, or link to the name of the file (`patchelf "
    "--replace-needed OLD NEW`). If the package loads that file first, by its path, ignore the "
    "finding.",
    Severity.ERROR,
    itemized=True,
    example="_C.so: needs libhelper.so.1, which the package has only as libhelper-2.so",
)


def needed_by_soname(context: Context) -> Iterator[Finding]:
    """ELF libraries of the package that are needed under a name that is only their SONAME.

    A package may load such a library itself, by the path of the file; of a file that wheel repair
    named, it cannot know the name.
    """
    shipped = context.shipped
    for path, library in context.libraries:
        found = {
            name: shipped.by_soname(image, name)
            for image in library.linkage
            if image.format is Format.ELF
            for name in image.needed
            if not (name in shipped.files or shipped.comes_from_elsewhere(image, name))
        }
        by_path = [name for name in found if "/" in name and not name.startswith(("/", "$"))]
        if by_path:
            yield L420.finding(
                f"needs {some(by_path, 'library')}, a path from the current directory",
                library=path,
                evidence=by_path,
                fix="Give that library a SONAME (`-Wl,-soname,libhelper.so`) and link again; or "
                "`patchelf --replace-needed OLD NEW`.",
            )
        found = {name: file for name, file in found.items() if name not in by_path}
        renamed = {name: file for name, file in found.items() if file and without_mark(file)[1]}
        others = {name: file for name, file in found.items() if file and name not in renamed}
        for rule, files in ((L410, renamed), (L420, others)):
            names = sorted(files)
            if names:
                yield rule.finding(
                    f"needs {some(names, 'library')}, which the package has only as "
                    f"{files[names[0]]}",
                    library=path,
                    evidence=names,
                )


L411 = Rule(
    "L411",
    "executable-stack",
    "A library asks for an executable stack",
    "glibc 2.41 and newer refuse to load it into a process whose stack is not executable, such as "
    "Python: `cannot enable executable stack as shared object requires: Invalid argument`. Older "
    "ones make the stack of the whole process executable, which SELinux may forbid.",
    "Link with `-Wl,-z,noexecstack`; give assembler files a `.note.GNU-stack` section. For a "
    "finished file, `patchelf --clear-execstack`.",
    Severity.WARNING,
    example="_C.so: asks for an executable stack, which glibc 2.41 and newer refuse",
)


def executable_stack(context: Context) -> Iterator[Finding]:
    """Libraries whose PT_GNU_STACK has the flag, or that have none where glibc then assumes it."""
    if not _for_glibc(context):
        return
    for path, library in context.libraries:
        for image in library.linkage:
            if image.format is not Format.ELF:
                continue
            if image.executable_stack:
                yield L411.finding(
                    "asks for an executable stack, which glibc 2.41 and newer refuse", library=path
                )
            elif image.executable_stack is None and image.arch in EXECUTABLE_STACK:
                yield L411.finding(
                    "has no PT_GNU_STACK header, which asks for an executable stack on "
                    f"{image.arch}; glibc 2.41 and newer refuse it",
                    library=path,
                )


L412 = Rule(
    "L412",
    "rpath-leads-nowhere",
    "A library needs one of the package through `@rpath`, but no LC_RPATH leads there",
    "dyld looks for `@rpath/…` in the LC_RPATHs of the library and of those that loaded it, and "
    "among the install names of loaded libraries. None of these fits, so the load fails: `Library "
    "not loaded: @rpath/…`.",
    "Link with `-Wl,-rpath,@loader_path/…`, or add the entry: `install_name_tool -add_rpath "
    "@loader_path/… LIBRARY`.",
    Severity.WARNING,
    itemized=True,
    example="_C.so: no LC_RPATH leads to @rpath/libhelper.dylib",
)

L421 = Rule(
    "L421",
    "needs-an-earlier-load",
    "A library needs one of the package through `@rpath`, but has no LC_RPATH that leads there",
    "dyld finds it only if the package has loaded it before, since it compares `@rpath/…` with the "
    "install names of loaded libraries, too.",
    "Link with `-Wl,-rpath,@loader_path/…`, so that the order in which libraries are loaded does "
    "not matter.",
    Severity.NOTE,
    itemized=True,
    unites=True,
    example="_C.so: loads only after @rpath/libhelper.dylib, since no LC_RPATH leads there",
)


def rpath_leads_nowhere(context: Context) -> Iterator[Finding]:
    """Mach-O libraries of the package that are needed by ``@rpath`` and not found by it.

    dyld's source (``Loader::getLoader``) says where it looks, and that it compares names first. A
    needed library that uses torch is one that the package gives to ``torch.ops.load_library``
    before, so nothing is said of it.
    """
    shipped = context.shipped
    for path, library in context.libraries:
        lost: set[str] = set()
        known: set[str] = set()
        for image in library.linkage:
            if image.format is Format.MACHO and shipped.is_imported(path, image):
                for name in shipped.lost_by_rpath(path, image):
                    if not shipped.has_install_name(image, name):
                        lost.add(name)
                    elif not shipped.is_loaded_apart(image, name):
                        known.add(name)
        if lost:
            names = sorted(lost)
            yield L412.finding(
                f"no LC_RPATH leads to {some(names, 'library')}", library=path, evidence=names
            )
        if known - lost:
            names = sorted(known - lost)
            yield L421.finding(
                f"loads only after {some(names, 'library')}, since no LC_RPATH leads there",
                library=path,
                evidence=names,
            )


L413 = Rule(
    "L413",
    "undefined-symbol-version",
    "A library needs symbol versions that the library of the package does not define",
    "The loader compares versions before it looks up any symbol, and refuses the library: "
    "`version `X' not found (required by …)`. If the other library was linked without any "
    "versions, it stops the whole process: `Inconsistency detected by ld.so`.",
    "Build both libraries together, or ship the build of the other one that the library was "
    "linked to.",
    Severity.ERROR,
    itemized=True,
    example="_C.so: needs version HELPER_2 of libhelper.so.1, which the package's does not define",
)


def undefined_versions(context: Context) -> Iterator[Finding]:
    """Versions that no copy of the needed library in the package defines.

    A library that needs versions and defines none only makes the loader print a warning, and a
    weak need not even that. Where the system has a library of that name, the loader may take that
    one.
    """
    if not _for_glibc(context):
        return
    shipped = context.shipped
    for path, library in context.libraries:
        lacking = sorted(
            {
                (name, version)
                for image in library.linkage
                for name, version in set(image.version_needs) - set(image.weak_version_needs)
                if name in image.needed
                and not shipped.comes_from_elsewhere(image, name)
                and shipped.lacks_version(image, name, version)
            }
        )
        if lacking:
            name, version = lacking[0]
            more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
            yield L413.finding(
                f"needs version {version} of {name}{more}, which the package's does not define",
                library=path,
                evidence=[f"{version} of {name}" for name, version in lacking],
            )


def _for_glibc(context: Context) -> bool:
    """Whether the package may be loaded by glibc: musl reads neither versions nor PT_GNU_STACK."""
    platforms = context.platforms
    return not platforms or any(
        each.system == "linux" and each.libc != "musl" for each in platforms
    )


DETECTORS: Detectors = {
    unneeded_versions: (L409,),
    needed_by_soname: (L410, L420),
    executable_stack: (L411,),
    rpath_leads_nowhere: (L412, L421),
    undefined_versions: (L413,),
}
