"""How a file becomes a library of the process: glibc's ``elf/dl-load.c`` and ``elf/dl-deps.c``."""

from __future__ import annotations

import errno
import os

from torch_abi_audit.doctor.elf.objects import Facts, Object, facts
from torch_abi_audit.doctor.elf.refusal import RefusalError
from torch_abi_audit.doctor.process import Failure, Found, Opened, Refusal
from torch_abi_audit.formats.elf.image import Tag
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.sources import loading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch_abi_audit.doctor.elf.link_map import LinkMap
    from torch_abi_audit.doctor.elf.search import Located, Search

_NO_EXECUTABLE_STACK = (2, 41)
"""The release since which ``dlopen`` refuses what asks for an executable stack."""
_NO_PROGRAMS = (2, 30)
"""The release since which ``dlopen`` refuses a position-independent executable."""
_EXECUTABLE = frozenset({"armv7l", "i686", "s390x", "x86_64"})
"""Machines on which the stack is executable by default: their ``stackinfo.h``."""
_KINDS = {
    "executable": "cannot dynamically load executable",
    "debug symbols": "object file has no dynamic section",
    "nothing to load": "object file has no loadable segments",
}
_ONE_ALIGNMENT = (2, 35)
"""The release since which only addresses and offsets are compared, not the stated alignment."""


class Mapper:
    """Finds files and adds them to the list of a process."""

    __slots__ = ("_link_map", "_release", "_search")

    def __init__(self, search: Search, link_map: LinkMap, release: tuple[int, int]) -> None:
        self._search, self._link_map, self._release = search, link_map, release

    def needed(self, name: str, by: Object) -> Object:
        """The library that another one needs, opened if it is not open.

        Raises:
            RefusalError: it is not found, or the loader does not accept it.
        """
        found = self._link_map.named(name)
        if found is not None:
            return found
        try:
            located = self._search.locate(name, by, self._link_map.program)
        except RefusalError as refusal:
            failure = refusal.failure
            file = failure.file if failure.library is None else by.path
            library = failure.library
            raise RefusalError(Failure(failure.text, failure.kind, file, library=library)) from None
        at_start = by is self._link_map.program
        return self._mapped(located, name, by, dlopen=not at_start)

    def preloaded(self, name: str) -> Object:
        """A library that the program opens before its own.

        Raises:
            RefusalError: it is not found, or the loader does not accept it.
        """
        program = self._link_map.program
        found = self._link_map.named(name)
        if found is not None:
            return found
        located = self._search.locate(name, program, program)
        return self._mapped(located, name, program, found=Found.PRELOAD, dlopen=False)

    def asked(self, name: str, by: Object) -> Object:
        """The library that is asked for by ``dlopen``, opened by itself if it is not open.

        Raises:
            RefusalError: it is not found, or the loader does not accept it.
        """
        found = self._link_map.named(name)
        if found is not None:
            return found
        caller = by if "/" not in name or "$" in name else None
        located = self._search.locate(name, caller, self._link_map.program)
        return self._mapped(located, name, None, dlopen=True)

    def with_dependencies(self, root: Object, preloaded: Sequence[Object] = ()) -> list[Object]:
        """A library, and all that it needs, breadth first; what is not open is opened.

        Raises:
            RefusalError: something that is needed is not found, or not accepted.
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
            direct = self._direct(current, listed)
            if current.dependencies is None and current.searchlist is None and current is not root:
                current.dependencies = [current, *direct]
        return listed

    def _direct(self, current: Object, listed: list[Object]) -> list[Object]:
        """What a library itself needs, added to the list; filters go in before the library."""
        direct = []
        for tag, written in current.facts.needed if current.facts is not None else ():
            one = self._named_in_file(tag, written, current)
            if one is None:
                continue
            direct.append(one)
            place = listed.index(current)
            if tag == Tag.NEEDED:
                if one not in listed:
                    listed.append(one)
            elif one not in listed[: place + 1]:
                if one in listed:
                    listed.remove(one)
                listed.insert(place, one)
                self._link_map.move_before(one, current)
        return direct

    def _named_in_file(self, tag: int, written: str, by: Object) -> Object | None:
        """The library that an entry names; None for a missing one of DT_AUXILIARY."""
        before = [*self._link_map.objects]
        try:
            return self.needed(self._search.expand(written, by), by)
        except RefusalError:
            if tag != Tag.AUXILIARY:
                raise
            self._link_map.forget(before)
            return None

    def _mapped(
        self,
        located: Located,
        name: str,
        by: Object | None,
        *,
        dlopen: bool,
        found: Found | None = None,
    ) -> Object:
        """The library that a file is, which joins the list unless it is in it already."""
        known = self._link_map.same_file(located.file.identity, name)
        if known is not None:
            return known
        opened = Opened(
            located.path,
            name,
            None if by is None else by.path,
            found or located.found,
            located.where,
            located.of,
        )
        one = self.read(located, by, opened)
        self._accept(one, name, dlopen=dlopen)
        self._link_map.objects.append(one)
        return one

    def read(self, located: Located, loader: Object | None, opened: Opened) -> Object:
        """What the file of a library says.

        Raises:
            RefusalError: it is not a library.
        """
        path, unknown = located.path, self._link_map.unknown
        known: Facts | str | None
        try:
            known = facts(located.file)
        except (FormatError, OSError) as error:
            unknown.append(f"What {path} needs and defines is not known: {error}.")
            known = None
        if isinstance(known, str):
            text = _KINDS.get(known, "only ET_DYN and ET_EXEC can be loaded")
            kind = Refusal.EXECUTABLE if known == "executable" else Refusal.DAMAGED
            raise RefusalError(Failure(f"{opened.asked}: {text}", kind, path))
        if known is not None and known.image.ends_at > located.file.size:
            unknown.append(f"{path} is cut short: a part that is loaded lies past its end.")
        absolute = path if path.startswith("/") else f"{loading.working_directory()}/{path}"
        origin = absolute.rpartition("/")[0] or "/"
        return Object(path, origin, known, located.file.identity, loader, opened)

    def _accept(self, one: Object, name: str, *, dlopen: bool) -> None:
        """Refuse what the loader does not accept once it is mapped.

        Raises:
            RefusalError: it is built for smaller pages, is a program, must not be opened, or asks
                for an executable stack.
        """
        if one.facts is None:
            return
        flaw: tuple[str, Refusal] | None = None
        page = loading.page_size()
        if any((address - offset) % page for offset, address, _ in one.facts.image.loads):
            newer = self._release >= _ONE_ALIGNMENT
            what = "address/offset" if newer else "alignment"
            flaw = f"ELF load command {what} not page-aligned", Refusal.OTHER
        elif one.facts.fixed:
            flaw = _KINDS["executable"], Refusal.EXECUTABLE
        elif one.facts.program and self._release >= _NO_PROGRAMS:
            text = "cannot dynamically load position-independent executable"
            flaw = text, Refusal.EXECUTABLE
        elif one.facts.not_for_dlopen and dlopen:
            flaw = "shared object cannot be dlopen()ed", Refusal.OTHER
        elif self._release >= _NO_EXECUTABLE_STACK and self._changes_stack(one.facts):
            text = "cannot enable executable stack as shared object requires"
            flaw = f"{text}: {os.strerror(errno.EINVAL)}", Refusal.EXECUTABLE_STACK
        if flaw is not None:
            raise RefusalError(Failure(f"{name}: {flaw[0]}", flaw[1], one.path))

    def _changes_stack(self, asking: Facts) -> bool:
        """Whether a library asks for an executable stack, and the program has none."""
        program = self._link_map.program.facts
        return _executable_stack(asking) and not (
            program is not None and _executable_stack(program)
        )


def _executable_stack(known: Facts) -> bool:
    """Whether a file asks for an executable stack; where it says nothing, its machine decides."""
    stack = known.image.executable_stack
    return known.image.architecture() in _EXECUTABLE if stack is None else stack
