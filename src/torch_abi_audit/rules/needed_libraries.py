"""L404, L406, L407 and L414: the libraries that a library is linked to."""

from __future__ import annotations

from torch_abi_audit.knowledge.names.cuda import is_published_apart
from torch_abi_audit.knowledge.names.library import Kind, kind_of
from torch_abi_audit.knowledge.names.python import bound, is_libpython
from torch_abi_audit.knowledge.names.system import (
    MACOS_PATHS,
    is_desktop,
    is_fabric,
    is_oneapi_apart,
)
from torch_abi_audit.knowledge.names.torch import Build, build_of, runtime_since, runtimes
from torch_abi_audit.knowledge.policies import is_windows_library, policy, system_libraries
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.declared import claims_abi3
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.model.releases import release_key
from torch_abi_audit.report.wording import some
from torch_abi_audit.rules.definition import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from torch_abi_audit.knowledge.platforms import Platform
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
    "Bundle the missing library (`torch-abi-audit repair` prints the command), or document where "
    "it comes from.",
    Severity.WARNING,
    itemized=True,
    example="_C.so: needs libavutil.so.58, which neither the package, the platform nor torch "
    "provides",
)


def unprovided(context: Context) -> Iterator[Finding]:
    """Libraries that must load, and need others that nothing provides.

    Those of a Linux desktop and what plug-ins need are left to rules on the package.
    """
    for path, missing in context.unprovided.items():
        names = [name for name in missing if not is_desktop(file_name(name))]
        if names and path not in context.optional:
            refuted = sorted({title for name in names for title in context.lending.refuted(name)})
            read = f"; nor does the required {' or '.join(refuted)}, read for it" if refuted else ""
            yield L404.finding(
                f"needs {some(names, 'library')}, which neither the package, the platform "
                f"nor torch provides{read}",
                library=path,
                evidence=names,
                fix=_fix(names),
            )


def lacking(context: Context) -> dict[str, tuple[str, ...]]:
    """What libraries need at load time that nothing provides, the requirements included, by path.

    Sorted by path; libraries that lack nothing are left out.
    """
    missing = context.missing
    found = {}
    for path, library in context.libraries if any(missing.values()) else ():
        names = {
            name
            for image in library.linkage
            for name in image.needed
            if name in missing.get((image.format, image.arch), ())
            and context.lending.lender(name, image.format) is None
        }
        if names:
            found[path] = tuple(sorted(names))
    return found


def _fix(names: Sequence[str]) -> str | None:
    """The advice where a library cannot be bundled, since it must fit the kernel of the machine."""
    machine = [each for each in names if is_fabric(file_name(each))]
    if not machine:
        return None
    advice = (
        f"Do not bundle {some(machine, 'library')}, which must fit the kernel and the devices of "
        "the machine: document that users must install it, or open it with `dlopen` where it is "
        "used."
    )
    return advice if len(machine) == len(names) else f"{L404.fix} {advice}"


L414 = Rule(
    "L414",
    "unprovided-delay-load",
    "A DLL that is loaded when it is first called is not provided by the package, Windows or torch",
    "The library itself loads without the DLL; the first call of one of its functions raises a "
    "Windows exception, which ends the process unless the caller handles it.",
    "Bundle the DLL (delvewheel), or check that it is there before the call.",
    Severity.NOTE,
    itemized=True,
    example="_C.pyd: calls avutil-58.dll, which neither the package, Windows nor torch provides",
)


def unprovided_delay_loads(context: Context) -> Iterator[Finding]:
    """Delay-loaded DLLs that nothing provides.

    Weak libraries of Mach-O files are left out: a program that may lack them is built to do so.
    """
    delayed = [
        (path, image.arch, name)
        for path, library in context.libraries
        for image in library.linkage
        if image.format is Format.PE
        for name in image.delay_needed
    ]
    present = {arch: _lowered(context, arch) for arch in {arch for _, arch, _ in delayed}}
    for path in dict.fromkeys(path for path, *_ in delayed):
        names = {
            name
            for at, arch, name in delayed
            if at == path
            and not _is_provided(name, Format.PE, present[arch])
            and context.lending.lender(name, Format.PE) is None
        }
        missing = sorted(names)
        if missing:
            yield L414.finding(
                f"calls {some(missing, 'DLL')}, which neither the package, Windows nor torch "
                "provides",
                library=path,
                evidence=missing,
            )


def absent(context: Context) -> dict[_Image, frozenset[str]]:
    """The needed libraries that neither package, system nor torch has, by format and architecture.

    Nothing is known of mobile platforms.
    """
    needed: dict[_Image, set[str]] = {}
    for _, library in context.libraries if not _is_mobile(context) else ():
        for image in library.linkage:
            needed.setdefault((image.format, image.arch), set()).update(image.needed)
    found = {}
    for (form, arch), names in needed.items():
        shipped = _shipped(context, arch)
        present: Collection[str] = shipped
        if form is Format.ELF:
            present = shipped | _LIBC | _system_libraries(arch, context.lowest_linux(arch))
        elif form is Format.PE:
            present = _lowered(context, arch)
        found[form, arch] = frozenset(
            name
            for name in names
            if not (_is_provided(name, form, present) or _is_in_every_torch(name, arch, context))
            or (form is Format.PE and _lacks_oneapi(name, names, present, context))
        )
    return found


def _shipped(context: Context, arch: str) -> frozenset[str]:
    """The libraries of the distribution, and those that torch brings where it is used."""
    if context.package.uses_torch or "torch" in context.required_names:
        return context.shipped_names | runtimes(arch)
    return context.shipped_names


def _is_in_every_torch(name: str, arch: str, context: Context) -> bool:
    """Whether a newer runtime of torch is in all releases that may be beside the package."""
    since = runtime_since(name, arch)
    if since is None or not context.has_torch:
        return False
    releases = context.installable_torch or ()
    return bool(releases) and all(release_key(each) >= release_key(since) for each in releases)


def _lowered(context: Context, arch: str) -> frozenset[str]:
    """``_shipped`` in lower case, as Windows compares names."""
    return frozenset(map(str.lower, _shipped(context, arch)))


def _is_provided(name: str, form: Format, present: Collection[str]) -> bool:
    """Whether a library is ``present``, or comes with torch, the system or the device driver."""
    if kind_of(name) not in _UNKNOWN and not is_published_apart(name):
        return True
    base = file_name(name)
    if form is Format.PE:
        return base.lower() in present or is_windows_library(base.lower())
    return base in present or (form is Format.MACHO and name.startswith(MACOS_PATHS))


def _lacks_oneapi(
    name: str, names: Collection[str], present: Collection[str], context: Context
) -> bool:
    """Whether a DLL of oneMKL or oneTBB has no provider: no requirement and no torch for XPU."""
    base = name.lower()
    return (
        is_oneapi_apart(base)
        and base not in present
        and not any(each.startswith(base[:3]) for each in context.required_names)
        and not any(
            build_of(each) is Build.XPU
            or (kind_of(each) is Kind.ONEAPI and not is_oneapi_apart(each.lower()))
            for each in names
        )
    )


def _system_libraries(arch: str, lowest: Platform | None) -> frozenset[str]:
    """The libraries of every system that the tags admit; for plain ``linux``, of any policy."""
    if lowest is None:
        return system_libraries(arch)
    found = policy(lowest)
    return found.libraries if found is not None else frozenset()


L406 = Rule(
    "L406",
    "abi3-links-libpython",
    "A library that claims abi3, or whose wheel does, is linked to the libpython of one release",
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
        what = f"linked to {_python_text(linked[0])}"
        if library.cpython is not None and library.cpython.intent:
            yield L406.finding(f"claims abi3 but is {what}", library=path, evidence=linked)
        elif claims_abi3(context.declared) and bound(library) is None:
            tags = ", ".join(dict.fromkeys(f"{tag.python}-{tag.abi}" for tag in context.tags))
            yield L406.finding(
                f"{what}, but the wheel is tagged {tags}", library=path, evidence=linked
            )
        else:
            lacking = "which many Pythons do not have"
            if linked[0].startswith("/"):
                lacking = "a path that few machines have"
            yield L407.finding(f"{what}, {lacking}", library=path, evidence=linked)


def _python_text(name: str) -> str:
    """The name of a libpython's file; the path of a framework, whose file is called ``Python``."""
    base = file_name(name)
    return base if base.startswith("lib") else name


def _is_mobile(context: Context) -> bool:
    """Whether every tag is for a platform such as Android or iOS.

    The libraries of these platforms are not known here, and extension modules must be linked to
    libpython there.
    """
    return bool(context.platforms) and all(each.system == "other" for each in context.platforms)


DETECTORS: Detectors = {
    unprovided: (L404,),
    unprovided_delay_loads: (L414,),
    links_libpython: (L406, L407),
}
