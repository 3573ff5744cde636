"""Functions of Python's library, of torch and of others, as far as their results are known.

Each row of ``FUNCTIONS`` takes the run and the arguments. A function that is called otherwise than
its row expects raises what Python raises, and its result is not known.
"""

from __future__ import annotations

import os
import re

from torch_abi_audit.doctor.tracing import environment
from torch_abi_audit.doctor.tracing.methods import joined
from torch_abi_audit.doctor.tracing.values import (
    UNKNOWN,
    File,
    Finder,
    Named,
    Path,
    text_of,
    truth,
)
from torch_abi_audit.runtime.records import dataclass
from torch_abi_audit.sources.files import lookup
from torch_abi_audit.sources.installed.imports import listing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch_abi_audit.doctor.tracing.run import Run
    from torch_abi_audit.doctor.tracing.values import Known

_MOST_NUMBERS = 256


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

    text = text_of(directory)
    return UNKNOWN if text is None else listing(text)


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


def _next(_run: Run, items: Known, *default: Known) -> Known:
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
    return (
        str(value) if text is None and isinstance(value, int) else UNKNOWN if text is None else text
    )


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


_TYPES: dict[str, type | tuple[type, ...]] = {
    "builtins.str": str,
    "builtins.int": int,
    "builtins.list": list,
    "builtins.tuple": tuple,
    "builtins.dict": dict,
    "pathlib.Path": Path,
    "pathlib.PurePath": Path,
}


def _is_instance(_run: Run, value: Known, types: Known) -> Known:
    """``isinstance``, for values and types that are known."""
    if value is UNKNOWN or isinstance(value, Named):
        return UNKNOWN
    names = [each.name for each in _several(types) if isinstance(each, Named)]
    answers = [isinstance(value, _TYPES[name]) for name in names if name in _TYPES]
    if True in answers:
        return True
    return False if len(answers) == len(_several(types)) else UNKNOWN


def _several(value: Known) -> Sequence[Known]:
    return value if isinstance(value, tuple) else (value,)


def _open(run: Run, path: Known, *mode: Known) -> Known:
    text = text_of(path)
    if text is None:
        return UNKNOWN
    reads = not mode or mode[0] in ("r", "rb", "rt")
    if reads and not lookup.has_file(text):
        run.fail("FileNotFoundError", f"No such file or directory: {text!r}", (text, 0))
    return File(text)


def _json(_run: Run, file: Known) -> Known:
    import json

    text = lookup.source_text(file.path) if isinstance(file, File) else file
    return json.loads(text) if isinstance(text, str) else UNKNOWN


def _enumerated(_run: Run, items: Known) -> Known:
    return list(enumerate(items)) if isinstance(items, (list, tuple)) else UNKNOWN


def _mapped(run: Run, function: Known, items: Known) -> Known:
    from torch_abi_audit.doctor.tracing.calls import call

    if not isinstance(items, (list, tuple)):
        return UNKNOWN
    return [call(function, [each], {}, ("", 0), run) for each in items]


def _finder(_run: Run, directory: Known, *loaders: Known) -> Known:
    text = text_of(directory)
    suffixes: list[Known] = []
    for each in loaders:
        if not (isinstance(each, tuple) and isinstance(each[1], (list, tuple))):
            return UNKNOWN
        suffixes += each[1]
    if text is None or not all(isinstance(each, str) for each in suffixes):
        return UNKNOWN
    return Finder(text, tuple(suffixes))


FUNCTIONS: dict[str, Callable[..., Known]] = {
    **environment.FUNCTIONS,
    "os.path.join": _of_text(os.path.join),
    "os.path.dirname": _of_text(os.path.dirname),
    "os.path.basename": _of_text(os.path.basename),
    "os.path.abspath": _of_text(os.path.normpath),
    "os.path.realpath": _of_text(lookup.real_path),
    "os.path.normpath": _of_text(os.path.normpath),
    "os.path.splitext": _of_text(os.path.splitext),
    "os.path.split": _of_text(os.path.split),
    "os.path.exists": _of_text(lambda path: lookup.has_file(path) or lookup.has_directory(path)),
    "os.path.isfile": _of_text(lookup.has_file),
    "os.path.isdir": _of_text(lookup.has_directory),
    "os.fspath": _of_text(lambda path: path),
    "os.listdir": _listed,
    "glob.glob": _glob,
    "glob.iglob": _glob,
    "pathlib.Path": _path,
    "pathlib.PurePath": _path,
    "pathlib.PosixPath": _path,
    "importlib.machinery.FileFinder": _finder,
    "importlib.machinery.PathFinder": lambda _run: Named("importlib.machinery.PathFinder"),
    "packaging.version.Version": _release,
    "packaging.version.parse": _release,
    "pkg_resources.parse_version": _release,
    "torch.torch_version.TorchVersion": _release,
    "builtins.isinstance": _is_instance,
    "builtins.dict": lambda _run: {},
    "builtins.open": _open,
    "builtins.hasattr": _has,
    "json.load": _json,
    "json.loads": _json,
    "builtins.map": _mapped,
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
"""Dotted names to the functions."""
BUILTINS: dict[str, Known] = {
    **{
        name.removeprefix("builtins."): Named(name)
        for name in FUNCTIONS
        if name.startswith("builtins.")
    },
    "__import__": Named("builtins.__import__"),
    "TYPE_CHECKING": False,
}
"""What names mean that no source defines."""
