"""A process under glibc: what it has opened, and ``dlopen`` without running anything.

The steps are those of glibc's ``elf/dl-open.c`` and, for the start of a program, ``elf/rtld.c``.
"""

from __future__ import annotations

import os
import re

from torch_abi_audit.doctor.elf.binding import bind
from torch_abi_audit.doctor.elf.header import machine
from torch_abi_audit.doctor.elf.link_map import LinkMap
from torch_abi_audit.doctor.elf.mapping import Mapper
from torch_abi_audit.doctor.elf.objects import Facts, Object, facts
from torch_abi_audit.doctor.elf.order import in_order
from torch_abi_audit.doctor.elf.refusal import RefusalError
from torch_abi_audit.doctor.elf.search import Located, Search
from torch_abi_audit.doctor.elf.system import system
from torch_abi_audit.doctor.elf.versions import check
from torch_abi_audit.doctor.process import Found, Opened
from torch_abi_audit.model.errors import FormatError, TargetError
from torch_abi_audit.runtime.records import replace
from torch_abi_audit.sources import loading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch_abi_audit.doctor.elf.system import System
    from torch_abi_audit.doctor.process import Failure

_MOST_PRELOAD = 1 << 16
_LONGEST_PATH = 1 << 12
_NOT_SIMULATED = ("GLIBC_TUNABLES", "LD_AUDIT")


def process(program: str, environ: Mapping[str, str]) -> ElfProcess:
    """The process that a program has become when its own libraries are open.

    Args:
        program: Path of the program: a Python interpreter, not a script.
        environ: Its environment, of which ``LD_LIBRARY_PATH``, ``LD_PRELOAD`` and ``LD_BIND_NOW``
            count. Relative paths in it begin at the current directory.

    Raises:
        TargetError: the file is no program that a dynamic loader starts, or cannot be read.
    """
    path = loading.real_path(program)
    try:
        file = loading.open_library(path)
        known = facts(file)
    except (OSError, FormatError) as error:
        raise TargetError(f"{program} cannot be read: {error}") from error
    if isinstance(known, str) or known.image.interpreter is None:
        raise TargetError(f"{program} is not a program that a dynamic loader starts")
    opened = Opened(program, program, None, Found.PATH)
    main = Object(path, os.path.dirname(path), known, file.identity, None, opened)
    main.names = [""]
    interpreter = _interpreter(known)
    its_system = system(interpreter, known.image.architecture())
    link_map = LinkMap(main)
    link_map.unknown += its_system.unknown
    if os.path.basename(interpreter).startswith("ld-musl"):
        link_map.unknown.append("The C library is musl, whose loader is not simulated.")
    for name in _NOT_SIMULATED:
        if environ.get(name):
            link_map.unknown.append(f"What {name} changes is not simulated.")
    search = Search(its_system, machine(known.image))
    search.use_variable(environ.get("LD_LIBRARY_PATH", ""), main)
    started = ElfProcess(its_system, search, link_map)
    started.start(interpreter, environ)
    return started


class ElfProcess:
    """A simulated process under glibc; ``doctor.process.Process`` says what it does."""

    __slots__ = ("_link_map", "_mapper", "_search", "_system", "failure")

    def __init__(self, system: System, search: Search, link_map: LinkMap) -> None:
        self._system, self._search, self._link_map = system, search, link_map
        self._mapper = Mapper(search, link_map, system.release)
        self.failure: Failure | None = None
        """What ended the program, or kept it from starting."""

    @property
    def opened(self) -> Sequence[Opened]:
        """All libraries in the process, in the order of opening; the program is left out."""
        program = self._link_map.program
        return [each.opened for each in self._link_map.objects if each is not program]

    @property
    def unknown(self) -> Sequence[str]:
        """What could not be determined, as sentences."""
        return list(self._link_map.unknown)

    def open(self, path: str, *, everywhere: bool = False, by: str | None = None) -> Failure | None:
        """Open a library and all that it needs, as ``dlopen`` does with ``RTLD_NOW``.

        Args:
            path: A path, or a name that is searched.
            everywhere: Whether its names are offered to libraries opened later (RTLD_GLOBAL).
            by: Path of the open library that calls ``dlopen``, whose RPATH or RUNPATH is searched
                for a name; by default the program.

        Returns:
            What the loader answers if it refuses; None if the library is open. After words that
            end the program, or if it does not even start, these.
        """
        if self.failure is not None:
            return self.failure
        before = [*self._link_map.objects]
        try:
            new = self._mapper.asked(path, self._caller(by))
            if new.searchlist is None:
                self._complete(new)
        except RefusalError as refusal:
            failure = replace(refusal.failure, led=self._led())
            self._link_map.forget(before)
            if failure.fatal:
                self.failure = failure
            return failure
        if everywhere:
            self._link_map.offer(new)
        return None

    def fork(self) -> ElfProcess:
        """The same process once more: what is opened in one is not open in the other."""
        other = ElfProcess(self._system, self._search, self._link_map.copy())
        other.failure = self.failure
        return other

    def start(self, interpreter: str, environ: Mapping[str, str]) -> None:
        """Open the program's own libraries; a refusal is kept as ``failure``.

        Args:
            interpreter: Path of the dynamic loader.
            environ: The environment of the program.
        """
        program = self._link_map.program
        try:
            self._open_loader(interpreter)
            preloaded = self._preloads(environ.get("LD_PRELOAD", ""))
            program.searchlist = self._mapper.with_dependencies(program, preloaded)
            program.dependencies = in_order(program, program.searchlist, self._system.release)
            self._link_map.offer(program)
            for each in self._link_map.objects:
                check(each, self._link_map.objects, self._system.release)
            lazy = not environ.get("LD_BIND_NOW")
            self._relocate(program.dependencies, lazy=lazy)
        except RefusalError as refusal:
            self.failure = replace(refusal.failure, fatal=True)

    def _led(self) -> tuple[Opened, ...]:
        """The libraries that a variable of the environment led to."""
        return tuple(one for one in self.opened if one.found in (Found.VARIABLE, Found.PRELOAD))

    def _complete(self, new: Object) -> None:
        """Open what a library needs, check the versions and look up the symbols."""
        new.searchlist = self._mapper.with_dependencies(new)
        new.dependencies = in_order(new, new.searchlist, self._system.release)
        for each in new.searchlist:
            if each.versions is None:
                check(each, self._link_map.objects, self._system.release)
        self._relocate(new.dependencies, lazy=False)

    def _relocate(self, objects: Sequence[Object], *, lazy: bool) -> None:
        """Look up the symbols of libraries, the last one first.

        Args:
            objects: The libraries.
            lazy: Whether functions are left out where a library does not insist on them.
        """
        for each in reversed(objects):
            if each.relocated:
                continue
            later = lazy and not (each.facts is not None and each.facts.bind_now)
            scope = self._link_map.scope(each)
            doubt = bind(each, scope, self._system.release, lazy=later)
            if doubt is not None:
                self._link_map.unknown.append(doubt)
            each.relocated = True

    def _open_loader(self, interpreter: str) -> None:
        """Take in the loader itself, which every program has open."""
        try:
            file = loading.open_library(interpreter)
        except OSError:
            return  # ``system`` has said so
        opened = Opened(interpreter, interpreter, self._link_map.program.path, Found.PATH)
        one = self._mapper.read(Located(file, interpreter, Found.PATH), None, opened)
        one.relocated = True
        self._link_map.objects.append(one)

    def _preloads(self, variable: str) -> list[Object]:
        """The libraries of LD_PRELOAD and of the system's file; those that fail are left out."""
        text = loading.contents(self._system.preload, _MOST_PRELOAD) or b""
        lines = [line.partition("#")[0] for line in os.fsdecode(text).splitlines()]
        names = [*re.split("[ :]", variable), *re.split(r"[\s:]+", " ".join(lines))]
        found: list[Object] = []
        for name in filter(None, names):
            before = [*self._link_map.objects]
            try:
                one = self._mapper.preloaded(name)
            except RefusalError:
                self._link_map.forget(before)
                continue
            if one not in found and one is not self._link_map.program:
                found.append(one)
        return found

    def _caller(self, by: str | None) -> Object:
        """The library that calls ``dlopen``."""
        program = self._link_map.program
        return next((each for each in self._link_map.objects if each.path == by), program)


def _interpreter(known: Facts) -> str:
    """The path of the loader that a program names."""
    offset, size = known.image.interpreter or (0, 0)
    text = known.image.source.read_at(offset, min(size, _LONGEST_PATH))
    return os.fsdecode(text.partition(b"\0")[0])
