"""The libraries that platform tags guarantee: ``data/platform_policies.tsv``, read on first use.

``tools/generate_platform_policies.py`` generates the table.
"""

from __future__ import annotations

from torch_abi_audit.knowledge import tables
from torch_abi_audit.model.releases import release_key
from torch_abi_audit.runtime.once import once
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from torch_abi_audit.knowledge.platforms import Platform


@dataclass(frozen=True, slots=True)
class Policy:
    """The libraries and symbol versions that a manylinux or musllinux tag guarantees."""

    libraries: frozenset[str]
    """Libraries that a wheel may take from the system."""
    limits: Mapping[str, str]
    """Symbol version namespace (``GLIBCXX``) to the newest version on these systems."""


def policy(platform: Platform) -> Policy | None:
    """The policy of a manylinux or musllinux tag; None for other tags.

    A glibc release without a policy of its own has the libraries of the next older one.
    """
    if platform not in _KNOWN:
        _KNOWN[platform] = _policy(platform)
    return _KNOWN[platform]


_KNOWN: dict[Platform, Policy | None] = {}


def system_libraries(arch: str) -> frozenset[str]:
    """The libraries that the newest manylinux policy takes from the system."""
    from torch_abi_audit.knowledge.platforms import Platform

    found = policy(Platform("", "linux", (arch,), (2, 9999), "glibc"))
    return found.libraries if found is not None else frozenset()


def _policy(platform: Platform) -> Policy | None:
    if platform.version is None or platform.libc is None:
        return None
    prefix = "manylinux" if platform.libc == "glibc" else "musllinux"
    known = {
        release: name
        for name in _policies()["linux"]
        if name.startswith(prefix) and (release := _release(name)) <= platform.version
    }
    if not known:
        return None
    nearest = max(known)
    found = _policies()["linux"][known[nearest]]
    limits = dict(found["limits"].get(platform.architectures[0], {}))
    if platform.libc == "glibc" and (nearest != platform.version or "GLIBC" not in limits):
        limits["GLIBC"] = ".".join(map(str, platform.version))
    return Policy(frozenset(found["libraries"]), limits)


def oldest_tag(arch: str, needs: Iterable[tuple[str, str]]) -> str | None:
    """The oldest manylinux tag whose systems have symbol versions; None if no policy does.

    Args:
        arch: The architecture, as in ``Platform.architectures``.
        needs: Namespaces and numbers, such as ``("GLIBC", "2.28")``.
    """
    wanted = [(space, release_key(number)) for space, number in needs]
    names = [name for name in _policies()["linux"] if name.startswith("manylinux")]
    for name in sorted(names, key=_release):
        limits = _policies()["linux"][name]["limits"].get(arch)
        if limits and all(
            space in limits and key <= release_key(limits[space]) for space, key in wanted
        ):
            return f"{name}_{arch}"
    return None


def is_windows_library(name: str) -> bool:
    """Whether a DLL, in lower case, is part of Windows."""
    return name in _windows()


def is_linux_library(name: str) -> bool:
    """Whether any manylinux or musllinux tag lets a wheel take a library from the system."""
    return any(name in each["libraries"] for each in _policies()["linux"].values())


@once
def _platforms() -> tables.Table:
    return tables.read("platform_policies")


@once
def _policies() -> dict[str, Any]:
    sections = _platforms().sections
    linux: dict[str, Any] = {
        name: {"libraries": libraries.split(), "limits": {}}
        for name, libraries in sections["libraries"].items()
    }
    for tag, limits in sections["limits"].items():
        *release, arch = tag.split("_", 3)
        linux["_".join(release)]["limits"][arch] = tables.values(limits.split())
    return {"linux": linux}


@once
def _windows() -> frozenset[str]:
    return frozenset(" ".join(_platforms().sections["windows"].values()).split())


def _release(policy_name: str) -> tuple[int, int]:
    _, major, minor = policy_name.split("_")
    return int(major), int(minor)
