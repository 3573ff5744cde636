"""L415, L416, L418 and L419: bundled copies of what a process, or a machine, has only once."""

from __future__ import annotations

from torch_abi_audit.knowledge.names import openmp
from torch_abi_audit.knowledge.names.python import is_libpython
from torch_abi_audit.knowledge.names.repair_mark import without_mark
from torch_abi_audit.knowledge.names.system import is_fabric, is_nvidia_driver
from torch_abi_audit.knowledge.names.torch import RUNTIMES
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.rules.definition import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.model.reports import ExtensionReport
    from torch_abi_audit.rules import Detectors
    from torch_abi_audit.rules.context import Context

L415 = Rule(
    "L415",
    "second-openmp-beside-torch",
    "A package that uses torch bundles its own OpenMP runtime",
    "torch brings an OpenMP runtime. A second one starts threads of its own, so that work inside "
    "of work runs on more threads than there are processors; and LLVM's and Intel's runtime end "
    "the process where they meet another copy: `OMP: Error #15: Initializing libomp.dylib, but "
    "found libomp.dylib already initialized`.",
    "Exclude the runtime from the wheel repair (`auditwheel repair --exclude 'libgomp*'`, "
    "`delocate-wheel --exclude libomp`), so that torch's is used.",
    Severity.WARNING,
    example="mypkg.libs/libgomp-e985bcbb.so.1.0.0: a second OpenMP runtime beside torch's",
)

L418 = Rule(
    "L418",
    "bundled-openmp",
    "The package bundles its own OpenMP runtime",
    "A process that also imports torch, or another package that bundles one, has several runtimes. "
    "Each starts threads of its own. LLVM's and Intel's may end the process (`OMP: Error #15`) or "
    "hang; GNU's, loaded late, can fail on aarch64 (`cannot allocate memory in static TLS block`).",
    "Test the package in one process with torch, imported before it and after it, with the numbers "
    "of threads that `threadpoolctl` shows. There is nothing to change while that works.",
    Severity.NOTE,
    example="mypkg.libs/libgomp-e985bcbb.so.1.0.0: its own copy of GNU's OpenMP runtime: a process "
    "that imports torch, too, has two",
)


def second_openmp(context: Context) -> Iterator[Finding]:
    """Copies of OpenMP that a library of the package is linked to, unless torch's is taken instead.

    ELF and PE loaders take the library that was loaded first under a name, so a copy with the name
    of torch's is no second one; dyld compares whole install names.
    """
    if context.declared.is_torch or _publishes_openmp(context.declared.name or ""):
        return
    with_torch = context.shipped.with_torch
    for path, library in _needed(context):
        name = library.name
        if not (openmp.is_gnu(name) or openmp.is_llvm(name)):
            continue
        if _is_shared(library):
            continue
        if with_torch:
            yield L415.finding("a second OpenMP runtime beside torch's", library=path)
        else:
            whose = "GNU" if openmp.is_gnu(name) else "Intel" if "iomp" in name else "LLVM"
            yield L418.finding(
                f"its own copy of {whose}'s OpenMP runtime: a process that imports torch, too, has "
                "two",
                library=path,
            )


def _publishes_openmp(name: str) -> bool:
    """Whether others take the runtime from this distribution: ``intel-openmp``, ``llvm-openmp``."""
    return "openmp" in name.lower()


def _is_shared(library: ExtensionReport) -> bool:
    """Whether torch's runtime and this one are loaded under one name."""
    return all(
        library.name.lower() in RUNTIMES
        and (image.format is not Format.MACHO or image.soname == f"@rpath/{library.name}")
        for image in library.linkage
    )


L419 = Rule(
    "L419",
    "bundled-libpython",
    "The package bundles a libpython to which its libraries are linked",
    "An extension module must use the interpreter that imports it. The copy is a second one, which "
    "nobody has initialised: on macOS, where each symbol belongs to one library, the first call "
    "into it crashes.",
    "Do not link to libpython (`-undefined dynamic_lookup` on macOS), or exclude it from the wheel "
    "repair.",
    Severity.WARNING,
    example="mypkg/.dylibs/libpython3.11.dylib: a second Python in the process",
)


def bundled_libpython(context: Context) -> Iterator[Finding]:
    """Copies of libpython that an extension module or a library that uses torch is loaded with."""
    for path, library in context.libraries:
        if not is_libpython(without_mark(library.name)[0]):
            continue
        shipped = context.shipped
        if any(
            image.format is not Format.PE
            and any(shipped.is_imported(*place) for place in shipped.needs(path, image))
            for image in library.linkage
        ):
            yield L419.finding("a second Python in the process", library=path)


L416 = Rule(
    "L416",
    "bundled-driver",
    "The package bundles a library of a device's driver",
    "The library must fit the kernel, the driver and the devices of the machine, and brings or "
    "finds plug-ins that do. A copy fits the machine that built the wheel, and fails on others.",
    "Exclude the library from the wheel repair (`auditwheel repair --exclude`), so that the "
    "machine provides it; where it may be absent, open it with `dlopen`.",
    Severity.WARNING,
    unites=True,
    example="mypkg.libs/libibverbs-5f4a3c21.so.1: libibverbs.so.1 must come from the machine",
)


def bundled_driver(context: Context) -> Iterator[Finding]:
    """Libraries of NVIDIA's driver and of network fabrics.

    NVIDIA's own distributions ship parts of its driver on purpose, as ``cuda-compat`` does, and
    linkers need stand-ins, which toolkits keep in ``stubs``.
    """
    owner = context.declared.name or ""
    of_nvidia = owner.lower().startswith(("nvidia", "cuda"))
    for path, library in context.libraries:
        name = without_mark(library.name)[0]
        driver = is_nvidia_driver(name.lower() if name[-4:].lower() == ".dll" else name)
        if library.error is not None or "stubs" in path.split("/")[:-1]:
            continue
        if is_fabric(name) or (driver and not of_nvidia):
            yield L416.finding(f"{name} must come from the machine", library=path, evidence=[name])


def _needed(context: Context) -> Iterator[tuple[str, ExtensionReport]]:
    """The libraries to which another one of the package is linked."""
    for path, library in context.libraries:
        if any(context.shipped.needs(path, image) for image in library.linkage):
            yield path, library


DETECTORS: Detectors = {
    second_openmp: (L415, L418),
    bundled_libpython: (L419,),
    bundled_driver: (L416,),
}
