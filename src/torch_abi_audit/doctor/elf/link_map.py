"""The list of the open libraries, and which of them each looks its names up in.

glibc calls the list the link map, and what is searched a scope.
"""

from __future__ import annotations

from copy import copy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch_abi_audit.doctor.elf.objects import Object


class LinkMap:
    """The libraries of a process in the order of opening; the program is the first."""

    __slots__ = ("everywhere", "objects", "program", "unknown")

    def __init__(self, program: Object) -> None:
        self.program = program
        self.objects = [program]
        self.everywhere: list[Object] = []
        """The global scope: libraries that all others look their names up in first."""
        self.unknown: list[str] = []
        """What could not be determined, as sentences."""

    def named(self, name: str) -> Object | None:
        """The library that answers to a name."""
        return next((each for each in self.objects if each.answers_to(name)), None)

    def same_file(self, identity: tuple[int, int], name: str) -> Object | None:
        """The library that is the same file, which from now on answers to this name too."""
        for each in self.objects:
            if each.identity == identity:
                if not each.is_named(name):
                    each.names.append(name)
                return each
        return None

    def forget(self, but: Sequence[Object]) -> None:
        """Take off all but the libraries that were there before.

        The names that these have got meanwhile stay, as they do in glibc.
        """
        kept = set(map(id, but))
        self.objects = [each for each in self.objects if id(each) in kept]

    def move_before(self, one: Object, other: Object) -> None:
        """Move a library in the list to the place before another."""
        self.objects.remove(one)
        self.objects.insert(self.objects.index(other), one)

    def offer(self, opened: Object) -> None:
        """Add a library and all that it needs to the global scope."""
        for each in opened.searchlist or ():
            if not each.everywhere:
                each.everywhere = True
                self.everywhere.append(each)

    def scope(self, one: Object) -> list[Object]:
        """The libraries that one looks its names up in, in order, each once.

        After the global scope these are all that were opened together with it.
        """
        root = one
        while root.loader is not None:
            root = root.loader
        itself = [one] if one.facts is not None and one.facts.symbolic else []
        return list(dict.fromkeys([*itself, *self.everywhere, *(root.searchlist or ())]))

    def copy(self) -> LinkMap:
        """The same list of other objects, so that a change of one is none of the other."""
        copies = {id(each): copy(each) for each in self.objects}

        def listed(objects: Sequence[Object]) -> list[Object]:
            return [copies[id(each)] for each in objects]

        for each in copies.values():
            each.names = [*each.names]
            each.loader = None if each.loader is None else copies[id(each.loader)]
            each.searchlist = None if each.searchlist is None else listed(each.searchlist)
            each.dependencies = None if each.dependencies is None else listed(each.dependencies)
        made = LinkMap(copies[id(self.program)])
        made.objects, made.everywhere = listed(self.objects), listed(self.everywhere)
        made.unknown = [*self.unknown]
        return made
