"""The Python of an environment, as far as imports depend on it, without running its packages.

An interpreter is asked with ``-I -S``: its ``site`` module does not run, so that neither ``.pth``
files nor ``sitecustomize`` are executed. The directories that those files add are read from them.
"""

from __future__ import annotations

import json
import os
import re
import sys

from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.runtime.records import dataclass
from torch_abi_audit.sources.installed.editable import directories
from torch_abi_audit.sources.installed.imports import listing
from torch_abi_audit.sources.installed.interpreters import program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_TIMEOUT = 60
_QUESTION = """\
import json, sys, importlib.machinery as machinery
json.dump({"path": sys.path, "version": sys.version_info[:3], "system": sys.platform,
           "suffixes": machinery.EXTENSION_SUFFIXES, "executable": sys.executable,
           "base": sys.base_prefix, "libs": sys.platlibdir}, sys.stdout)
"""
_CONFIGURATION = "pyvenv.cfg"
_FOLDER = re.compile(r"python3\.\d+t?")
_MACHINES = ("x86_64", "aarch64")
_STATED = re.compile(r"_C\.(?:cpython-|cp)(\d)(\d+)(t?)[-.]")


@dataclass(frozen=True, slots=True)
class Python:
    """An interpreter and the directories in which it looks for modules."""

    executable: str
    """The program, without symlinks; empty if it is not there, as for another system."""
    version: tuple[int, ...]
    system: str
    """``sys.platform``: ``linux``, ``darwin``, ``win32``."""
    machine: str
    """The processor, as ``platform.machine`` names it."""
    suffixes: tuple[str, ...]
    """Those of extension modules, in the order in which they are tried."""
    path: tuple[str, ...]
    """``sys.path``: the standard library, the site-packages directories, and what ``.pth`` files
    add."""
    sites: tuple[str, ...]
    prefix: str
    base_prefix: str

    @property
    def release(self) -> str:
        """``3.12``."""
        return ".".join(map(str, self.version[:2]))


def running() -> Python:
    """The interpreter that this program runs in, and its environment."""
    from importlib.machinery import EXTENSION_SUFFIXES

    from torch_abi_audit.sources.installed.environment import running_directories

    sites = running_directories()
    home = os.path.dirname(os.path.abspath(sys.argv[0])) if sys.argv[0] else ""
    standard = [path for path in sys.path if path and os.path.abspath(path) != home]
    return Python(
        executable=os.path.realpath(sys.executable),
        version=tuple(sys.version_info[:3]),
        system=sys.platform,
        machine=_machine(),
        suffixes=tuple(EXTENSION_SUFFIXES),
        path=_once((*standard, *sites)),
        sites=sites,
        prefix=sys.prefix,
        base_prefix=sys.base_prefix,
    )


def asked(place: str) -> Python:
    """The interpreter at ``place``, a program or an environment's directory.

    Raises:
        TargetError: there is no interpreter, or it does not answer.
    """
    import subprocess

    path = program(place)
    try:
        done = subprocess.run(
            [path, "-I", "-S", "-c", _QUESTION],
            capture_output=True,
            check=False,
            timeout=_TIMEOUT,
            stdin=subprocess.DEVNULL,
        )
        said = json.loads(done.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        raise TargetError(
            f"{path} did not report its paths: is it a Python interpreter?"
        ) from error
    version = tuple(said["version"])
    prefix, inherits = _environment(path)
    homes = [prefix or said["base"], *([said["base"]] if prefix and inherits else [])]
    sites = tuple(one for home in homes for one in _sites(home, said["libs"], version))
    return Python(
        executable=os.path.realpath(said["executable"] or path),
        version=version,
        system=said["system"],
        machine=_machine(),
        suffixes=tuple(said["suffixes"]),
        path=_once((*_of_variable(), *filter(None, said["path"]), *_with_added(sites))),
        sites=sites,
        prefix=homes[0],
        base_prefix=said["base"],
    )


def seen(home: str) -> Python | None:
    """The interpreter of an environment by its files, without running it; None if they do not tell.

    A virtual environment's ``pyvenv.cfg`` names the interpreter that it was made with.
    """
    try:
        path = program(home)
    except TargetError:
        return None
    prefix, _ = _environment(path)
    base = home
    if prefix is not None:
        from torch_abi_audit.sources.installed.virtual_environment import configuration

        base = os.path.dirname(configuration(prefix).get("home", "")) or home
    for libs in ("lib", "lib64"):
        for name in sorted(listing(os.path.join(base, libs)), reverse=True):
            version = _FOLDER.fullmatch(name)
            if version and os.path.isfile(os.path.join(base, libs, name, "os.py")):
                return _of_files(path, prefix or home, base, os.path.join(base, libs), name)
    return None


def _of_files(path: str, prefix: str, base: str, libs: str, folder: str) -> Python:
    """An interpreter whose standard library is in ``libs/folder``."""
    digits = folder.removeprefix("python").replace(".", "")
    standard = os.path.join(libs, folder)
    major, minor = folder.removeprefix("python").rstrip("t").split(".")
    version = (int(major), int(minor), 0)
    platform = "darwin" if sys.platform == "darwin" else f"{_machine()}-linux-gnu"
    sites = tuple(_sites(prefix, os.path.basename(libs), version))
    archive = os.path.join(libs, f"python{digits.rstrip('t')}.zip")
    return Python(
        executable=os.path.realpath(path),
        version=version,
        system=sys.platform,
        machine=_machine(),
        suffixes=(f".cpython-{digits}-{platform}.so", ".abi3.so", ".so"),
        path=_once((archive, standard, os.path.join(standard, "lib-dynload"), *sites)),
        sites=sites,
        prefix=prefix,
        base_prefix=base,
    )


def of_directory(site: str) -> Python:
    """The interpreter for a site-packages directory: that of the environment around it, else this.

    The environment may be anybody's, so its interpreter is not run: its paths follow from where it
    is. Torch's own extension module says for which Python and system the directory is.

    Raises:
        TargetError: it is not a directory.
    """
    site = os.path.abspath(site)
    if not os.path.isdir(site):
        raise TargetError(f"{site} is not a directory")
    home = _home(site)
    base = (None if home is None else seen(home)) or running()
    standard = [
        path for path in base.path if not any(_is_within(path, each) for each in base.sites)
    ]
    added = tuple(_with_added((site,)))
    version, system, machine, suffixes = _stated(site, base)
    return Python(
        executable=base.executable if system == base.system else _program_of(site, system),
        version=version,
        system=system,
        machine=machine,
        suffixes=suffixes,
        path=_once((*standard, *added)),
        sites=(site,),
        prefix=base.prefix,
        base_prefix=base.base_prefix,
    )


def _stated(site: str, base: Python) -> tuple[tuple[int, ...], str, str, tuple[str, ...]]:
    """Version, system, machine and suffixes by torch's module; by default those of ``base``."""
    usual = (base.version, base.system, base.machine, base.suffixes)
    names = [name for name in listing(os.path.join(site, "torch")) if name.startswith("_C.")]
    if any(f"_C{suffix}" in names for suffix in base.suffixes):
        return usual
    for name in names:
        match = _STATED.match(name)
        if match is None:
            continue
        version = (int(match[1]), int(match[2]), 0)
        tag = name.removeprefix("_C")
        if name.endswith(".pyd"):
            machine = "ARM64" if "arm64" in name else "AMD64"
            return version, "win32", machine, (tag, ".pyd")
        if "-darwin" in name:
            return version, "darwin", "arm64", (tag, ".abi3.so", ".so")
        machine = next((word for word in _MACHINES if word in name), base.machine)
        return version, "linux", machine, (tag, ".abi3.so", ".so")
    return usual


def _program_of(site: str, system: str) -> str:
    """The interpreter beside a site-packages directory of another system; empty if not there."""
    above = os.path.dirname(os.path.dirname(site))
    places = [os.path.join(above, "python.exe"), os.path.join(above, "Scripts", "python.exe")]
    if system != "win32":
        places = [os.path.join(os.path.dirname(above), "bin", "python3")]
    return next(filter(os.path.isfile, places), "")


def _machine() -> str:
    if hasattr(os, "uname"):
        return os.uname().machine
    return os.environ.get("PROCESSOR_ARCHITECTURE", "AMD64")


def _home(site: str) -> str | None:
    """The environment that contains a site-packages directory, if it has an interpreter."""
    above = os.path.dirname(site)
    for _ in range(3):
        above = os.path.dirname(above)
        for name in ("bin/python", "bin/python3", "Scripts/python.exe", "python.exe"):
            if os.path.isfile(os.path.join(above, name)) and _is_within(site, above):
                return above if len(above) > 1 and above != "/usr" else None
    return None


def _environment(path: str) -> tuple[str | None, bool]:
    """The virtual environment of an interpreter, and whether it sees the packages of its base."""
    folder = os.path.dirname(os.path.abspath(path))
    for home in (folder, os.path.dirname(folder)):
        if os.path.isfile(os.path.join(home, _CONFIGURATION)):
            from torch_abi_audit.sources.installed.virtual_environment import configuration

            said = configuration(home).get("include-system-site-packages", "")
            return home, said.lower() == "true"
    return None, False


def _sites(home: str, libs: str, version: Sequence[int]) -> Iterator[str]:
    """The existing site-packages directories below a prefix, as ``site`` names them."""
    folder = f"python{version[0]}.{version[1]}"
    candidates = [
        *(os.path.join(home, lib, folder, "site-packages") for lib in (libs, "lib")),
        os.path.join(home, "lib", f"{folder}t", "site-packages"),
        os.path.join(home, "local", "lib", folder, "dist-packages"),
        os.path.join(home, "lib", "python3", "dist-packages"),
        os.path.join(home, "Lib", "site-packages"),
    ]
    yield from _once(one for one in candidates if os.path.isdir(one))


def _of_variable() -> Iterator[str]:
    """The directories of ``PYTHONPATH``, which interpreters search first."""
    for path in os.environ.get("PYTHONPATH", "").split(os.pathsep):
        if path:
            yield os.path.abspath(path)


def _with_added(sites: Iterable[str]) -> Iterator[str]:
    """Each site-packages directory, and what its ``.pth`` files add, as ``site`` adds them."""
    for site in sites:
        yield site
        for name in listing(site):
            if name.endswith(".pth") and not name.startswith("."):
                try:
                    yield from directories(site, name)
                except OSError:
                    continue


def _is_within(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip(os.sep) + os.sep)


def _once(paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(paths))
