"""L404 to L407: the libraries that a library is linked to, and where it looks for them."""

from __future__ import annotations

from torch_abi_audit.knowledge.names.distribution import lent
from torch_abi_audit.knowledge.names.library import Kind, kind_of
from torch_abi_audit.knowledge.names.python import is_libpython
from torch_abi_audit.knowledge.names.system import MACOS_PATHS
from torch_abi_audit.knowledge.platforms import Platform
from torch_abi_audit.knowledge.policies import is_windows_library, policy
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.report.wording import some
from torch_abi_audit.rules.definition import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.rules import Detectors
    from torch_abi_audit.rules.context import Context

    _Image = tuple[Format, str]
    """Format and architecture of an image."""

_UNKNOWN = (Kind.OTHER, Kind.TORCH_COPY)
"""What only the package can provide: a copy of libtorch's has a name of its own."""
_LIBC = frozenset({"libc.so.6", "libc.so"})
"""Whether the tag has them is the question of L408."""
_OF_TORCH = frozenset(
    {"libgomp.so.1", "libgfortran.so.5", "libomp.dylib", "libiomp5md.dll", "uv.dll"}
)
"""Runtimes that torch's wheels hold beside libtorch, under these names: in the process by the
time that a library which uses torch is loaded. From the wheels of torch 2.9 to 2.15."""


L404 = Rule(
    "L404",
    "unprovided-library",
    "A library needs another one that nothing in reach provides",
    "It loads only where the user, or another package, happens to have put that library in "
    "the loader's way.",
    "Bundle it (auditwheel, delocate, delvewheel), or say in the documentation where it comes "
    "from.",
    Severity.WARNING,
    itemized=True,
    example="_C.so: neither the package, its platform nor torch provides libavutil.so.58",
)


def unprovided(context: Context) -> Iterator[Finding]:
    """What a library is linked to at once, and neither package, platform nor torch provides."""
    if _is_strange(context):
        return
    missing = _absent(context)
    borrowed = lent(frozenset().union(*missing.values()), context.required_names)
    for path, library in context.libraries:
        names = sorted(
            {
                name
                for image in library.linkage
                for name in image.needed
                if name in missing[image.format, image.arch]
            }
        )
        if not borrowed.issuperset(names):
            yield L404.finding(
                "neither the package, its platform nor torch provides "
                f"{some(names, 'more libraries')}",
                library=path,
                evidence=names,
            )


def _absent(context: Context) -> dict[_Image, frozenset[str]]:
    """The libraries that are needed and that nothing provides, by the kind of image."""
    reach = context.within_reach
    if context.package.uses_torch or "torch" in context.required_names:
        reach |= _OF_TORCH
    needed: dict[_Image, set[str]] = {}
    for _, library in context.libraries:
        for image in library.linkage:
            needed.setdefault((image.format, image.arch), set()).update(image.needed)
    found = {}
    for (form, arch), names in needed.items():
        around: Collection[str] = reach
        if form is Format.ELF:
            around = reach | _LIBC | _system_libraries(arch, context.lowest_linux(arch))
        elif form is Format.PE:
            around = frozenset(map(str.lower, reach))
        found[form, arch] = frozenset(
            name for name in names if not _is_provided(name, form, around)
        )
    return found


def _is_provided(name: str, form: Format, around: Collection[str]) -> bool:
    """Whether a library is ``around``, or is known to come with torch, the system or the device."""
    if kind_of(name) not in _UNKNOWN:
        return True
    base = file_name(name)
    if form is Format.PE:
        return base.lower() in around or is_windows_library(base.lower())
    return base in around or (form is Format.MACHO and name.startswith(MACOS_PATHS))


def _system_libraries(arch: str, lowest: Platform | None) -> frozenset[str]:
    """What every system of the tags has; for a plain ``linux`` tag what any policy allows."""
    found = policy(lowest or Platform("", "linux", (arch,), (2, 9999), "glibc"))
    return found.libraries if found is not None else frozenset()


L405 = Rule(
    "L405",
    "absolute-rpath",
    "A library looks for others in directories of the machine that built it",
    "Whoever can write such a directory on a user's machine has their code loaded; and a "
    "library that happens to be there is taken for the right one.",
    "Link with `$ORIGIN` or `@loader_path` alone, or strip the entries (patchelf, "
    "install_name_tool).",
    Severity.WARNING,
    example="_C.so: it looks for libraries in /usr/local/cuda/lib64",
)


def absolute_rpath(context: Context) -> Iterator[Finding]:
    """Absolute entries of the search path, but for those that macOS reserves for itself."""
    for path, library in context.libraries:
        absolute = sorted(
            {
                entry
                for image in library.linkage
                for entry in image.rpaths
                if entry.startswith("/") and not f"{entry}/".startswith(MACOS_PATHS)
            }
        )
        if absolute:
            yield L405.finding(
                f"it looks for libraries in {some(absolute, 'more directories')}",
                library=path,
                evidence=absolute,
            )


L406 = Rule(
    "L406",
    "abi3-links-libpython",
    "A library that claims abi3 is linked to the libpython of one release",
    "On every other Python, and on Pythons without a shared libpython, it does not load or "
    "brings a second interpreter into the process.",
    "Leave libpython out of the link: an extension module finds the interpreter in its process.",
    Severity.ERROR,
    example="_C.abi3.so: it is linked to libpython3.11.so.1.0, and claims to be for every Python",
)

L407 = Rule(
    "L407",
    "links-libpython",
    "A library is linked to libpython",
    "Many Pythons, those of manylinux images and of Debian among them, come without a shared "
    "libpython in the loader's way.",
    "Leave libpython out of the link, unless the library embeds an interpreter.",
    Severity.WARNING,
    example="_C.so: it is linked to libpython3.11.so.1.0, which many Pythons do not have",
)


def links_libpython(context: Context) -> Iterator[Finding]:
    """A link to a libpython that the package does not bring; on Windows every module has one."""
    if _is_strange(context):
        return
    for path, library in context.libraries:
        if not library.linkage or library.linkage[0].format is Format.PE:
            continue
        needed = {name for image in library.linkage for name in image.needed}
        linked = sorted(name for name in needed if is_libpython(file_name(name)))
        if not linked or any(file_name(name) in context.within_reach for name in linked):
            continue
        what = f"it is linked to {file_name(linked[0])}"
        if library.cpython is not None and library.cpython.intent:
            yield L406.finding(
                f"{what}, and claims to be for every Python", library=path, evidence=linked
            )
        else:
            yield L407.finding(
                f"{what}, which many Pythons do not have", library=path, evidence=linked
            )


def _is_strange(context: Context) -> bool:
    """Whether all tags are for Android, iOS and the like.

    What these provide is not known here, and modules are to be linked to libpython there.
    """
    return bool(context.platforms) and all(each.system == "other" for each in context.platforms)


DETECTORS: Detectors = {
    unprovided: (L404,),
    absolute_rpath: (L405,),
    links_libpython: (L406, L407),
}
