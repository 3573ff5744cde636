"""L404 to L407: the libraries that a library is linked to, and where the loader looks for them."""

from __future__ import annotations

from torch_abi_audit.knowledge.names.cuda import is_published_apart
from torch_abi_audit.knowledge.names.library import Kind, kind_of
from torch_abi_audit.knowledge.names.python import is_libpython
from torch_abi_audit.knowledge.names.system import MACOS_PATHS
from torch_abi_audit.knowledge.names.torch import RUNTIMES
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
"""Kinds of library that only the package can provide; a vendored copy of libtorch is one, since
wheel repair renames it."""
_LIBC = frozenset({"libc.so.6", "libc.so"})
"""The names of the C library. L408 checks whether the wheel's tag provides it."""

L404 = Rule(
    "L404",
    "unprovided-library",
    "A library is linked to one that neither the package, its requirements, the platform nor torch "
    "provides",
    "The library loads only where the user, or another package, happens to have put the missing "
    "one where the loader looks.",
    "Bundle the missing library (auditwheel, delocate, delvewheel), or document where it comes "
    "from.",
    Severity.WARNING,
    itemized=True,
    example="_C.so: needs libavutil.so.58, which neither the package, the platform nor torch "
    "provides",
)


def unprovided(context: Context) -> Iterator[Finding]:
    """Libraries needed at load time that nothing provides, the requirements included."""
    missing = context.missing
    for path, library in context.libraries:
        names = sorted(
            {
                name
                for image in library.linkage
                for name in image.needed
                if name in missing.get((image.format, image.arch), ())
                and context.lending.lender(name, image.format) is None
            }
        )
        if names:
            refuted = sorted({title for name in names for title in context.lending.refuted(name)})
            read = f"; nor does the required {' or '.join(refuted)}, read for it" if refuted else ""
            yield L404.finding(
                f"needs {some(names, 'library')}, which neither the package, the platform "
                f"nor torch provides{read}",
                library=path,
                evidence=names,
            )


def absent(context: Context) -> dict[_Image, frozenset[str]]:
    """The needed libraries that neither package, system nor torch has, by format and architecture.

    Nothing is known of mobile platforms.
    """
    shipped = context.shipped_names
    if context.package.uses_torch or "torch" in context.required_names:
        shipped |= RUNTIMES
    needed: dict[_Image, set[str]] = {}
    for _, library in context.libraries if not _is_mobile(context) else ():
        for image in library.linkage:
            needed.setdefault((image.format, image.arch), set()).update(image.needed)
    found = {}
    for (form, arch), names in needed.items():
        present: Collection[str] = shipped
        if form is Format.ELF:
            present = shipped | _LIBC | _system_libraries(arch, context.lowest_linux(arch))
        elif form is Format.PE:
            present = frozenset(map(str.lower, shipped))
        found[form, arch] = frozenset(
            name for name in names if not _is_provided(name, form, present)
        )
    return found


def _is_provided(name: str, form: Format, present: Collection[str]) -> bool:
    """Whether a library is ``present``, or comes with torch, the system or the device driver."""
    if kind_of(name) not in _UNKNOWN and not is_published_apart(name):
        return True
    base = file_name(name)
    if form is Format.PE:
        return base.lower() in present or is_windows_library(base.lower())
    return base in present or (form is Format.MACHO and name.startswith(MACOS_PATHS))


def _system_libraries(arch: str, lowest: Platform | None) -> frozenset[str]:
    """The libraries of every system that the tags admit; for plain ``linux``, of any policy."""
    found = policy(lowest or Platform("", "linux", (arch,), (2, 9999), "glibc"))
    return found.libraries if found is not None else frozenset()


L405 = Rule(
    "L405",
    "absolute-rpath",
    "A library's rpath names absolute directories of the machine that built it",
    "Anyone who can write to such a directory on a user's machine can have their code loaded, and "
    "an unrelated library there is taken for the right one.",
    "Link with `$ORIGIN` or `@loader_path` only, or strip the entries (patchelf, "
    "install_name_tool).",
    Severity.WARNING,
    example="_C.so: looks for libraries in /usr/local/cuda/lib64",
)


def absolute_rpath(context: Context) -> Iterator[Finding]:
    """Absolute rpath entries, except those below directories that macOS reserves for itself."""
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
                f"looks for libraries in {some(absolute, 'directory')}",
                library=path,
                evidence=absolute,
            )


L406 = Rule(
    "L406",
    "abi3-links-libpython",
    "A library that claims abi3 is linked to the libpython of one release",
    "On every other Python, and on Pythons without a shared libpython, the library does not load, "
    "or it loads a second interpreter into the process.",
    "Do not link to libpython: an extension module finds the interpreter in its process.",
    Severity.ERROR,
    example="_C.abi3.so: claims abi3 but is linked to libpython3.11.so.1.0",
)

L407 = Rule(
    "L407",
    "links-libpython",
    "A library is linked to libpython",
    "Many Pythons, among them those of the manylinux images and of Debian, have no shared "
    "libpython where the loader looks.",
    "Do not link to libpython, unless the library embeds an interpreter.",
    Severity.WARNING,
    example="_C.so: linked to libpython3.11.so.1.0, which many Pythons do not have",
)


def links_libpython(context: Context) -> Iterator[Finding]:
    """Links to a libpython that the package does not bundle.

    PE files are left out: on Windows every extension module is linked to a Python DLL.
    """
    if _is_mobile(context):
        return
    for path, library in context.libraries:
        if not library.linkage or library.linkage[0].format is Format.PE:
            continue
        needed = {name for image in library.linkage for name in image.needed}
        linked = sorted(name for name in needed if is_libpython(file_name(name)))
        if not linked or any(file_name(name) in context.shipped_names for name in linked):
            continue
        what = f"linked to {file_name(linked[0])}"
        if library.cpython is not None and library.cpython.intent:
            yield L406.finding(f"claims abi3 but is {what}", library=path, evidence=linked)
        else:
            yield L407.finding(
                f"{what}, which many Pythons do not have", library=path, evidence=linked
            )


def _is_mobile(context: Context) -> bool:
    """Whether every tag is for a platform such as Android or iOS.

    The libraries of these platforms are not known here, and extension modules must be linked to
    libpython there.
    """
    return bool(context.platforms) and all(each.system == "other" for each in context.platforms)


DETECTORS: Detectors = {
    unprovided: (L404,),
    absolute_rpath: (L405,),
    links_libpython: (L406, L407),
}
