"""The platforms for which torch is published, and a parser for platform tags of wheels.

``PLATFORMS`` lists every platform with data on torch's releases: a new platform is one row there,
and its data. ``SYSTEMS`` holds the facts that all platforms of one system share.
"""

from __future__ import annotations

from torch_abi_audit.model.binary import Format
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class System:
    """An operating system, and the names that it has in different places."""

    word: str
    """The name in ``Platform.system`` and in the table of error texts."""
    title: str
    format: Format
    suffix: str
    """Suffix of library names."""
    sys_platform: str
    platform_system: str
    os_name: str
    """The values of these three variables in environment markers."""
    machines: Mapping[str, str]
    """Architecture in ``Binary.arch``, to ``platform_machine`` in markers, if they differ."""


LINUX = System("linux", "Linux", Format.ELF, ".so", "linux", "Linux", "posix", {})
MACOS = System("macos", "macOS", Format.MACHO, ".dylib", "darwin", "Darwin", "posix", {})
WINDOWS = System(
    "windows",
    "Windows",
    Format.PE,
    ".dll",
    "win32",
    "Windows",
    "nt",
    {"x86_64": "AMD64", "arm64": "ARM64", "i686": "x86"},
)
SYSTEMS = {one.word: one for one in (LINUX, MACOS, WINDOWS)}
"""Systems by word."""
EXECUTABLE_STACK = frozenset({"x86_64", "i686", "armv7l", "ppc", "s390", "s390x", "mips", "mips64"})
"""The architectures on which glibc gives an ELF file without PT_GNU_STACK an executable stack:
``DEFAULT_STACK_PROT_PERMS`` in its ``stackinfo.h``."""
SYSTEM_OF = {one.format: one for one in SYSTEMS.values()}
"""Systems by binary format."""


@dataclass(frozen=True, slots=True)
class IndexPlatform:
    """A platform for which the export index has torch's releases."""

    name: str
    """Name as in wheel tags, without a version: ``linux_x86_64``."""
    system: System
    arch: str
    """Architecture, as in ``Binary.arch``."""
    wheel_tags: tuple[str, ...]
    """Platform tags of torch's wheels, for pip's ``--platform``."""


PLATFORMS = (
    IndexPlatform(
        "linux_x86_64",
        LINUX,
        "x86_64",
        (
            *("manylinux1_x86_64", "manylinux2014_x86_64"),
            *("manylinux_2_17_x86_64", "manylinux_2_28_x86_64"),
        ),
    ),
    IndexPlatform(
        "linux_aarch64",
        LINUX,
        "aarch64",
        ("manylinux2014_aarch64", "manylinux_2_17_aarch64", "manylinux_2_28_aarch64"),
    ),
    IndexPlatform(
        "macosx_arm64",
        MACOS,
        "arm64",
        ("macosx_26_0_arm64",),  # pip accepts wheels for every older macOS as well
    ),
    IndexPlatform("win_amd64", WINDOWS, "x86_64", ("win_amd64",)),
)
"""The first platform of a system is its default if no architecture is given."""

_NAMES = {(one.system.format, one.arch): one.name for one in PLATFORMS}
_ROWS = {one.name: one for one in PLATFORMS}
_USUAL = {one.system.word: one.name for one in reversed(PLATFORMS)}

LEGACY_GLIBC = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
"""The tags from before PEP 600, and the glibc version of each."""

_LIBC = {"manylinux": "glibc", "musllinux": "musl"}
_FAT = {
    "universal2": ("x86_64", "arm64"),
    "universal": ("i386", "ppc", "x86_64", "ppc64"),
    "intel": ("i386", "x86_64"),
    "fat": ("i386", "ppc"),
    "fat32": ("i386", "ppc"),
    "fat64": ("x86_64", "ppc64"),
    "fat3": ("i386", "ppc", "x86_64"),
}
_WINDOWS = {"win32": "i686", "win_amd64": "x86_64", "win_arm64": "arm64", "win_arm32": "armv7l"}
_SAME = {"amd64": "x86_64", "i386": "i686"}


@dataclass(frozen=True, slots=True)
class Platform:
    """One platform tag of a wheel."""

    tag: str
    system: str
    """``linux``, ``macos``, ``windows``; ``other`` for a system that this program does not know."""
    architectures: tuple[str, ...]
    """Architectures, as in ``Binary.arch``."""
    version: tuple[int, int] | None = None
    """The oldest glibc, musl or macOS release on which the tag promises to run."""
    libc: str | None = None
    """``glibc`` or ``musl``, if a Linux tag names one."""


def index_platform(form: Format, arch: str | None) -> str | None:
    """The name of an image's platform; None if the index has no torch for it."""
    return None if arch is None else _NAMES.get((form, arch))


def system_of_platform(name: str) -> System:
    """The system of an index platform.

    Raises:
        KeyError: there is no such platform.
    """
    return _ROWS[name].system


def usual_platform(word: str | None) -> str:
    """The default index platform of a system, given by its word; of Linux for None."""
    return _USUAL[word or LINUX.word]


def same_arch(one: str, other: str) -> bool:
    """Whether two names mean the same architecture."""
    return _SAME.get(one, one) == _SAME.get(other, other)


def platform(tag: str) -> Platform | None:
    """Parse a wheel's platform tag; None for ``any``."""
    if tag == "any":
        return None
    if tag in _WINDOWS:
        return Platform(tag, WINDOWS.word, (_WINDOWS[tag],))
    spelt = tag
    first, _, rest = tag.partition("_")
    if first in LEGACY_GLIBC:
        glibc = LEGACY_GLIBC[first]
        spelt = f"manylinux_{glibc[0]}_{glibc[1]}_{rest}"
    match spelt.split("_", 3):
        case ["manylinux" | "musllinux" | "macosx" as name, major, minor, arch] if (
            major.isdecimal() and minor.isdecimal() and arch.replace("_", "a").isalnum()
        ):
            version = (int(major), int(minor))
            if name == "macosx":
                return Platform(tag, MACOS.word, _FAT.get(arch, (arch,)), version)
            return Platform(tag, LINUX.word, (arch,), version, _LIBC[name])
    if tag.startswith("linux_"):
        return Platform(tag, LINUX.word, (tag.removeprefix("linux_"),))
    return Platform(tag, "other", ())
