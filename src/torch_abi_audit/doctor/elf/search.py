"""Where the loader looks for a library: the order of glibc's ``elf/dl-load.c``."""

from __future__ import annotations

import errno
import os
import re

from torch_abi_audit.doctor.elf.header import OtherClassError, OtherMachineError, verify
from torch_abi_audit.doctor.elf.refusal import RefusalError
from torch_abi_audit.doctor.process import Failure, Found, Refusal
from torch_abi_audit.runtime.records import dataclass
from torch_abi_audit.sources import loading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch_abi_audit.doctor.elf.header import Machine
    from torch_abi_audit.doctor.elf.objects import Object
    from torch_abi_audit.doctor.elf.system import System
    from torch_abi_audit.sources.loading import LibraryFile

_TOKEN = re.compile(r"\$(?:(ORIGIN|PLATFORM|LIB)(?![A-Za-z0-9_])|\{(ORIGIN|PLATFORM|LIB)\})")
_GO_ON = frozenset({errno.ENOENT, errno.EACCES})
_NOT_A_DIRECTORY = (2, 39)
"""The release since which a search also goes on where part of a path is not a directory."""


@dataclass(frozen=True, slots=True)
class Directory:
    """One directory of a search path."""

    prefix: str
    """Written before the name: empty, or with a slash at its end."""
    found: Found
    written: str
    """The entry as it is written in the variable or the file."""
    of: str | None = None
    """The library whose RPATH or RUNPATH it is from."""


@dataclass(frozen=True, slots=True)
class Located:
    """A file that was found and verified."""

    file: LibraryFile
    path: str
    found: Found
    where: str = ""
    of: str | None = None


class Search:
    """The search paths of a process, and what is known of their directories."""

    __slots__ = (
        "_defaults",
        "_errno",
        "_exists",
        "_host",
        "_other_class",
        "_other_machine",
        "_system",
        "_variable",
    )

    def __init__(self, system: System, host: Machine) -> None:
        self._system, self._host = system, host
        self._exists: dict[str, bool] = {}
        self._errno = 0
        self._other_class = self._other_machine = False
        self._variable: tuple[Directory, ...] = ()
        self._defaults = tuple(
            Directory(each, Found.DEFAULT, each.rstrip("/")) for each in system.directories
        )

    def use_variable(self, value: str, program: Object) -> None:
        """Take the directories of LD_LIBRARY_PATH; entries end at ``:`` or ``;``."""
        if value:
            entries = re.split("[:;]", value)
            self._variable = tuple(self._directories(entries, program, Found.VARIABLE, None))

    def expand(self, text: str, owner: Object) -> str:
        """Replace ``$ORIGIN``, ``$LIB`` and ``$PLATFORM`` as for a library."""
        values = {
            "ORIGIN": owner.origin,
            "LIB": self._system.lib,
            "PLATFORM": self._system.platform,
        }
        return _TOKEN.sub(lambda match: values[match[1] or match[2]], text)

    def locate(self, name: str, loader: Object | None, program: Object) -> Located:
        """Find the file for a name or a path that no open library answers to.

        Args:
            name: A path if it has a slash, else a name that is searched.
            loader: The library that needs it; None if its directories do not count.
            program: The main program.

        Raises:
            RefusalError: there is none, or it is not one that this loader could open.
        """
        self._errno, self._other_class, self._other_machine = 0, False, False
        if "/" in name:
            path = self.expand(name, loader) if loader is not None else name
            file = self._opened(path)
            located = None if file is None else Located(file, path, Found.PATH)
        else:
            located = self._searched(name, loader, program)
        if located is not None:
            return located
        if self._other_class:
            other = 32 if self._host.wide else 64
            text = f"{name}: wrong ELF class: ELFCLASS{other}"
            raise RefusalError(Failure(text, Refusal.OTHER_MACHINE, name, library=name))
        text = f"{name}: cannot open shared object file"
        if self._errno:
            text += f": {os.strerror(self._errno)}"
        kind = Refusal.OTHER_MACHINE if self._other_machine else Refusal.NO_LIBRARY
        raise RefusalError(Failure(text, kind, name, library=name))

    def _searched(self, name: str, loader: Object | None, program: Object) -> Located | None:
        for directories in self._paths(loader, program):
            located = self._among(name, directories)
            if located is not None:
                return located
        asking = loader or program
        defaults = asking.facts is None or not asking.facts.no_default_directories
        cached = self._system.cache.find(name, self._system.levels)
        if cached is not None and (defaults or not cached.startswith(self._system.directories)):
            file = self._opened(cached)
            if file is not None:
                return Located(file, cached, Found.CACHE, os.path.dirname(cached))
        return self._among(name, self._defaults) if defaults else None

    def _paths(self, loader: Object | None, program: Object) -> Iterator[Iterable[Directory]]:
        """The search paths that come before the cache, in order."""
        if loader is None or loader.facts is None or loader.facts.runpath is None:
            each = loader
            seen = False
            while each is not None:
                yield self._rpath(each)
                seen |= each is program
                each = each.loader
            if not seen:
                yield self._rpath(program)
        yield self._variable
        if loader is not None and loader.facts is not None and loader.facts.runpath:
            entries = loader.facts.runpath.split(":")
            yield self._directories(entries, loader, Found.RUNPATH, loader.path)

    def _rpath(self, owner: Object) -> Iterable[Directory]:
        if owner.facts is None or not owner.facts.rpath:
            return ()
        return self._directories(owner.facts.rpath.split(":"), owner, Found.RPATH, owner.path)

    def _directories(
        self, entries: Iterable[str], owner: Object, found: Found, of: str | None
    ) -> list[Directory]:
        """The directories that entries stand for, each once; an empty entry is the current one."""
        known: dict[str, Directory] = {}
        for written in entries:
            prefix = self.expand(written, owner)
            if written and not prefix:
                continue
            if prefix:
                prefix = prefix.rstrip("/") + "/"
            known.setdefault(prefix, Directory(prefix, found, written, of))
        return list(known.values())

    def _among(self, name: str, directories: Iterable[Directory]) -> Located | None:
        """The first of the directories that has the library."""
        for directory in directories:
            present = False
            for below in self._system.subdirectories:
                place = directory.prefix + below
                if not self._is_directory(place):
                    continue
                present = True
                file = self._opened(place + name)
                if file is not None:
                    return Located(
                        file, place + name, directory.found, directory.written, directory.of
                    )
            if present and not self._goes_on():
                return None
        return None

    def _goes_on(self) -> bool:
        """Whether the search goes on after the reason for which the last file was not opened."""
        if self._errno == errno.ENOTDIR:
            return self._system.release >= _NOT_A_DIRECTORY
        return self._errno in _GO_ON

    def _is_directory(self, place: str) -> bool:
        """Whether a directory exists; one below the current directory is always tried."""
        if not place.startswith("/"):
            return True
        known = self._exists.get(place)
        if known is None:
            known = self._exists[place] = loading.is_directory(place)
            if not known:
                self._errno = errno.ENOENT
        return known

    def _opened(self, path: str) -> LibraryFile | None:
        """A verified file; None if there is none for this machine.

        Raises:
            RefusalError: it is no library that this loader could open.
        """
        try:
            file = loading.open_library(path)
        except OSError as error:
            self._errno = error.errno or errno.ENOENT
            return None
        try:
            verify(file, path, self._host)
        except OtherClassError:
            self._other_class = True
        except OtherMachineError:
            self._other_machine = True
        else:
            return file
        self._errno = errno.ENOENT
        return None
