"""Calls: of functions in the sources, of those that open libraries, and of those about paths."""

from __future__ import annotations

import os
import re

from torch_abi_audit.doctor.tracing import openings
from torch_abi_audit.doctor.tracing.run import DEEPEST, Raised, Returned
from torch_abi_audit.doctor.tracing.values import (
    UNKNOWN,
    File,
    Finder,
    Function,
    Method,
    Named,
    Path,
    Scope,
    Spec,
    text_of,
    truth,
)
from torch_abi_audit.runtime.records import dataclass
from torch_abi_audit.sources.files import lookup

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Mapping, Sequence

    from torch_abi_audit.doctor.tracing.run import Run
    from torch_abi_audit.doctor.tracing.values import Known

    Where = tuple[str, int]

_MOST_NUMBERS = 256


def call(
    target: Known,
    arguments: Sequence[Known],
    named: Mapping[str, Known],
    where: Where,
    run: Run,
) -> Known:
    """The value that a call returns.

    Raises:
        Raised: the function raises an exception.
        Exhausted: there is more to follow than a run may follow.
    """
    if isinstance(target, Function):
        return _followed(target, arguments, named, run)
    if isinstance(target, Method):
        return _method(target, arguments, run)
    if not isinstance(target, Named):
        return UNKNOWN
    opening = openings.OPENINGS.get(target.name)
    if opening is not None:
        return opening(arguments, named, where, run)
    known = _FUNCTIONS.get(target.name)
    if known is None:
        return UNKNOWN
    try:
        return known(run, *arguments)
    except (TypeError, ValueError, AttributeError, IndexError):
        return UNKNOWN  # called otherwise than the table knows


def _followed(
    function: Function, arguments: Sequence[Known], named: Mapping[str, Known], run: Run
) -> Known:
    """Walk a function of the sources with what is known of its arguments."""
    import ast

    from torch_abi_audit.doctor.tracing.expressions import value_of
    from torch_abi_audit.doctor.tracing.statements import walk

    if run.depth >= DEEPEST or run.modules.is_generator(function.node):
        return UNKNOWN
    scope = Scope(function.scope.module, function.scope)
    _bind(function.node.args, function.defaults, arguments, named, scope)
    run.depth += 1
    doubts = run.doubts
    value: Known = None
    try:
        if isinstance(function.node, ast.Lambda):
            return value_of(function.node.body, scope, run)
        walk(function.node.body, scope, run)
    except Returned as returned:
        value = returned.value
    except Raised as raised:
        if run.doubts == doubts:
            raise
        run.catch(raised)
        value = UNKNOWN
    finally:
        run.depth -= 1
        run.doubts = doubts
    return value if all(each == value for each in scope.perhaps) else UNKNOWN


def _bind(
    parameters: ast.arguments,
    defaults: Sequence[Known],
    arguments: Sequence[Known],
    named: Mapping[str, Known],
    scope: Scope,
) -> None:
    names = [each.arg for each in (*parameters.posonlyargs, *parameters.args)]
    late = names[len(names) - len(defaults) :] if defaults else []
    scope.names.update(dict.fromkeys(names, UNKNOWN))
    scope.names.update(zip(late, defaults, strict=True))
    scope.names.update(dict.fromkeys((each.arg for each in parameters.kwonlyargs), UNKNOWN))
    scope.names.update(zip(names, arguments, strict=False))
    if parameters.vararg is not None:
        scope.names[parameters.vararg.arg] = tuple(arguments[len(names) :])
    scope.names.update((name, value) for name, value in named.items() if name in scope.names)
    if parameters.kwarg is not None:
        scope.names[parameters.kwarg.arg] = UNKNOWN


# --- paths ---------------------------------------------------------------------------------------


def joined(first: str, *others: str) -> Path:
    """A path below another one."""
    return Path(os.path.normpath(os.path.join(first, *others)))


def path_attribute(path: Path, name: str) -> Known:
    """An attribute of a ``pathlib.Path``."""
    stem, suffix = os.path.splitext(os.path.basename(path.text))
    plain = {
        "parent": Path(os.path.dirname(path.text)),
        "name": os.path.basename(path.text),
        "stem": stem,
        "suffix": suffix,
    }
    return plain[name] if name in plain else Method(path, name)


def _path(_run: Run, *parts: Known) -> Known:
    texts = [text_of(each) for each in parts]
    known = [each for each in texts if each is not None]
    return joined(*known) if known and len(known) == len(texts) else UNKNOWN


def _of_text(function: Callable[..., Known]) -> Callable[..., Known]:
    """A function of paths, whose result is known where all arguments are."""

    def known(_run: Run, *arguments: Known) -> Known:
        texts = [text_of(each) for each in arguments]
        return UNKNOWN if None in texts else function(*texts)

    return known


def _glob(_run: Run, pattern: Known, *_others: Known) -> Known:
    text = text_of(pattern)
    return UNKNOWN if text is None else lookup.matches(text, recursive=True)


def _listed(_run: Run, directory: Known = ".") -> Known:
    from torch_abi_audit.sources.installed.imports import listing

    text = text_of(directory)
    return UNKNOWN if text is None else listing(text)


# --- methods -------------------------------------------------------------------------------------


def _method(method: Method, arguments: Sequence[Known], run: Run) -> Known:
    of, name = method.of, method.name
    try:
        if isinstance(of, Path):
            return _PATH_METHODS[name](of, *arguments)
        if isinstance(of, File) and name == "read":
            text = lookup.source_text(of.path)
            return UNKNOWN if text is None else text
        if isinstance(of, Finder) and name == "find_spec":
            return openings.spec_in((of.directory,), arguments[0], run)
        if isinstance(of, Spec) or (isinstance(of, Method) and isinstance(of.of, Spec)):
            return UNKNOWN
        if isinstance(of, str) and all(isinstance(each, _TEXTS) for each in arguments):
            return getattr(of, name)(*arguments) if name in _STRING_METHODS else UNKNOWN
        if isinstance(of, dict):
            return _MAPPING_METHODS[name](of, *arguments)
        if isinstance(of, list) and name in ("append", "extend"):
            getattr(of, name)(*arguments)
            return None
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        return UNKNOWN
    return UNKNOWN


_TEXTS = (str, int, tuple, list)
_STRING_METHODS = frozenset(
    "startswith endswith split rsplit strip lstrip rstrip lower upper replace join partition "
    "rpartition removeprefix removesuffix title isdigit".split()
)


def _same(path: Path, *_arguments: Known) -> Known:
    return path


def _within(path: Path, pattern: str) -> Known:
    return [Path(each) for each in lookup.matches(os.path.join(path.text, pattern), recursive=True)]


def _below(path: Path, pattern: str) -> Known:
    return _within(path, os.path.join("**", pattern))


def _children(path: Path) -> Known:
    return [joined(path.text, name) for name in _listed_names(path.text)]


def _listed_names(directory: str) -> list[str]:
    from torch_abi_audit.sources.installed.imports import listing

    return listing(directory)


def _renamed(path: Path, name: str) -> Known:
    return joined(os.path.dirname(path.text), name)


def _suffixed(path: Path, suffix: str) -> Known:
    return Path(os.path.splitext(path.text)[0] + suffix)


def _under(path: Path, *parts: Known) -> Known:
    texts = [text_of(each) for each in parts]
    known = [each for each in texts if each is not None]
    return joined(path.text, *known) if len(known) == len(texts) else UNKNOWN


_PATH_METHODS: dict[str, Callable[..., Known]] = {
    "resolve": _same,
    "absolute": _same,
    "expanduser": _same,
    "as_posix": lambda path: path.text,
    "joinpath": _under,
    "with_name": _renamed,
    "with_suffix": _suffixed,
    "glob": _within,
    "rglob": _below,
    "iterdir": _children,
    "exists": lambda path: lookup.is_file(path.text) or lookup.is_directory(path.text),
    "is_file": lambda path: lookup.is_file(path.text),
    "is_dir": lambda path: lookup.is_directory(path.text),
}
_MAPPING_METHODS: dict[str, Callable[..., Known]] = {
    "get": lambda of, key, default=None: UNKNOWN if key is UNKNOWN else of.get(key, default),
    "items": lambda of: [(key, value) for key, value in of.items()],
    "keys": list,
    "values": lambda of: list(of.values()),
}

# --- versions ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Release:
    """A version, by its numbers; marks of pre-releases and builds are left out."""

    numbers: tuple[int, ...]

    def __lt__(self, other: Release) -> bool:
        """Compare by numbers."""
        return self.numbers < other.numbers

    def __le__(self, other: Release) -> bool:
        """Compare by numbers."""
        return self.numbers <= other.numbers

    def __gt__(self, other: Release) -> bool:
        """Compare by numbers."""
        return self.numbers > other.numbers

    def __ge__(self, other: Release) -> bool:
        """Compare by numbers."""
        return self.numbers >= other.numbers


def release_of(value: Known) -> Known:
    """The release that a text or a tuple of numbers names."""
    if isinstance(value, str):
        parts = re.match(r"v?(\d+(?:\.\d+)*)", value.strip())
        value = tuple(map(int, parts[1].split("."))) if parts else UNKNOWN
    if isinstance(value, tuple) and value and all(isinstance(each, int) for each in value):
        return Release((*value, 0, 0)[: max(3, len(value))])
    return value if isinstance(value, Release) else UNKNOWN


def _release(_run: Run, text: Known) -> Known:
    return release_of(text)


def _without_device(run: Run) -> Known:
    """``torch.cuda.is_available()``: false for a build of torch without CUDA and ROCm."""
    builds = [run.constants.get(f"torch.version.{name}", UNKNOWN) for name in ("cuda", "hip")]
    return False if builds == [None, None] else UNKNOWN


# --- functions of the standard library -----------------------------------------------------------


def _environment(run: Run, name: Known, default: Known = None) -> Known:
    return run.environ.get(name, default) if isinstance(name, str) else UNKNOWN


def _all(_run: Run, items: Known) -> Known:
    truths = [truth(each) for each in items] if isinstance(items, (list, tuple)) else [None]
    return False if False in truths else UNKNOWN if None in truths else True


def _any(_run: Run, items: Known) -> Known:
    truths = [truth(each) for each in items] if isinstance(items, (list, tuple)) else [None]
    return True if True in truths else UNKNOWN if None in truths else False


def _sorted(_run: Run, items: Known, *_others: Known) -> Known:
    if not isinstance(items, (list, tuple)) or UNKNOWN in items:
        return UNKNOWN
    if all(isinstance(each, Path) for each in items):
        return sorted(items, key=lambda path: path.text)
    return sorted(items)


def _next(run: Run, items: Known, *default: Known) -> Known:
    if not isinstance(items, (list, tuple)):
        return UNKNOWN
    if items:
        return items[0]
    return default[0] if default else UNKNOWN


def _range(_run: Run, *numbers: Known) -> Known:
    if all(isinstance(each, int) for each in numbers) and len(range(*numbers)) <= _MOST_NUMBERS:
        return list(range(*numbers))
    return UNKNOWN


def _number(_run: Run, text: Known, *_base: Known) -> Known:
    return int(text) if isinstance(text, (str, int)) else UNKNOWN


def _string(_run: Run, value: Known = "") -> Known:
    text = text_of(value)
    return str(value) if text is None and isinstance(value, int) else UNKNOWN if text is None else text


def _length(_run: Run, items: Known) -> Known:
    return len(items) if isinstance(items, (str, list, tuple, dict)) else UNKNOWN


def _items(kind: Callable[..., Known]) -> Callable[..., Known]:
    def known(_run: Run, items: Known = ()) -> Known:
        return kind(items) if isinstance(items, (list, tuple, dict)) else UNKNOWN

    return known


def _attribute(run: Run, of: Known, name: Known, *default: Known) -> Known:
    from torch_abi_audit.doctor.tracing.expressions import attribute

    if not isinstance(name, str):
        return UNKNOWN
    return attribute(of, name, run) if not default or _has(run, of, name) is True else UNKNOWN


def _has(run: Run, of: Known, name: Known) -> Known:
    """``hasattr``, where it is known that it has the attribute."""
    if isinstance(of, Named) and isinstance(name, str):
        scope = run.scopes.get(of.name)
        if f"{of.name}.{name}" in run.constants or (scope is not None and scope.has(name)):
            return True
    return UNKNOWN


def _open(run: Run, path: Known, *mode: Known) -> Known:
    text = text_of(path)
    if text is None:
        return UNKNOWN
    if not mode or mode[0] in ("r", "rb", "rt"):
        if not lookup.is_file(text):
            run.fail("FileNotFoundError", f"No such file or directory: {text!r}", (text, 0))
    return File(text)


def _json(_run: Run, file: Known) -> Known:
    import json

    text = lookup.source_text(file.path) if isinstance(file, File) else file
    return json.loads(text) if isinstance(text, str) else UNKNOWN


def _enumerated(_run: Run, items: Known) -> Known:
    return list(enumerate(items)) if isinstance(items, (list, tuple)) else UNKNOWN


def _variable(run: Run, name: Known) -> Known:
    return run.python.suffixes[0] if name in ("EXT_SUFFIX", "SO") else UNKNOWN


def _finder(_run: Run, directory: Known, *_loaders: Known) -> Known:
    text = text_of(directory)
    return UNKNOWN if text is None else Finder(text)


_FUNCTIONS: dict[str, Callable[..., Known]] = {
    "os.path.join": _of_text(lambda *parts: os.path.join(*parts)),
    "os.path.dirname": _of_text(os.path.dirname),
    "os.path.basename": _of_text(os.path.basename),
    "os.path.abspath": _of_text(os.path.normpath),
    "os.path.realpath": _of_text(lookup.real_path),
    "os.path.normpath": _of_text(os.path.normpath),
    "os.path.expanduser": _of_text(lambda path: path),
    "os.path.splitext": _of_text(os.path.splitext),
    "os.path.split": _of_text(os.path.split),
    "os.path.exists": _of_text(lambda path: lookup.is_file(path) or lookup.is_directory(path)),
    "os.path.isfile": _of_text(lookup.is_file),
    "os.path.isdir": _of_text(lookup.is_directory),
    "os.fspath": _of_text(lambda path: path),
    "os.listdir": _listed,
    "os.getenv": _environment,
    "os.environ.get": _environment,
    "glob.glob": _glob,
    "glob.iglob": _glob,
    "pathlib.Path": _path,
    "pathlib.PurePath": _path,
    "pathlib.PosixPath": _path,
    "importlib.machinery.FileFinder": _finder,
    "importlib.machinery.PathFinder": lambda _run: Named("importlib.machinery.PathFinder"),
    "sysconfig.get_config_var": _variable,
    "platform.system": lambda run: run.constants["platform.system()"],
    "platform.machine": lambda run: run.constants["platform.machine()"],
    "packaging.version.Version": _release,
    "packaging.version.parse": _release,
    "pkg_resources.parse_version": _release,
    "torch.torch_version.TorchVersion": _release,
    "torch.cuda.is_available": _without_device,
    "builtins.open": _open,
    "builtins.hasattr": _has,
    "json.load": _json,
    "json.loads": _json,
    "builtins.all": _all,
    "builtins.any": _any,
    "builtins.sorted": _sorted,
    "builtins.next": _next,
    "builtins.iter": lambda _run, items: items,
    "builtins.range": _range,
    "builtins.int": _number,
    "builtins.str": _string,
    "builtins.len": _length,
    "builtins.list": _items(list),
    "builtins.tuple": _items(tuple),
    "builtins.enumerate": _enumerated,
    "builtins.getattr": _attribute,
    "builtins.reversed": _items(lambda items: list(items)[::-1]),
}
BUILTINS: dict[str, Known] = {
    **{
        name.removeprefix("builtins."): Named(name)
        for name in _FUNCTIONS
        if name.startswith("builtins.")
    },
    "__import__": Named("builtins.__import__"),
    "TYPE_CHECKING": False,
}
"""What names mean that no source defines."""
