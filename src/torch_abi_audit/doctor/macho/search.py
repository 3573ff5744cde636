"""The paths at which dyld looks for a library, in order.

From ``forEachPathVariant`` of dyld's ``DyldProcessConfig.cpp``, and ``forEachPath`` and
``forEachResolvedAtPathVar`` of its ``Loader.cpp``.
"""

from __future__ import annotations

from typing import NamedTuple

from torch_abi_audit.doctor.process import Found
from torch_abi_audit.knowledge.names.system import MACOS_PATHS, is_searched, is_toolkit
from torch_abi_audit.runtime.records import dataclass
from torch_abi_audit.sources.files.place import HOST, is_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch_abi_audit.doctor.macho.images import Loaded

_CRYPTEX = "/System/Volumes/Preboot/Cryptexes/OS"
"""Where macOS 13 and later have parts of the system, and look for any absolute path."""
_FALLBACKS = ("/usr/local/lib", "/usr/lib")
"""Searched last, for images linked with an SDK before ``_NO_FALLBACKS``."""
_NO_FALLBACKS = (14, 0)
_PROTECTED = ("/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/usr/libexec/", "/System/")
"""Programs of macOS, from which System Integrity Protection keeps dyld's variables."""
_BUILDERS = (
    *("/Users/runner/", "/Users/ec2-user/", "/Users/distiller/", "/Users/travis/"),
    *("/private/tmp/", "/tmp/", "/private/var/folders/", "/var/folders/"),  # noqa: S108 - compared
)
"""Homes of the machines of GitHub, AWS, CircleCI and Travis CI, and directories for temporary
files: they are in libraries built there, and on nobody's Mac."""
_SYSTEM = frozenset(
    f"lib{name}.dylib"
    for name in (
        *("System", "System.B", "c", "m", "dl", "pthread", "util", "objc", "objc.A"),
        *("c++", "c++.1", "c++abi", "stdc++.6", "z", "z.1", "bz2", "bz2.1.0", "lzma", "lzma.5"),
        *("iconv", "iconv.2", "charset", "charset.1", "curl", "curl.4", "sqlite3", "sqlite3.0"),
        *("xml2", "xml2.2", "xslt", "xslt.1", "exslt.0", "expat", "expat.1", "edit", "edit.3"),
        *("ncurses", "ncurses.5.4", "form.5.4", "panel.5.4", "menu.5.4", "ffi", "resolv"),
        *("resolv.9", "archive", "archive.2", "compression", "icucore", "icucore.A", "pcap"),
        *("pcap.A", "sasl2", "sasl2.2", "cups", "cups.2", "pam", "pam.2", "sandbox.1"),
    )
)
"""Libraries in macOS' ``/usr/lib``, by the SDK of macOS 15."""
_HOMEBREW = ("/opt/homebrew/", "/opt/local/", "/usr/local/")
_SIMULATED = ("DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH")
_SIMULATED_FRAMEWORKS = ("DYLD_FRAMEWORK_PATH", "DYLD_FALLBACK_FRAMEWORK_PATH")


class Candidate(NamedTuple):
    """One path at which dyld looks."""

    path: str
    found: Found
    where: str = ""
    shared_cache: bool = True
    """Whether dyld looks for it among the libraries of the system, too."""
    beside: bool = False
    """Whether the path begins at an image that is seen, so that it can be seen, too."""


class Link(NamedTuple):
    """The images on whose behalf a library is loaded, the nearest first."""

    image: Loaded
    previous: Link | None = None


@dataclass(frozen=True, slots=True)
class Variables:
    """The variables that change where dyld looks: overriding directories, and fallback ones."""

    libraries: tuple[str, ...] = ()
    frameworks: tuple[str, ...] = ()
    fallback_libraries: tuple[str, ...] = ()
    fallback_frameworks: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    """What was not simulated, as sentences."""


def variables(program: str, environ: Mapping[str, str]) -> Variables:
    """The variables that dyld regards in a process of ``program``."""
    given = {name: value for name, value in environ.items() if name.startswith("DYLD_") and value}
    if given and program.startswith(_PROTECTED):
        names = ", ".join(sorted(given))
        return Variables(unknown=(f"macOS keeps {names} from {program}, a program of its own.",))
    others = sorted(given.keys() - {*_SIMULATED, *_SIMULATED_FRAMEWORKS})
    override, fallback = (_directories(given.get(name, "")) for name in _SIMULATED)
    frameworks, last = (_directories(given.get(name, "")) for name in _SIMULATED_FRAMEWORKS)
    unknown = tuple(f"{name} is set, and was not simulated." for name in others)
    return Variables(override, frameworks, fallback, last, unknown)


class Request(NamedTuple):
    """A library that is asked for."""

    asked: str
    chain: Link | None
    """Who asks, and on whose behalf; None if the program cannot be seen."""
    program: str
    """Path of the program; empty if it is not known."""
    variables: Variables
    linked: bool
    """Whether an image is linked to it; else the program opens it."""


def candidates(request: Request) -> Iterator[Candidate]:
    """The paths at which dyld looks for a library; the first that can be loaded is it."""
    asked, given = request.asked, request.variables
    framework = _in_framework(asked)
    leaf = framework or asked.rpartition("/")[2]
    for directory in given.frameworks if framework else given.libraries:
        yield Candidate(f"{directory}/{leaf}", Found.VARIABLE, directory)
    relative = not request.linked and asked[:1] not in {"/", "@"}
    if asked[:1] != "@":
        yield Candidate(asked, Found.PATH, shared_cache=False)
        yield Candidate(_CRYPTEX + asked, Found.PATH)
    if relative:
        yield from _expanded(f"@rpath/{asked}", request)
        yield Candidate(f"/usr/lib/{asked}", Found.DEFAULT)
        yield Candidate(asked, Found.PATH)
    else:
        yield from _expanded(asked, request)
    if request.linked or "/" not in asked or framework:
        for candidate in _fallbacks(request, leaf, given, framework=bool(framework)):
            if candidate.path != asked:
                yield candidate


def _fallbacks(
    request: Request, leaf: str, given: Variables, *, framework: bool
) -> Iterator[Candidate]:
    directories = given.fallback_frameworks if framework else given.fallback_libraries
    for directory in directories:
        yield Candidate(f"{directory}/{leaf}", Found.VARIABLE, directory)
    if not directories and not framework and request.chain is not None:
        image = request.chain.image.image
        if image is not None and (image.versions.sdk or (0, 0)) < _NO_FALLBACKS:
            for directory in _FALLBACKS:
                yield Candidate(f"{directory}/{leaf}", Found.DEFAULT, directory)


def _expanded(asked: str, request: Request) -> Iterator[Candidate]:
    """A path with ``@loader_path``, ``@executable_path`` or ``@rpath`` replaced."""
    chain = request.chain
    if asked.startswith("@rpath/"):
        while chain is not None:
            for rpath in chain.image.rpaths:
                yield from _below(rpath, asked[len("@rpath/") :], chain.image, request.program)
            chain = chain.previous
        return
    path = _replaced(asked, chain.image.path if chain else "", request.program)
    if path is not None:
        yield Candidate(path, Found.PATH, beside=_is_beside(asked, request.program))


def _below(rpath: str, tail: str, image: Loaded, program: str) -> Iterator[Candidate]:
    directory = _replaced(rpath, image.path, program)
    if directory is not None and (directory != rpath or rpath.startswith("/")):
        beside = _is_beside(rpath, program)
        yield Candidate(_joined(directory, tail), Found.RPATH, rpath, beside=beside)
        if directory == rpath:
            yield Candidate(_CRYPTEX + _joined(directory, tail), Found.RPATH, rpath)


def _replaced(path: str, image: str, program: str) -> str | None:
    """A path without ``@loader_path`` and ``@executable_path``; None if it begins with another @.

    Where the program is not known, a path that begins with its directory leads nowhere.
    """
    first, slash, rest = path.partition("/")
    if first == "@loader_path":
        return f"{image.rpartition('/')[0]}{slash}{rest}"
    if first == "@executable_path":
        return _beside_program(program, f"{slash}{rest}") if program else None
    return None if path.startswith("@") else path


def _is_beside(path: str, program: str) -> bool:
    """Whether a path begins at an image that is seen: that which states it, or the program."""
    first = path.partition("/")[0]
    if first == "@executable_path":
        return is_directory(program.rpartition("/")[0])
    return first == "@loader_path"


def _beside_program(program: str, rest: str) -> str:
    directory = program.rpartition("/")[0]
    while rest.startswith("/..") and "/" in directory.strip("/"):
        directory, rest = directory.rpartition("/")[0], rest[3:]
    return directory + rest


def _joined(directory: str, tail: str) -> str:
    return f"{directory.rstrip('/')}/{tail}"


def _in_framework(path: str) -> str:
    """The part ``X.framework/…/X`` of a path in a framework; empty for other paths."""
    before, marker, after = path.rpartition(".framework/")
    name = before.rpartition("/")[2]
    return f"{name}{marker}{after}" if marker and after.rpartition("/")[2] == name else ""


def _directories(value: str) -> tuple[str, ...]:
    return tuple(entry for entry in value.split(":") if entry)


def is_of_system(path: str, asked: str) -> bool:
    """Whether a path is one of macOS' own libraries, which are not in files.

    A path that ``asked`` states itself is; one that a search led to must be known.
    """
    if not path.startswith(MACOS_PATHS) or path.startswith(_CRYPTEX):
        return False
    directory, _, name = path.rpartition("/")
    return path == asked or directory.startswith(("/System", "/usr/lib/")) or name in _SYSTEM


def cannot_be_seen(candidate: Candidate) -> bool:
    """Whether a library of a Mac may be at a path although this system has nothing there.

    What dyld searches last and by itself, for old images, does not count: few libraries are there.
    """
    path = candidate.path
    if HOST == "macos" or candidate.beside or candidate.found is Found.DEFAULT:
        return False
    if not path.startswith("/") or path.startswith((*_BUILDERS, _CRYPTEX)):
        return False  # the first: relative to the working directory
    directory = path.rpartition("/")[0]
    if is_searched(directory) or is_toolkit(directory) or path.startswith(_HOMEBREW):
        return True
    return not is_directory(directory)
