"""The code for GPUs in a library: the architectures that it was compiled for.

Architectures are spelt as NVIDIA's and AMD's compilers spell them: ``sm_90`` for machine code of
compute capability 9.0 (a cubin), ``compute_90`` for PTX, which the driver compiles for newer GPUs;
``a`` after the number (``sm_90a``) for code of exactly one architecture, ``f`` (``sm_100f``) for
code of one family; ``gfx942:sramecc+:xnack-`` for AMD's target ids.
"""

from __future__ import annotations

from torch_abi_audit.runtime.records import dataclass

CUDA_SECTION = b".nv_fatbin"
"""The section of CUDA's fat binaries. PE files keep eight bytes of it, as of all names here."""
RELOCATABLE_CUDA_SECTION = b"__nv_relfatbin"
"""The section of those that ``nvcc -rdc=true`` leaves for the device linker, which also keeps
them in the library that it makes."""
HIP_SECTION = b".hip_fatbin"
"""The section of clang's offload bundles, which hold code for AMD's GPUs."""
CUDA_WRAPPERS, HIP_WRAPPERS = b".nvFatBinSegment", b".hipFatBinSegment"
"""The sections of the records that a library registers: where each container of code stands."""
ELSEWHERE_SECTION = b".rocm_kpack_ref"
"""The section with the name of the file to which ROCm's build tools moved a library's code."""
OFFLOAD_SECTION = b".llvm.offloading"
"""The section for LLVM's own container of device code, as of OpenMP and ``-fgpu-rdc``."""
BUNDLED_SECTION = b"__CLANG_OFFLOAD_BUNDLE__"
"""What the names of sections begin with that hold HIP code in object files of ``-fgpu-rdc``."""
DEVICE_SECTIONS = (CUDA_SECTION, RELOCATABLE_CUDA_SECTION, HIP_SECTION, CUDA_WRAPPERS, HIP_WRAPPERS)
"""The sections that a file with code for GPUs has."""
SECTION_ENDINGS = (b"fatbin\0", b"FatBinSegment\0", b"_kpack_ref\0", OFFLOAD_SECTION)
"""What the names of all such sections end with, to look for them fast."""
REGISTERING = (b"__cudaRegisterFatBinary", b"__hipRegisterFatBinary")
"""The functions to which a library hands its code over, unless it contains CUDA's itself."""


CUDA_CODE, AMD_CODE = "CUDA device code", "AMD GPU device code"
"""What a file is that consists of code for GPUs: ``NotALibrary.kind``."""
PTX_SUFFIX = ".ptx"
"""The suffix of files with PTX, which are text."""
DEVICE_MAGICS = {
    b"\x50\xed\x55\xba": CUDA_CODE,
    b"__CLANG_OFFLOAD_BUNDLE__": AMD_CODE,
    **{b"CCOB" + bytes((version, 0)): AMD_CODE for version in (1, 2, 3)},
}
"""The first bytes of files with fat binaries and offload bundles, plain and compressed. Cubins and
AMD's code objects are ELF files."""


@dataclass(frozen=True, slots=True)
class KernelSet:
    """The fatbins (or HIP bundles) of a library that were compiled for the same architectures."""

    targets: tuple[str, ...]
    """Their architectures, each once: cubins before PTX, older ones first."""
    count: int
    """How many fatbins there are: about one for each source file with kernels."""
    size: int = 0
    """Bytes of their code, as stored."""


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """The code for GPUs in one image, or in one object file."""

    sets: tuple[KernelSet, ...] = ()
    """Those with the most fatbins first, then by their targets. Fatbins without any entry are left
    out."""
    ptx_isa: tuple[tuple[str, str], ...] = ()
    """Each PTX architecture, to the newest version of the PTX language in which its code is
    written, such as ``("compute_90", "8.4")``; sorted like ``KernelSet.targets``."""
    others: tuple[str, ...] = ()
    """Entries that are neither cubin, PTX nor HIP code, in words, such as ``LTO-IR for sm_90``;
    sorted, each once."""
    toolkits: tuple[str, ...] = ()
    """The CUDA releases that its cubins were made with, such as ``12.8``, older first: those of
    CUDA 13, and of CUDA 12 for sm_100 and newer, do not tell."""
    problem: str | None = None
    """Why some of it could not be read; what was read is listed all the same."""

    @property
    def targets(self) -> tuple[str, ...]:
        """Every architecture for which some set has code; ordered as in ``KernelSet.targets``."""
        every = {target for one in self.sets for target in one.targets}
        return tuple(sorted(every, key=target_key))


@dataclass(frozen=True, slots=True)
class Driver:
    """The oldest NVIDIA drivers on one system for what was built with one major CUDA release."""

    system: str
    """``linux`` or ``windows``."""
    cuda: int
    """The major release of the CUDA runtime."""
    runtime: str | None = None
    """The oldest driver on which that runtime starts, such as ``525.60.13``. Machine code needs no
    newer one: NVIDIA promises that for all minor releases (minor version compatibility)."""
    toolkit: str | None = None
    """The CUDA release, such as ``12.8``, whose PTX the code contains; None without PTX."""
    ptx: str | None = None
    """The oldest driver that compiles that PTX: the one of that CUDA release."""


@dataclass(frozen=True, slots=True)
class PackageCode:
    """The code for GPUs in a package: what its libraries amount to together.

    NVIDIA's libraries that a package contains do not count, unless it contains nothing else.
    """

    targets: tuple[str, ...] = ()
    """Architectures of its code, ordered as in ``KernelSet.targets``: those on whose GPUs the whole
    package runs, apart from kernels for other GPUs alone (see ``Runs.YES``), and the PTX by which
    it runs on GPUs that are newer than its machine code."""
    others: tuple[str, ...] = ()
    """The architectures for which only a part of the package has code."""
    ptx_isa: str | None = None
    """The newest version of the PTX language in it; None without PTX."""
    toolkit: str | None = None
    """The newest CUDA release that wrote some of it, by what cubins and PTX say: for PTX, the
    first one with its version of the language. None where they do not say it."""
    least_toolkit: str | None = None
    """The oldest CUDA release that compiles for all of its architectures; None if not known."""
    drivers: tuple[Driver, ...] = ()
    """Sorted by system and by CUDA release; empty if neither is known."""
    libraries: tuple[str, ...] = ()
    """Paths of the libraries that count, below the package's root; sorted."""
    choices: tuple[tuple[tuple[str, ...], ...], ...] = ()
    """Of these, the alternatives, of which one is used: each with the paths of its libraries."""
    unread: tuple[str, ...] = ()
    """Paths of the libraries and files some of whose code could not be read; sorted."""
    files: DeviceCode | None = None
    """The code in files that are not libraries (``.cubin``, ``.hsaco`` …), with the number of files
    as ``KernelSet.count``; None without such files."""

    @property
    def present(self) -> bool:
        """Whether the package contains any."""
        return bool(self.libraries) or self.files is not None


NO_PACKAGE_CODE = PackageCode()
"""That of a package without any."""


def is_nvidia(target: str) -> bool:
    """Whether an architecture is one of NVIDIA's."""
    return target.startswith(("sm_", "compute_"))


def is_amd(target: str) -> bool:
    """Whether an architecture is one of AMD's."""
    return target.startswith("gfx")


def target_key(target: str) -> tuple[int, int, str]:
    """Sorts architectures: cubins, then PTX, then AMD's; each by number, then by suffix."""
    for rank, prefix in enumerate(("sm_", "compute_")):
        if target.startswith(prefix):
            number = target[len(prefix) :].rstrip("abcdefghijklmnopqrstuvwxyz")
            return rank, int(number) if number.isdecimal() else 0, target
    # gfx90a and gfx942: the last two digits are hexadecimal
    stem = target.partition(":")[0].removeprefix("gfx")
    try:
        return 2, int(stem, 16) + (len(stem) << 20), target
    except ValueError:
        return 3, 0, target
