"""The process of macOS: opens libraries as ``dlopen`` of dyld does.

From ``APIs::dlopen`` of dyld's ``DyldAPIs.cpp``, ``getLoader`` of its ``Loader.cpp`` and
``loadDependents`` of its ``JustInTimeLoader.cpp``.
"""

from __future__ import annotations

import os
from copy import copy
from typing import NamedTuple

from torch_abi_audit.doctor.macho import wording
from torch_abi_audit.doctor.macho.images import Loaded, Unloadable, native, read, read_program
from torch_abi_audit.doctor.macho.search import (
    Candidate,
    Link,
    Request,
    candidates,
    cannot_be_seen,
    is_of_system,
    variables,
)
from torch_abi_audit.doctor.macho.symbols import Images, first_lack, is_python
from torch_abi_audit.doctor.macho.wording import KINDS, Tried
from torch_abi_audit.doctor.process import Failure, Opened, Refusal
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.sources.files.place import place, real_path
from torch_abi_audit.sources.files.tree import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch_abi_audit.formats.macho.commands import Dylib

_ENTRIES = (b"_PyInit_", b"_PyModExport_")
_NOW, _LOCAL, _GLOBAL = 0x2, 0x4, 0x8
"""Flags of ``dlopen``, from Apple's ``<dlfcn.h>``."""


class _Missing(NamedTuple):
    """A library that was not found, or not loaded."""

    why: str
    kind: Refusal


class _RefusedError(Exception):
    """Ends an attempt to open a library."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.failure = failure


class MachOProcess:
    """A process of macOS that has opened libraries, and can open more."""

    def __init__(self, program: str, environ: Mapping[str, str], arch: str | None = None) -> None:
        self._program = _with_slashes(real_path(program)) if program else ""
        self._variables = variables(self._program, environ)
        self._unknown: dict[str, None] = dict.fromkeys(self._variables.unknown)
        self._arch = arch
        self._loaded: list[Loaded] = []
        self._names: dict[str, Loaded] = {}
        self._identities: dict[tuple[int, int], Loaded] = {}
        self._opened: list[Opened] = []
        self._main: Loaded | None = None
        self._start()

    @property
    def opened(self) -> Sequence[Opened]:
        """All libraries in the process but those of macOS itself, in the order of opening."""
        return tuple(self._opened)

    @property
    def unknown(self) -> Sequence[str]:
        """What could not be determined, as sentences."""
        return tuple(self._unknown)

    def open(self, path: str, *, everywhere: bool = False) -> Failure | None:
        """Open a library and all that it needs, as ``dlopen`` with RTLD_NOW does.

        A module that Python can import is opened as ``import`` does, without RTLD_LOCAL: its names
        are offered to all. Another library is opened as ``ctypes`` does.

        Args:
            path: A path, or a name that is searched.
            everywhere: Whether its names are offered to libraries opened later (RTLD_GLOBAL).
        """
        path = _with_slashes(path)
        before = len(self._loaded), len(self._opened)
        mode = _NOW | (_GLOBAL if everywhere else _LOCAL)
        try:
            top = self._top(path)
            if _is_module(top):
                mode = _NOW
            if not mode & _LOCAL:
                top.hidden = False
            elif top in self._loaded[before[0] :]:
                top.hidden = True
            self._load_dependents(top, Link(top, self._caller()))
            self._bind(self._loaded[before[0] :])
        except _RefusedError as stop:
            self._forget(*before)
            failure = stop.failure
            return Failure(
                text=f"dlopen({path}, 0x{mode:04X}): {failure.text}",
                kind=failure.kind,
                file=failure.file,
                symbol=failure.symbol,
                library=failure.library,
                copy=failure.copy,
            )
        return None

    def fork(self) -> MachOProcess:
        """The same process once more: what is opened in one is not open in the other."""
        made = copy(self)
        made._separate()  # noqa: SLF001 - of the same class
        return made

    def _separate(self) -> None:
        """Give a copy of a process images and lists of its own."""
        copies = {id(one): copy(one) for one in self._loaded}
        for one in copies.values():
            if one.dependents is not None:
                one.dependents = [each and copies[id(each)] for each in one.dependents]
        self._unknown, self._opened = dict(self._unknown), [*self._opened]
        self._loaded = [*copies.values()]
        self._names = {name: copies[id(one)] for name, one in self._names.items()}
        self._identities = {key: copies[id(one)] for key, one in self._identities.items()}
        self._main = self._main and copies[id(self._main)]

    def _start(self) -> None:
        """Load the program and what it is linked to."""
        if not self._program:
            return
        image = read_program(self._program, self._arch)
        if image is None:
            self._unknown[f"The program {self._program} could not be read."] = None
            return
        self._arch = self._arch or native([image.arch])
        self._main = Loaded(self._program, image, place(self._program).identity)
        self._add(self._main)
        try:
            self._load_dependents(self._main, Link(self._main))
        except _RefusedError as stop:
            self._unknown[f"{self._program} itself would not start: {stop.failure.text}"] = None

    def _caller(self) -> Link | None:
        """The images on whose behalf Python opens a library: its own library, and the program."""
        main = Link(self._main) if self._main is not None else None
        python = next((one for one in self._loaded if is_python(one)), None)
        return main if python is None or python is self._main else Link(python, main)

    def _top(self, path: str) -> Loaded:
        """The library that the program opens."""
        request = Request(path, self._caller(), self._program, self._variables, linked=False)
        found = self._find(request, by=None)
        if isinstance(found, _Missing):
            raise _RefusedError(Failure(found.why, found.kind, file=path, library=path))
        return found

    def _load_dependents(self, top: Loaded, chain: Link | None) -> None:
        """Load what an image is linked to, and what that is linked to: level by level."""
        pending: list[Iterator[tuple[Loaded, Link | None]]] = [iter([(top, chain)])]
        while pending:
            following = next(pending[-1], None)
            if following is None:
                pending.pop()
                continue
            image, above = following
            if image.dependents is not None or image.image is None:
                continue
            link = Link(image, above)
            image.dependents = []
            for dylib in image.image.dylibs:
                image.dependents.append(self._dependent(dylib, image, link))
            pending.append(_below(image, link))

    def _dependent(self, dylib: Dylib, image: Loaded, chain: Link) -> Loaded | None:
        known = self._names.get(dylib.name) if dylib.name.startswith("/") else None
        if known is not None:
            return known
        request = Request(dylib.name, chain, self._program, self._variables, linked=True)
        found = self._find(request, by=image.path)
        if not isinstance(found, _Missing):
            return found
        if dylib.weak:
            return None
        text = wording.not_loaded(dylib.name, image, found.why)
        raise _RefusedError(Failure(text, found.kind, file=image.path, library=dylib.name))

    def _find(self, request: Request, by: str | None) -> Loaded | _Missing:
        """The image that a name leads to, loaded if it is not yet."""
        asked = request.asked
        if asked.startswith("@rpath/") and asked in self._names:
            return self._names[asked]
        if not request.linked and "/" not in asked and f"@rpath/{asked}" in self._names:
            return self._names[f"@rpath/{asked}"]
        tried: list[Tried] = []
        again: dict[str, Tried] = {}  # rpaths of several images often lead to one path
        for candidate in candidates(request):
            found = again.get(candidate.path) or self._at(candidate, request, by)
            if isinstance(found, Loaded):
                return found
            tried.append(found)
            again[candidate.path] = found
        kinds = [one.kind for one in tried if one.why]
        unseen = _unseen(tried, request)
        if unseen and not kinds:
            self._unknown[_not_seen(asked, by, unseen)] = None
            return self._add(Loaded(asked, None))
        if not tried and asked.startswith("@rpath/"):
            rpaths = any(image.rpaths for image in _images(request.chain))
            why = wording.UNUSED_RPATHS if rpaths else wording.NO_RPATHS
            return _Missing(why, Refusal.NO_LIBRARY)
        return _Missing(wording.paths_tried(tried), kinds[0] if kinds else Refusal.NO_LIBRARY)

    def _at(self, candidate: Candidate, request: Request, by: str | None) -> Loaded | Tried:
        """The image at one path, loaded if it is not yet."""
        known = self._names.get(candidate.path)
        if known is not None:
            return known
        there = place(candidate.path)
        if there.identity is None:
            if is_of_system(candidate.path, request.asked):
                return self._add(Loaded(candidate.path, None))
            return Tried(candidate, "not a file" if there.other else "")
        known = self._identities.get(there.identity)
        if known is not None:
            return known
        path = _with_slashes(real_path(candidate.path))
        image = read(path, self._arch, linked=request.linked)
        if isinstance(image, Unloadable):
            return Tried(candidate, image.text, KINDS[image.kind])
        self._arch = self._arch or native([image.arch])
        loaded = Loaded(path, image, there.identity)
        loaded.opened = Opened(path, request.asked, by, candidate.found, candidate.where)
        self._opened.append(loaded.opened)
        return self._add(loaded)

    def _add(self, image: Loaded) -> Loaded:
        """Put an image into the process, under its path and the name that it states for itself."""
        self._loaded.append(image)
        self._names.setdefault(image.path, image)
        if image.install_name is not None:
            self._names.setdefault(image.install_name, image)
        if image.identity is not None:
            self._identities.setdefault(image.identity, image)
        return image

    def _bind(self, images: Sequence[Loaded]) -> None:
        """Look up what the images import.

        Raises:
            _RefusedError: a name is not found.
        """
        searched = Images(self._loaded, self._main)
        for image in images:
            try:
                lack = first_lack(image, searched)
            except (FormatError, OSError) as error:
                why = str(error) if isinstance(error, FormatError) else reason(error)
                self._unknown[f"What {image.path} imports could not be looked up: {why}"] = None
                continue
            if lack is None:
                continue
            expected = lack.expected
            symbol = lack.symbol.removeprefix(b"_").decode("utf-8", "surrogateescape")
            raise _RefusedError(
                Failure(
                    lack.text,
                    Refusal.NO_SYMBOL,
                    file=image.path,
                    symbol=symbol,
                    library=lack.asked,
                    copy=expected.opened if expected is not None else None,
                )
            )

    def _forget(self, images: int, opened: int) -> None:
        """Close what was opened last, so that only the first few images are left."""
        gone = {id(one) for one in self._loaded[images:]}
        del self._loaded[images:], self._opened[opened:]
        self._names = {name: one for name, one in self._names.items() if id(one) not in gone}
        self._identities = {
            key: one for key, one in self._identities.items() if id(one) not in gone
        }


def _with_slashes(path: str) -> str:
    """A path of this system as macOS writes paths."""
    return path.replace(os.sep, "/")


def _is_module(image: Loaded) -> bool:
    """Whether Python can import a library, by its name and what it exports."""
    name = file_name(image.path).partition(".")[0].encode("utf-8", "surrogateescape")
    try:
        known = image.exports([entry + name for entry in _ENTRIES])
    except (FormatError, OSError):
        return False
    return any(known.get(entry + name) is not None for entry in _ENTRIES)


def _below(image: Loaded, link: Link) -> Iterator[tuple[Loaded, Link | None]]:
    """The libraries of an image, each with the images on whose behalf it is loaded."""
    return ((one, link) for one in image.dependents or () if one is not None)


def _images(chain: Link | None) -> Iterator[Loaded]:
    while chain is not None:
        yield chain.image
        chain = chain.previous


def _unseen(tried: Sequence[Tried], request: Request) -> str:
    """The first path at which a library may be although it is not seen; empty if there is none.

    A path that the program opens does not count.
    """
    if not request.linked and "/" in request.asked:
        return ""
    searched = (one.candidate for one in tried)
    return next((one.path for one in searched if cannot_be_seen(one)), "")


def _not_seen(asked: str, by: str | None, path: str) -> str:
    needs = f"{by} needs {asked}" if by else f"{asked} is opened"
    return f"{needs}, which may be {path}: that cannot be seen from here, and was taken as present."
