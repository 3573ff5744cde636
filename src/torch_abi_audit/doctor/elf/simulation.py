"""A process under glibc: what it has opened, and ``dlopen`` without running anything.

The steps are those of glibc's ``elf/dl-open.c``, ``elf/dl-load.c``, ``elf/dl-deps.c`` and, for the
start of a program, ``elf/rtld.c``.
"""

from __future__ import annotations

import os
import re

from torch_abi_audit.doctor.elf.binding import bind
from torch_abi_audit.doctor.elf.header import machine
from torch_abi_audit.doctor.elf.objects import Facts, Object, facts
from torch_abi_audit.doctor.elf.order import in_order
from torch_abi_audit.doctor.elf.refusal import RefusalError
from torch_abi_audit.doctor.elf.search import Located, Search
from torch_abi_audit.doctor.elf.system import system
from torch_abi_audit.doctor.elf.versions import check
from torch_abi_audit.doctor.process import Failure, Found, Opened, Refusal
from torch_abi_audit.formats.elf.image import Tag
from torch_abi_audit.model.errors import FormatError, TargetError
from torch_abi_audit.runtime.records import replace
from torch_abi_audit.sources import loading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MOST_PRELOAD = 1 << 16
_NO_EXECUTABLE_STACK = (2, 41)
"""The release since which ``dlopen`` refuses what asks for an executable stack."""
_NO_PROGRAMS = (2, 30)
"""The release since which ``dlopen`` refuses a position-independent executable."""


def process(program: str, environ: Mapping[str, str]) -> ElfProcess:
    """The process that a program has become when its own libraries are open.

    Args:
        program: Path of the program: a Python interpreter, not a script.
        environ: Its environment, of which ``LD_LIBRARY_PATH``, ``LD_PRELOAD`` and ``LD_BIND_NOW``
            count.

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
    return ElfProcess(path, known, file.identity, environ)


class ElfProcess:
    """A simulated process under glibc; ``doctor.process.Process`` says what it does."""

    def __init__(
        self,
        program: str,
        known: Facts,
        identity: tuple[int, int],
        environ: Mapping[str, str],
    ) -> None:
        interpreter = _interpreter(known)
        self._system = system(interpreter, known.image.architecture())
        self._search = Search(self._system, machine(known.image))
        self._stack_is_executable = _executable_stack(known)
        self._unknown = [*self._system.unknown]
        if os.path.basename(interpreter).startswith("ld-musl"):
            self._unknown.append("The C library is musl, whose loader is not simulated.")
        opened = Opened(program, program, None, Found.PATH)
        self._program = Object(program, os.path.dirname(program), known, identity, None, opened)
        self._program.names = [""]
        self._objects = [self._program]
        self._global: list[Object] = []
        self.failure: Failure | None = None
        """What ended the program, or kept it from starting."""
        self._search.use_variable(environ.get("LD_LIBRARY_PATH", ""), self._program)
        try:
            self._start(interpreter, environ)
        except RefusalError as refusal:
            self.failure = replace(refusal.failure, fatal=True)

    @property
    def opened(self) -> Sequence[Opened]:
        """All libraries in the process, in the order of opening; the program is left out."""
        return [each.opened for each in self._objects if each is not self._program]

    @property
    def unknown(self) -> Sequence[str]:
        """What could not be determined, as sentences."""
        return list(self._unknown)

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
        before = len(self._objects)
        try:
            self._open(path, self._caller(by), everywhere=everywhere)
        except RefusalError as refusal:
            del self._objects[before:]
            if refusal.failure.fatal:
                self.failure = refusal.failure
            return refusal.failure
        return None

    def copy(self) -> ElfProcess:
        """Another process in which the same libraries are open."""
        from copy import deepcopy

        shared: list[object] = [self._system, self._search]
        for each in self._objects:
            shared += each.unchanging
        return deepcopy(self, {id(one): one for one in shared})

    def _open(self, path: str, caller: Object, *, everywhere: bool) -> None:
        new = self._named(path)
        if new is None:
            by = caller if "/" not in path or "$" in path else None
            new = self._mapped(path, by, dlopen=True)
        if new.searchlist is None:
            self._complete(new)
        if everywhere:
            self._offer(new)

    def _complete(self, new: Object) -> None:
        """Open what a library needs, check the versions and look up the symbols."""
        needed = self._with_dependencies(new, [])
        new.searchlist = needed
        new.dependencies = in_order(needed, self._system.release)
        for each in needed:
            if each.versions is None:
                check(each, self._objects, self._system.release)
        for each in reversed(new.dependencies):
            if not each.relocated:
                self._bind(each, lazy=False)

    def _bind(self, one: Object, *, lazy: bool) -> None:
        root = one
        while root.loader is not None:
            root = root.loader
        scope = dict.fromkeys([*self._global, *(root.searchlist or ())])
        if one.facts is not None and one.facts.symbolic:
            scope = dict.fromkeys([one, *scope])
        lazy = lazy and not (one.facts is not None and one.facts.bind_now)
        doubt = bind(one, list(scope), self._system.release, lazy=lazy)
        if doubt is not None:
            self._unknown.append(doubt)
        one.relocated = True

    def _offer(self, new: Object) -> None:
        """Add a library and all that it needs to the global scope."""
        for each in new.searchlist or ():
            if not each.everywhere:
                each.everywhere = True
                self._global.append(each)

    def _start(self, interpreter: str, environ: Mapping[str, str]) -> None:
        """Open the program's own libraries."""
        self._open_loader(interpreter)
        preloaded = self._preloads(environ.get("LD_PRELOAD", ""))
        needed = self._with_dependencies(self._program, preloaded)
        self._program.searchlist = needed
        self._program.dependencies = in_order(needed, self._system.release)
        self._offer(self._program)
        for each in self._objects:
            check(each, self._objects, self._system.release)
        lazy = not environ.get("LD_BIND_NOW")
        for each in reversed(self._program.dependencies):
            if not each.relocated:
                self._bind(each, lazy=lazy)

    def _open_loader(self, interpreter: str) -> None:
        """Take in the loader itself, which every program has open."""
        try:
            file = loading.open_library(interpreter)
        except OSError:
            return
        opened = Opened(interpreter, interpreter, self._program.path, Found.PATH)
        one = self._object(Located(file, interpreter, Found.PATH), None, opened)
        one.relocated = True
        self._objects.append(one)

    def _preloads(self, variable: str) -> list[Object]:
        """The libraries of LD_PRELOAD and of the system's file; those that fail are left out."""
        text = (loading.contents(self._system.preload, _MOST_PRELOAD) or b"").decode(
            "utf-8", "surrogateescape"
        )
        lines = [line.partition("#")[0] for line in text.splitlines()]
        names = [*re.split("[ :]", variable), *re.split(r"[\s:]+", " ".join(lines))]
        found: list[Object] = []
        for name in filter(None, names):
            before = len(self._objects)
            try:
                one = self._named(name)
                if one is None:
                    one = self._mapped(name, self._program, found=Found.PRELOAD)
            except RefusalError:
                del self._objects[before:]
                continue
            if one not in found and one is not self._program:
                found.append(one)
        return found

    def _with_dependencies(self, root: Object, preloaded: Sequence[Object]) -> list[Object]:
        """A library, and all that it needs, breadth first; what is not open is opened.

        Raises:
            RefusalError: something that is needed is not found, or cannot be opened.
        """
        listed = [root, *preloaded]
        done: set[int] = set()
        at = 0
        while at < len(listed):
            current = listed[at]
            if id(current) in done:
                at += 1
                continue
            done.add(id(current))
            direct = []
            for tag, written in current.facts.needed if current.facts is not None else ():
                one = self._needed(tag, written, current)
                if one is None:
                    continue
                direct.append(one)
                if tag == Tag.NEEDED:
                    if one not in listed:
                        listed.append(one)
                else:
                    place = listed.index(current)
                    if one in listed[place:]:
                        listed.remove(one)
                    if one not in listed:
                        listed.insert(place, one)
            if current.dependencies is None and current.searchlist is None and current is not root:
                current.dependencies = [current, *direct]
        return listed

    def _needed(self, tag: int, written: str, by: Object) -> Object | None:
        """The library that another needs; None for a missing one of DT_AUXILIARY."""
        name = self._search.expand(written, by)
        before = len(self._objects)
        try:
            return self._named(name) or self._mapped(name, by)
        except RefusalError:
            if tag == Tag.AUXILIARY:
                del self._objects[before:]
                return None
            raise

    def _named(self, name: str) -> Object | None:
        """The open library that answers to a name."""
        return next((each for each in self._objects if each.answers_to(name)), None)

    def _mapped(
        self, name: str, by: Object | None, *, dlopen: bool = False, found: Found | None = None
    ) -> Object:
        """Find a file and make it a part of the process, unless it is one under another name.

        Raises:
            RefusalError: there is none, or the loader does not accept it.
        """
        try:
            located = self._search.locate(name, by, self._program)
        except RefusalError as refusal:
            raise _asked(refusal, by, dlopen=dlopen) from None
        identity = located.file.identity
        for each in self._objects:
            if each.identity == identity:
                if not each.is_named(name):
                    each.names.append(name)
                return each
        loader = None if dlopen else by
        opened = Opened(
            located.path,
            name,
            None if by is None or dlopen else by.path,
            found or located.found,
            located.where,
            located.of,
        )
        one = self._object(located, loader, opened)
        self._accept(one, name, dlopen=dlopen or by is not self._program)
        self._objects.append(one)
        return one

    def _object(self, located: Located, loader: Object | None, opened: Opened) -> Object:
        path = located.path
        absolute = path if path.startswith("/") else f"{loading.working_directory()}/{path}"
        origin = absolute.rpartition("/")[0] or "/"
        try:
            known = facts(located.file)
        except (FormatError, OSError) as error:
            self._unknown.append(f"What {path} needs and defines is not known: {error}.")
            known = None
        if isinstance(known, str):
            text = _KINDS.get(known, "only ET_DYN and ET_EXEC can be loaded")
            kind = Refusal.EXECUTABLE if known == "executable" else Refusal.DAMAGED
            raise RefusalError(Failure(f"{opened.asked}: {text}", kind, path))
        return Object(path, origin, known, located.file.identity, loader, opened)

    def _accept(self, one: Object, name: str, *, dlopen: bool) -> None:
        """Refuse what the loader does not accept once it is mapped.

        Raises:
            RefusalError: it is a program, or asks for an executable stack.
        """
        if one.facts is None:
            return
        release = self._system.release
        if one.facts.fixed:
            text = f"{name}: cannot dynamically load executable"
            raise RefusalError(Failure(text, Refusal.EXECUTABLE, one.path))
        if one.facts.program and release >= _NO_PROGRAMS:
            text = f"{name}: cannot dynamically load position-independent executable"
            raise RefusalError(Failure(text, Refusal.EXECUTABLE, one.path))
        if one.facts.not_for_dlopen and dlopen:
            raise RefusalError(
                Failure(f"{name}: shared object cannot be dlopen()ed", Refusal.OTHER, one.path)
            )
        stack = _executable_stack(one.facts)
        if stack and release >= _NO_EXECUTABLE_STACK and not self._stack_is_executable:
            reason = os.strerror(22)
            text = f"{name}: cannot enable executable stack as shared object requires: {reason}"
            raise RefusalError(Failure(text, Refusal.EXECUTABLE_STACK, one.path))

    def _caller(self, by: str | None) -> Object:
        if by is None:
            return self._program
        return next((each for each in self._objects if each.path == by), self._program)


_KINDS = {
    "executable": "cannot dynamically load executable",
    "debug symbols": "object file has no dynamic section",
}


def _executable_stack(known: Facts) -> bool:
    """Whether a file asks for an executable stack; on x86-64, one that says nothing does."""
    stack = known.image.executable_stack
    return known.image.architecture() == "x86_64" if stack is None else stack


def _interpreter(known: Facts) -> str:
    """The path of the loader that a program names."""
    offset, size = known.image.interpreter or (0, 0)
    return os.fsdecode(known.image.source.read_at(offset, min(size, 4096)).rstrip(b"\0"))


def _asked(refusal: RefusalError, by: Object | None, *, dlopen: bool) -> RefusalError:
    """The same answer, which names the library that asked."""
    failure = refusal.failure
    if by is None or dlopen or failure.library is None:
        return refusal
    return RefusalError(Failure(failure.text, failure.kind, by.path, library=failure.library))
