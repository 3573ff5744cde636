"""The process of Windows: opens DLLs as ``LoadLibraryEx`` does.

All DLLs that are needed are mapped first, then the functions that they import are looked up, those
of dependencies before those of their dependents. A file for another architecture is passed over in
the search: if nothing else is found, it is the reason of the failure, as in Wine's
``dlls/ntdll/loader.c``.
"""

from __future__ import annotations

import os
from copy import copy
from typing import NamedTuple

from torch_abi_audit.doctor.pe import wording
from torch_abi_audit.doctor.pe.modules import OTHER_MACHINE, Module, read
from torch_abi_audit.doctor.pe.search import (
    Directories,
    Place,
    is_certain,
    is_of_windows,
    may_be_installed,
)
from torch_abi_audit.doctor.pe.symbols import first_lack
from torch_abi_audit.doctor.process import Failure, Found, Opened, Refusal
from torch_abi_audit.formats.pe.image import Image
from torch_abi_audit.knowledge.names.python import dll_bound, is_python
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.sources.files.place import place
from torch_abi_audit.sources.files.tree import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_TORCH = ("torch", "lib")
_PYTHON3 = ("python3.dll", "python3t.dll")
_MODULE = ".pyd"


class _Lack(NamedTuple):
    """A DLL that is not loaded, or a function that is not there."""

    kind: Refusal
    file: str
    library: str
    symbol: str | None = None
    copy: Opened | None = None


class _RefusedError(Exception):
    """Ends an attempt to open a DLL."""

    def __init__(self, lack: _Lack) -> None:
        super().__init__(lack.library)
        self.lack = lack


class PEProcess:
    """A process of Windows that has opened DLLs, and can open more."""

    def __init__(
        self, program: str, environ: Mapping[str, str], directories: Sequence[str] = ()
    ) -> None:
        self._directories = Directories(program, environ, directories)
        self._arch: str | None = None
        self._modules: list[Module] = []
        self._names: dict[str, Module] = {}
        self._opened: list[Opened] = []
        self._unknown: dict[str, None] = {}
        self._start(program)

    @property
    def opened(self) -> Sequence[Opened]:
        """All DLLs in the process but those of Windows itself, in the order of opening."""
        return tuple(self._opened)

    @property
    def unknown(self) -> Sequence[str]:
        """What could not be determined, as sentences."""
        return tuple(self._unknown)

    def add_directory(self, path: str) -> None:
        """Add a directory as ``os.add_dll_directory`` does."""
        self._directories.added.append(path)

    def open(self, path: str, *, everywhere: bool = False) -> Failure | None:  # noqa: ARG002 - Windows knows no scopes
        """Open a DLL and all that it needs.

        A ``.pyd`` is opened as ``import`` does, a DLL in ``torch/lib`` as torch does, and another
        DLL as ``ctypes`` does.

        Args:
            path: A path, or a name that is searched.
            everywhere: Makes no difference on Windows.
        """
        beside = os.path.dirname(path)
        is_module = path.lower().endswith(_MODULE)
        is_torch = _parts(beside)[-2:] == _TORCH and not is_module
        if is_module:
            self._open_python3()
        lack = self._attempt(path, list(self._directories.restricted(beside)))
        if lack is not None and is_torch and lack.kind is Refusal.NO_LIBRARY:
            lack = self._attempt(path, list(self._directories.standard(beside)))
        if lack is None:
            return self._other_python(path) if is_module else None
        module = os.path.basename(path).partition(".")[0]
        if is_module:
            text = wording.importing(module, lack.kind)
        else:
            text = (wording.torch if is_torch else wording.ctypes)(path, lack.kind)
        return Failure(
            text,
            lack.kind,
            lack.file,
            symbol=lack.symbol,
            library=lack.library,
            copy=lack.copy,
        )

    def fork(self) -> PEProcess:
        """The same process once more: what is opened in one is not open in the other."""
        made = copy(self)
        made._separate()  # noqa: SLF001 - of the same class
        return made

    def _separate(self) -> None:
        """Give a copy of a process modules and lists of its own."""
        copies = {id(one): copy(one) for one in self._modules}
        for one in copies.values():
            one.linked = [copies[id(each)] for each in one.linked]
        self._directories = copy(self._directories)
        self._directories.added = [*self._directories.added]
        self._unknown, self._opened = dict(self._unknown), [*self._opened]
        self._modules = [*copies.values()]
        self._names = {name: copies[id(one)] for name, one in self._names.items()}

    def _start(self, program: str) -> None:
        """Load the program and the DLLs that it is linked to."""
        if not program:
            return
        directory = self._directories.application
        path = self._directories.file(directory, os.path.basename(program))
        try:
            image = read(path, None) if path is not None else None
            main = Module(path or program, image) if isinstance(image, Image) else None
        except (FormatError, OSError):
            main = None
        if main is None or main.image is None:
            self._unknown[f"The program {program} could not be read."] = None
            return
        self._arch = main.image.arch
        try:
            self._map([self._add(main)], [Place(directory, Found.DEFAULT), self._system])
        except _RefusedError as stop:
            self._unknown[f"{program} would not start: it lacks {stop.lack.library}."] = None

    @property
    def _system(self) -> Place:
        return Place(self._directories.system, Found.DEFAULT)

    def _open_python3(self) -> None:
        """Load ``python3.dll`` from beside the interpreter, as it does before the first import."""
        directory = self._directories.application
        for name in _PYTHON3:
            path = self._directories.file(directory, name)
            if path is not None and name not in self._names:
                self._attempt(path, [Place(directory, Found.DEFAULT), self._system])

    def _attempt(self, path: str, places: Sequence[Place]) -> _Lack | None:
        """Open a DLL and all that it needs, from some places; what is lacking if it fails."""
        before = len(self._modules), len(self._opened)
        try:
            top = self._top(path, places)
            self._map([top], places)
            self._check(before[0], places)
        except _RefusedError as stop:
            gone = {id(one) for one in self._modules[before[0] :]}
            del self._modules[before[0] :], self._opened[before[1] :]
            self._names = {name: one for name, one in self._names.items() if id(one) not in gone}
            return stop.lack
        return None

    def _top(self, path: str, places: Sequence[Place]) -> Module:
        """The DLL that the program opens."""
        if not os.path.dirname(path):
            return self._find(path, None, places)
        there = place(path)
        known = next(
            (one for one in self._modules if one.identity == there.identity is not None), None
        )
        if known is not None:
            return known
        if there.identity is None:
            raise _RefusedError(_Lack(Refusal.NO_LIBRARY, path, path))
        found = self._read(path, os.path.basename(path), None, Place("", Found.PATH))
        if isinstance(found, Refusal):
            raise _RefusedError(_Lack(found, path, path))
        return found

    def _map(self, modules: Iterable[Module], places: Sequence[Place]) -> None:
        """Load the DLLs that modules are linked to, and those that these are linked to."""
        pending = [one for one in modules if not one.linked]
        for module in pending:
            for wanted in module.wanted if not module.linked else ():
                known = len(self._modules)
                module.linked.append(self._find(wanted.dll, module, places))
                pending += self._modules[known:]

    def _find(self, name: str, by: Module | None, places: Sequence[Place]) -> Module:
        """The DLL of a name, loaded if it is not yet."""
        key = name.lower()
        known = self._names.get(key)
        if known is not None:
            return known
        refusals: list[Refusal] = []
        for one in places if not is_of_windows(key) else ():
            path = self._directories.file(one.directory, name)
            if path is None or place(path).identity is None:
                continue
            if one.directory == self._directories.system and is_certain(key):
                break
            found = self._read(path, name, by, one)
            if isinstance(found, Module):
                return found
            refusals.append(found)
            if found is not Refusal.OTHER_MACHINE:
                break
        if not refusals and self._is_taken_as_present(key):
            return self._add(Module(name))
        kind = refusals[-1] if refusals else Refusal.NO_LIBRARY
        raise _RefusedError(_Lack(kind, by.path if by is not None else name, name))

    def _is_taken_as_present(self, name: str) -> bool:
        """Whether a DLL, in lower case, that no file shows is taken as present all the same."""
        if is_certain(name):
            return True
        if is_python(name) and not self._directories.sees_application:
            return True
        if self._directories.system or not may_be_installed(name):
            return False
        self._unknown[
            f"{name} is needed: whether Windows has it cannot be seen from here, and it was taken "
            "as present."
        ] = None
        return True

    def _read(self, path: str, asked: str, by: Module | None, where: Place) -> Module | Refusal:
        """Load a file."""
        try:
            image = read(path, self._arch)
            if isinstance(image, str):
                return Refusal.OTHER_MACHINE if image == OTHER_MACHINE else Refusal.DAMAGED
            module = Module(path, image, place(path).identity)
        except (FormatError, OSError):
            return Refusal.DAMAGED
        self._arch = self._arch or image.arch
        module.opened = Opened(
            path, asked, by.path if by is not None else None, where.found, where.directory
        )
        self._opened.append(module.opened)
        return self._add(module)

    def _add(self, module: Module) -> Module:
        self._modules.append(module)
        self._names.setdefault(module.name, module)
        return module

    def _check(self, first: int, places: Sequence[Place]) -> None:
        """Look up the functions that the modules from ``first`` on import."""
        load = self._forward_target(places)
        done: set[int] = set()
        while pending := [one for one in self._modules[first:] if id(one) not in done]:
            for module in reversed(pending):
                done.add(id(module))
                try:
                    lack = first_lack(module, load)
                except (FormatError, OSError) as error:
                    why = str(error) if isinstance(error, FormatError) else reason(error)
                    self._unknown[f"What {module.path} imports could not be looked up: {why}"] = (
                        None
                    )
                    continue
                if lack is not None:
                    symbol = lack.symbol.decode("utf-8", "surrogateescape")
                    copy = lack.expected.opened
                    raise _RefusedError(
                        _Lack(Refusal.NO_SYMBOL, module.path, lack.dll, symbol, copy)
                    )

    def _forward_target(self, places: Sequence[Place]) -> Callable[[str, Module], Module | None]:
        def load(name: str, by: Module) -> Module | None:
            known = len(self._modules)
            try:
                found = self._find(name, by, places)
                self._map(self._modules[known:], places)
            except _RefusedError:
                return None
            return found

        return load

    def _other_python(self, path: str) -> Failure | None:
        """What CPython says of a module that is linked to the DLL of another Python."""
        python = next((one for one in self._names if dll_bound(one) is not None), None)
        module = next((one for one in self._modules if one.path == path), None)
        for wanted in module.wanted if module is not None else ():
            bound = dll_bound(wanted.dll)
            if bound is not None and not bound.free_threaded and wanted.dll.lower() != python:
                text = wording.other_python(wanted.dll)
                return Failure(text, Refusal.OTHER, path, library=wanted.dll)
        return None


def _parts(directory: str) -> tuple[str, ...]:
    return tuple(directory.replace("\\", "/").lower().split("/"))
