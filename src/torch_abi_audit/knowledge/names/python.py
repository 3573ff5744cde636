"""Python's own libraries by name, and the Python that an extension module's name states."""

from __future__ import annotations

from torch_abi_audit.knowledge.names.library_file import split_version
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.model.reports import ExtensionReport

_FRAMEWORKS = frozenset({"Python", "PythonT", "Python3", "Python3T"})
_FLAVOURS = ("abi3", "abi3t")
_WITH_PYMALLOC = {f"{minor}m" for minor in range(2, 8)}
"""Releases until 3.7 mark the common build with an ``m``: ``cpython-37m``."""
_WINDOWS = {"win32": "i686", "win_amd64": "x86_64", "win_arm64": "arm64"}
_MULTIARCH = {"i386": "i686", "powerpc64le": "ppc64le"}
"""Architectures that Debian's multiarch names, which suffixes contain, spell in another way."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The one Python version that a file is for."""

    minor: int
    free_threaded: bool

    @property
    def python(self) -> str:
        """``3.13``, or ``3.13t`` for the free-threaded build."""
        return f"3.{self.minor}{'t' if self.free_threaded else ''}"


@dataclass(frozen=True, slots=True)
class Suffix:
    """The interpreters and the platform that the suffix of a module's file name is for."""

    implementation: str
    """As in wheel tags: ``cp``, ``pp`` (PyPy), ``graalpy``."""
    python: Bound
    system: str | None
    """``linux``, ``macos`` or ``windows``; None if the suffix names none of these."""
    arch: str | None
    """As ``Binary.arch`` spells it; None if it is not known, and on macOS."""


def bound(one: ExtensionReport) -> Bound | None:
    """The one Python that a library requires, by its file name or the DLLs that it imports."""
    found = named(one.name)
    if found is not None:
        return found
    dlls = (dll_bound(name) for image in one.linkage for name in image.needed)
    return next((each for each in dlls if each is not None), None)


def named(file: str) -> Bound | None:
    """The Python in ``_C.cpython-313t-x86_64-linux-gnu.so`` or ``_C.cp313t-win_amd64.pyd``."""
    found = suffix(file)
    return found.python if found is not None and found.implementation == "cp" else None


def suffix(file: str) -> Suffix | None:
    """What the suffix of a module's file name says; None if it is not for one interpreter.

    ``_C.cpython-313t-x86_64-linux-gnu.so``, ``_C.cp313-win_amd64.pyd``,
    ``_C.pypy310-pp73-darwin.so``, ``_C.graalpy242-311-native-x86_64-linux.so``.
    """
    module, _, kind = file.rpartition(".")
    _, dot, tag = module.rpartition(".")
    if not dot or kind not in {"so", "pyd"}:
        return None
    first, _, rest = tag.partition("-")
    if first == "cpython":
        implementation, (python, _, platform) = "cp", rest.partition("-")
    elif first.startswith("cp3"):
        implementation, python, platform = "cp", first[2:], rest
    elif first.startswith("pypy3"):
        implementation, python, platform = "pp", first[4:], rest.partition("-")[2]
    elif first.startswith("graalpy"):
        implementation, (python, _, platform) = "graalpy", rest.partition("-")
    else:
        return None
    digits = python[1:].removesuffix("d")
    if digits in _WITH_PYMALLOC:
        digits = digits.removesuffix("m")
    minor = _minor(digits) if python.startswith("3") else None
    if minor is None or not platform:
        return None
    return Suffix(implementation, minor, *_platform(platform))


def _platform(text: str) -> tuple[str | None, str | None]:
    """System and architecture of ``x86_64-linux-gnu``, ``darwin`` or ``win_amd64``."""
    if text in _WINDOWS:
        return "windows", _WINDOWS[text]
    words = text.removeprefix("native-").split("-")
    if words[-1] == "darwin":
        return "macos", None
    arch, *rest = words
    if rest[:1] == ["linux"] and rest[1:] in ([], ["gnu"], ["musl"]):
        return "linux", _MULTIARCH.get(arch, arch)
    return None, None


def abi3_claim(file: str) -> str | None:
    """The stable ABI, ``abi3`` or ``abi3t``, that a file name claims; None if it claims none.

    The claim is an infix: ``_C.abi3.so``, ``_C.abi3-x86_64-linux-gnu.so``, ``_C.abi3t.pyd``,
    ``libx.abi3.so.6.12``, ``libx.abi3.6.12.dylib``.
    """
    stem, _ = split_version(file)
    _, dot, tag = stem.rpartition(".")
    flavour, dash, platform = tag.partition("-")
    claims = dot and stem != file and flavour in _FLAVOURS and bool(dash) == bool(platform)
    return flavour if claims else None


def without_tag(stem: str) -> str:
    """A module's file name without its Python tag: ``_C`` for ``_C.abi3``."""
    module, dot, tag = stem.rpartition(".")
    return module if dot and _is_tag(tag.lower()) else stem


def dll_bound(library: str) -> Bound | None:
    """The Python of ``python313t.dll`` or of the debug build ``python313t_d.dll``."""
    build = _dll_build(library)
    return None if build is None else _minor(build)


def dll_flavour(library: str) -> str | None:
    """``abi3`` for ``python3.dll``, ``abi3t`` for ``python3t.dll``, which serve many Pythons."""
    build = _dll_build(library)
    return f"abi3{build}" if build in ("", "t") else None


def is_libpython(name: str) -> bool:
    """Whether a library is libpython: ``libpython3.11.so.1.0``, ``Python`` of a framework."""
    if name.startswith("libpython3"):
        return name.endswith(".dylib") or name.rstrip(".0123456789").endswith(".so")
    return name in _FRAMEWORKS


def is_python(name: str) -> bool:
    """Whether a library is Python itself, on any system."""
    return is_libpython(name) or dll_flavour(name) is not None or dll_bound(name) is not None


def _dll_build(library: str) -> str | None:
    """``313t`` for ``python313t.dll`` and ``python313t_d.dll``; empty for ``python3.dll``."""
    name = library.lower()
    if not (name.startswith("python3") and name.endswith(".dll")):
        return None
    return name[len("python3") : -len(".dll")].removesuffix("_d")


def _minor(text: str) -> Bound | None:
    """The Python of ``13`` or ``13t``."""
    digits = text.removesuffix("t")
    return Bound(int(digits), digits != text) if digits.isdecimal() else None


def _is_tag(tag: str) -> bool:
    """Whether a text is a Python tag.

    ``abi3``, ``cpython-313t-darwin``, ``cp313-win_amd64``, ``pypy39-pp73-x86_64-linux-gnu``.
    """
    python, _, platform = tag.partition("-")
    if python in _FLAVOURS:
        return True
    if python == "cpython":
        return platform[:1].isdecimal()
    begins = python.startswith(("cp", "pypy"))
    return (
        begins and bool(platform) and python.removeprefix("cp").removeprefix("pypy")[:1].isdecimal()
    )
