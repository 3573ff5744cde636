"""Platform tags of wheels, read."""

from __future__ import annotations

from torch_abi_audit.runtime.records import dataclass

_LIBC = {"manylinux": "glibc", "musllinux": "musl"}


_LEGACY = {"manylinux1_": "manylinux_2_5_", "manylinux2010_": "manylinux_2_12_"} | {
    "manylinux2014_": "manylinux_2_17_"
}
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


@dataclass(frozen=True, slots=True)
class Platform:
    """One platform tag of a wheel."""

    tag: str
    system: str
    """``linux``, ``macos``, ``windows``; ``other`` for what this program has no facts on."""
    architectures: tuple[str, ...]
    """As ``Binary.arch`` spells them."""
    version: tuple[int, int] | None = None
    """The glibc, musl or macOS release that the tag promises to run on."""
    libc: str | None = None
    """``glibc`` or ``musl``, where a Linux tag names one."""


def platform(tag: str) -> Platform | None:
    """A wheel's platform tag, read; None for ``any``."""
    if tag == "any":
        return None
    if tag in _WINDOWS:
        return Platform(tag, "windows", (_WINDOWS[tag],))
    spelt = tag
    for legacy, modern in _LEGACY.items():
        if tag.startswith(legacy):
            spelt = modern + tag.removeprefix(legacy)
    match spelt.split("_", 3):
        case ["manylinux" | "musllinux" | "macosx" as name, major, minor, arch] if (
            major.isdecimal() and minor.isdecimal() and arch.replace("_", "a").isalnum()
        ):
            version = (int(major), int(minor))
            if name == "macosx":
                return Platform(tag, "macos", _FAT.get(arch, (arch,)), version)
            return Platform(tag, "linux", (arch,), version, _LIBC[name])
    if tag.startswith("linux_"):
        return Platform(tag, "linux", (tag.removeprefix("linux_"),))
    return Platform(tag, "other", ())
