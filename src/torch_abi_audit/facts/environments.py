"""The environments that a distribution's tags and ``Requires-Python`` admit.

``packaging`` is imported only for specifiers other than ``>=3.N``: most packages do not need it.
"""

from __future__ import annotations

from torch_abi_audit.knowledge import platforms, torch_releases
from torch_abi_audit.model.declared import Declared, WheelTag, wheel_tags
from torch_abi_audit.runtime.once import once
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from packaging.specifiers import SpecifierSet

    from torch_abi_audit.knowledge.platforms import Platform
    from torch_abi_audit.model.reports import PackageReport

OLDEST_MINOR = 6
"""Python 3.6: no wheel that is built today is for an older one."""


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment in which an installer may install the distribution."""

    python: str
    """``3.11``."""
    system: str
    machine: str
    """As ``Binary.arch`` spells it."""

    def markers(self) -> dict[str, str]:
        """The environment's values of the marker variables of dependency specifiers."""
        system = platforms.SYSTEMS[self.system]
        return {
            "extra": "",
            "implementation_name": "cpython",
            "implementation_version": f"{self.python}.0",
            "os_name": system.os_name,
            "platform_machine": system.machines.get(self.machine, self.machine),
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": system.platform_system,
            "platform_version": "",
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
            "sys_platform": system.sys_platform,
        }


def tag_platforms(tags: Iterable[WheelTag]) -> tuple[Platform, ...]:
    """The platforms of the tags, each once; ``any`` has none."""
    found = {tag.platform: platforms.platform(tag.platform) for tag in tags}
    return tuple(one for one in found.values() if one is not None)


def pythons(declared: Declared) -> tuple[str, ...]:
    """The known minor releases of CPython for which an installer accepts the distribution."""
    tags = wheel_tags(declared)
    return tuple(
        f"3.{minor}"
        for minor in range(OLDEST_MINOR, newest_minor() + 1)
        if (not tags or any(_serves(tag, minor) for tag in tags))
        and admits(declared.requires_python, minor)
    )


def environments(declared: Declared, report: PackageReport) -> tuple[Environment, ...]:
    """Every known environment that the tags and ``Requires-Python`` admit.

    Without platform tags, the platforms are those that the libraries are built for.
    """
    places = {
        (one.system, machine)
        for one in tag_platforms(wheel_tags(declared))
        for machine in one.architectures
        if one.system in platforms.SYSTEMS
    } or {
        (platforms.SYSTEM_OF[image.format].word, image.arch)
        for library in report.libraries
        for image in library.linkage
    }
    return tuple(
        Environment(python, system, machine)
        for python in pythons(declared)
        for system, machine in sorted(places)
    )


def admits(requires_python: str | None, minor: int) -> bool:
    """Whether ``Requires-Python`` admits some patch release of Python 3.``minor``.

    An invalid specifier admits everything; ``unreadable_python`` detects one.
    """
    if requires_python is None or not requires_python.strip():
        return True
    simple = _simple_floor(requires_python)
    if simple is not None:
        return minor >= simple
    specifiers = _specifiers(requires_python)
    return specifiers is None or any(
        specifiers.contains(f"3.{minor}.{patch}") for patch in (0, 5, 10, 99)
    )


def unreadable_python(requires_python: str | None) -> bool:
    """Whether ``Requires-Python`` is not a valid specifier."""
    return (
        requires_python is not None
        and _simple_floor(requires_python) is None
        and _specifiers(requires_python) is None
    )


@once
def newest_minor() -> int:
    """The newest Python 3 minor release that a torch release has wheels for."""
    newest = torch_releases.torch_releases()[-1]
    return max(int(python.partition(".")[2]) for python in newest.pythons)


def _simple_floor(requires_python: str) -> int | None:
    """The 9 of ``>=3.9``, the most common form; None for any other form."""
    if requires_python.startswith(">="):
        match requires_python[2:].strip().split("."):
            case ["3"] | ["3", "*"]:
                return 0
            case ["3", minor] | ["3", minor, "0" | "*"] if minor.isdecimal():
                return int(minor)
    return None


def _serves(tag: WheelTag, minor: int) -> bool:
    match tag.interpreter:
        case ("cp", None) | ("py", None):
            return True
        case ("cp", int(named)):
            return minor >= named if tag.is_abi3 else minor == named
        case ("py", int(named)):
            return minor >= named
    return False


_SPECIFIERS: dict[str, SpecifierSet | None] = {}


def _specifiers(text: str) -> SpecifierSet | None:
    """The parsed specifier, cached; None if it is not valid."""
    if text not in _SPECIFIERS:
        from packaging.specifiers import InvalidSpecifier, SpecifierSet  # rarely needed

        try:
            _SPECIFIERS[text] = SpecifierSet(text, prereleases=True)
        except InvalidSpecifier:
            _SPECIFIERS[text] = None
    return _SPECIFIERS[text]
