"""The dynamic loader of a system: its release, and what it was built with, read from its file."""

from __future__ import annotations

import os
import re

from torch_abi_audit.doctor.elf.cache import Cache
from torch_abi_audit.runtime.records import dataclass
from torch_abi_audit.sources import loading

_MOST = 1 << 24
"""Most bytes of the loader's file, of the C library's and of the cache: each has at most 3 MB."""
_EXACT = frozenset({"aarch64", "x86_64"})
"""The architectures whose directories for better processors are known."""
_RELEASE = re.compile(rb" release version (\d+)\.(\d+)")
_DIRECTORIES = re.compile(rb"(?<=\0)(?:/[!-~]*lib[!-~]*/\0)+")
"""The built-in directories: strings that follow each other, each with a slash at its end."""
_CACHE = re.compile(rb"(?<=\0)(/[!-~]*/ld\.so\.cache)\0")
_PRELOAD = re.compile(rb"(?<=\0)(/[!-~]*/ld\.so\.preload)\0")
_LEVELS = (
    ("x86-64-v2", "cx16 lahf_lm popcnt pni ssse3 sse4_1 sse4_2"),
    ("x86-64-v3", "avx avx2 bmi1 bmi2 f16c fma abm movbe"),
    ("x86-64-v4", "avx512f avx512bw avx512cd avx512dq avx512vl"),
)
"""Each level with the flags of ``/proc/cpuinfo`` that it adds: glibc's ``get-isa-level.h``."""
_INTEL_PLATFORMS = (
    ("xeon_phi", "avx512cd avx512er avx512pf"),
    ("haswell", "avx2 bmi1 bmi2 abm movbe popcnt"),
)
_AVX512 = "avx512cd avx512bw avx512dq avx512vl"
"""The flags behind the word ``avx512_1``."""
_LIKELY = (2, 36)
"""The release that is taken where it is not known."""
_NAMED_LEVELS = (2, 33)
"""The release that brought ``glibc-hwcaps``."""
_NO_LEGACY = (2, 37)
"""The release that no longer looks into ``tls`` and directories named after a platform."""


@dataclass(frozen=True, slots=True)
class System:
    """What a loader knows before it opens anything."""

    release: tuple[int, int]
    """Of glibc."""
    directories: tuple[str, ...]
    """The built-in directories, each with a slash at its end."""
    lib: str
    """What ``$LIB`` stands for."""
    platform: str
    """What ``$PLATFORM`` stands for."""
    levels: tuple[str, ...]
    """The directories below ``glibc-hwcaps`` that the processor can use, the best first."""
    subdirectories: tuple[str, ...]
    """Where each directory of a search is looked into: paths with a slash at the end, the last of
    which is empty."""
    cache: Cache
    preload: str
    """The file with libraries that every program opens first."""
    unknown: tuple[str, ...]
    """What could not be determined, as sentences."""


def system(interpreter: str, architecture: str) -> System:
    """The loader at a path, for the processor of this machine."""
    data = loading.contents(interpreter, _MOST)
    unknown = []
    if architecture not in _EXACT:
        unknown.append(f"The dynamic loader of {architecture} is not simulated in every detail.")
    if data is None:
        unknown.append(f"The dynamic loader {interpreter} cannot be read.")
        data = b""
    directories = _directories(data)
    if not directories:
        unknown.append(f"The default directories of {interpreter} are not known.")
        directories = ("/lib64/", "/usr/lib64/")
    release = _release(data, directories)
    if release is None:
        unknown.append(f"The release of glibc that {interpreter} belongs to is not known.")
        release = _LIKELY
    processor = loading.processor()
    platform = _platform(processor, architecture)
    levels = _levels(processor) if release >= _NAMED_LEVELS and architecture == "x86_64" else ()
    legacy = _legacy(processor, architecture, platform) if release < _NO_LEGACY else ()
    cache = loading.contents(_path(_CACHE, data, "/etc/ld.so.cache"), _MOST) or b""
    return System(
        release=release,
        directories=directories,
        lib=_lib(directories),
        platform=platform,
        levels=levels,
        subdirectories=(*(f"glibc-hwcaps/{level}/" for level in levels), *legacy, ""),
        cache=Cache(cache, architecture),
        preload=_path(_PRELOAD, data, "/etc/ld.so.preload"),
        unknown=tuple(unknown),
    )


def _directories(data: bytes) -> tuple[str, ...]:
    """The longest run of strings that look like the built-in directories."""
    runs = [run.rstrip(b"\0").split(b"\0") for run in _DIRECTORIES.findall(data)]
    return tuple(map(os.fsdecode, max(runs, key=len, default=[])))


def _release(data: bytes, directories: tuple[str, ...]) -> tuple[int, int] | None:
    """The release that the loader states or, before 2.33, the C library beside it."""
    for each in (None, *directories):
        text = data if each is None else loading.contents(f"{each}libc.so.6", _MOST) or b""
        match = _RELEASE.search(text)
        if match:
            return int(match[1]), int(match[2])
    return None


def _lib(directories: tuple[str, ...]) -> str:
    for each in directories:
        if each.startswith("/usr/"):
            return each.removeprefix("/usr/").rstrip("/")
    return "lib"


def _path(pattern: re.Pattern[bytes], data: bytes, default: str) -> str:
    match = pattern.search(data)
    return os.fsdecode(match[1]) if match else default


def _levels(processor: dict[str, frozenset[str]]) -> tuple[str, ...]:
    flags = processor.get("flags", frozenset())
    found: list[str] = []
    for level, needed in _LEVELS:
        if not flags.issuperset(needed.split()):
            break
        found.insert(0, level)
    return tuple(found)


def _platform(processor: dict[str, frozenset[str]], architecture: str) -> str:
    """What the kernel says, or for some processors of Intel what glibc says."""
    if "GenuineIntel" in processor.get("vendor_id", ()):
        for name, needed in _INTEL_PLATFORMS:
            if processor.get("flags", frozenset()).issuperset(needed.split()):
                return name
    return architecture


def _legacy(
    processor: dict[str, frozenset[str]], architecture: str, platform: str
) -> tuple[str, ...]:
    """The directories of the mechanism before ``glibc-hwcaps``: every choice of its words."""
    words = ["tls", platform]
    if architecture == "x86_64":
        flags = processor.get("flags", frozenset())
        if platform == "haswell" and flags.issuperset(_AVX512.split()):
            words.append("avx512_1")
        words.append("x86_64")
    elif architecture == "aarch64" and "atomics" in processor.get("Features", ()):
        words.append("atomics")
    found = [""]
    for word in reversed(words):
        found = [f"{word}/{rest}" for rest in found] + found
    return tuple(found[:-1])
