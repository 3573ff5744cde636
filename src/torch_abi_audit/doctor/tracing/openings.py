"""The functions by which Python code opens libraries and imports modules by name."""

from __future__ import annotations

import os

from torch_abi_audit.doctor.tracing.run import CTYPES, IMPORT, OPERATORS
from torch_abi_audit.doctor.tracing.values import UNKNOWN, Flags, Named, Spec, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch_abi_audit.doctor.tracing.run import Run
    from torch_abi_audit.doctor.tracing.values import Known

    Where = tuple[str, int]
    Opening = Callable[[Sequence[Known], Mapping[str, Known], Where, Run], Known]


def _argument(arguments: Sequence[Known], named: Mapping[str, Known], name: str) -> Known:
    return arguments[0] if arguments else named.get(name, UNKNOWN)


def _operators(
    arguments: Sequence[Known], named: Mapping[str, Known], where: Where, run: Run
) -> Known:
    """``torch.ops.load_library``, which resolves a path to a real one."""
    path = text_of(_argument(arguments, named, "path"))
    if path is None:
        run.unresolved.append(where)
    else:
        from torch_abi_audit.sources.files import lookup

        run.open(lookup.real_path(path) if os.sep in path else path, OPERATORS, where)
    return None


def _ctypes(
    arguments: Sequence[Known], named: Mapping[str, Known], where: Where, run: Run
) -> Known:
    value = _argument(arguments, named, "name")
    if value is None:
        return UNKNOWN  # the program itself
    path = text_of(value)
    if path is None:
        run.unresolved.append(where)
        return UNKNOWN
    if run.python.system == "win32" and not os.path.splitext(path)[1]:
        path += ".dll"  # as Windows completes names
    mode = named.get("mode", arguments[1] if len(arguments) > 1 else UNKNOWN)
    flags = mode.names if isinstance(mode, Flags) else frozenset()
    if "handle" in named:
        return UNKNOWN  # of a library that is open
    if "RTLD_NOLOAD" in flags:  # for a library that is not open, it fails
        run.fail("OSError", f"{path}: it is not open", where)
    run.open(path, CTYPES, where, everywhere="RTLD_GLOBAL" in flags)
    return UNKNOWN


def _module(
    arguments: Sequence[Known], named: Mapping[str, Known], where: Where, run: Run
) -> Known:
    """``importlib.import_module``."""
    from torch_abi_audit.doctor.tracing.imports import import_module

    name = _argument(arguments, named, "name")
    package = named.get("package", arguments[1] if len(arguments) > 1 else None)
    if not isinstance(name, str):
        return UNKNOWN
    if name.startswith("."):
        if not isinstance(package, str):
            return UNKNOWN
        level = len(name) - len(name.lstrip("."))
        parts = package.split(".")
        name = ".".join([*parts[: len(parts) - level + 1], name.lstrip(".")])
    import_module(name, where, run)
    return Named(name)


def _found(arguments: Sequence[Known], named: Mapping[str, Known], where: Where, run: Run) -> Known:
    """``importlib.util.find_spec``, which imports the packages above the module."""
    from torch_abi_audit.doctor.tracing.imports import import_module

    name = _argument(arguments, named, "name")
    if not isinstance(name, str) or name.startswith("."):
        return UNKNOWN
    above = name.rpartition(".")[0]
    if above:
        import_module(above, where, run)
        if above not in run.directories:
            return UNKNOWN
    place = run.find(name, above)
    if place is None:
        unsure = run.modules.has_hooks or run.modules.is_standard(name)
        return UNKNOWN if unsure else None
    return Spec(name, place.file) if place.file is not None else UNKNOWN


def spec_in(directories: Sequence[str], name: Known, run: Run) -> Known:
    """The specification of the module ``name`` in directories; None if there is none."""
    if not isinstance(name, str):
        return UNKNOWN
    place = run.modules.find(name, directories)
    if place is None:
        return None
    return Spec(name, place.file) if place.file is not None else UNKNOWN


def _in_directories(
    arguments: Sequence[Known], named: Mapping[str, Known], _where: Where, run: Run
) -> Known:
    """``PathFinder.find_spec(name, path)``."""
    path = named.get("path", arguments[1] if len(arguments) > 1 else UNKNOWN)
    if not isinstance(path, (list, tuple)):
        return UNKNOWN
    texts = [text_of(each) for each in path]
    known = [each for each in texts if each is not None]
    return spec_in(known, arguments[0], run) if len(known) == len(texts) else UNKNOWN


def _spec(arguments: Sequence[Known], named: Mapping[str, Known], where: Where, run: Run) -> Known:
    """``importlib.util.spec_from_file_location(name, path)``."""
    name = _argument(arguments, named, "name")
    path = text_of(named.get("location", arguments[1] if len(arguments) > 1 else UNKNOWN))
    if path is None:
        run.unresolved.append(where)
        return UNKNOWN
    return Spec(name if isinstance(name, str) else "", path)


def _from_spec(
    arguments: Sequence[Known], _named: Mapping[str, Known], where: Where, run: Run
) -> Known:
    """``importlib.util.module_from_spec``, which opens an extension module."""
    if arguments and isinstance(arguments[0], Spec):
        spec = arguments[0]
        if spec.origin.endswith((".so", ".pyd")):
            run.open(spec.origin, IMPORT, where, module=spec.name or None)
    return UNKNOWN


def _dynamic(
    arguments: Sequence[Known], _named: Mapping[str, Known], where: Where, run: Run
) -> Known:
    """``imp.load_dynamic(name, path)``."""
    path = text_of(arguments[1]) if len(arguments) > 1 else None
    if path is None:
        run.unresolved.append(where)
    else:
        run.open(path, IMPORT, where)
    return UNKNOWN


def _defines(
    arguments: Sequence[Known], _named: Mapping[str, Known], _where: Where, run: Run
) -> Known:
    """``torch.library.Library``, ``define`` and ``custom_op``: operators of Python code."""
    if arguments and isinstance(arguments[0], str):
        run.defined.add(arguments[0].partition("::")[0])
    return UNKNOWN


def _registers(
    arguments: Sequence[Known], named: Mapping[str, Known], where: Where, run: Run
) -> Known:
    """``torch.library.register_fake``, which fails for an operator that does not exist.

    It does not if the only library of the package that would define it was refused.
    """
    name = _argument(arguments, named, "op")
    if not isinstance(name, str) or "::" not in name:
        return UNKNOWN
    space = name.partition("::")[0]
    own = [one for one in run.attempts if run.shares_package(one.source, where[0])]
    refused = [number for number, one in enumerate(run.attempts) if one in own and one.failure]
    opened = any(one.failure is None for one in own)
    if refused and not opened and space not in run.defined and not run.unresolved:
        run.fail("RuntimeError", f"operator {name} does not exist", where, refused[0])
    return UNKNOWN


def perhaps_opened(arguments: Sequence[Known], name: str, where: Where, run: Run) -> None:
    """Note that a function which is not followed is given the path of a library."""
    from torch_abi_audit.sources.files import lookup

    if name.startswith(_HARMLESS):
        return
    for each in arguments:
        path = text_of(each)
        if path is not None and path.endswith(_LIBRARIES) and lookup.has_file(path):
            run.unresolved.append(where)


_LIBRARIES = (".so", ".dylib", ".dll", ".pyd")
_HARMLESS = ("os.", "builtins.", "logging.", "warnings.", "shutil.", "pathlib.", "sys.", "print")
"""Beginnings of the names of functions that open no library that they are given."""


OPENINGS: dict[str, Opening] = {
    "torch.ops.load_library": _operators,
    "torch.classes.load_library": _operators,
    "ctypes.CDLL": _ctypes,
    "ctypes.PyDLL": _ctypes,
    "ctypes.WinDLL": _ctypes,
    "ctypes.cdll.LoadLibrary": _ctypes,
    "ctypes.pydll.LoadLibrary": _ctypes,
    "importlib.import_module": _module,
    "builtins.__import__": _module,
    "importlib.util.find_spec": _found,
    "importlib.machinery.PathFinder.find_spec": _in_directories,
    "importlib.util.spec_from_file_location": _spec,
    "importlib.util.module_from_spec": _from_spec,
    "imp.load_dynamic": _dynamic,
    "torch.library.Library": _defines,
    "torch.library.define": _defines,
    "torch.library.custom_op": _defines,
    "torch.library.register_fake": _registers,
    "torch.library.impl_abstract": _registers,
}
"""Dotted names to what a call of them does."""
