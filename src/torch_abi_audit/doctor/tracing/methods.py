"""Methods and attributes of values that are known: paths, texts, mappings, files."""

from __future__ import annotations

import os

from torch_abi_audit.doctor.tracing.values import (
    UNKNOWN,
    File,
    Finder,
    Method,
    Path,
    Spec,
    text_of,
)
from torch_abi_audit.sources.files import lookup
from torch_abi_audit.sources.installed.imports import listing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch_abi_audit.doctor.tracing.values import Known


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


def method(called: Method, arguments: Sequence[Known]) -> Known:
    """The value that a method returns."""
    of, name = called.of, called.name
    try:
        if isinstance(of, Path):
            return _PATH_METHODS[name](of, *arguments)
        if isinstance(of, File) and name == "read":
            text = lookup.source_text(of.path)
            return UNKNOWN if text is None else text
        if isinstance(of, Finder) and name == "find_spec":
            return _found(of, arguments[0])
        if isinstance(of, str) and all(isinstance(each, _TEXTS) for each in arguments):
            return getattr(of, name)(*arguments) if name in _STRING_METHODS else UNKNOWN
        if isinstance(of, dict):
            return _MAPPING_METHODS[name](of, *arguments)
        if isinstance(of, list) and name in ("append", "extend", "insert"):
            getattr(of, name)(*arguments)
            return None
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        return UNKNOWN
    return UNKNOWN


def _found(finder: Finder, name: Known) -> Known:
    """The specification that a finder of files returns; None if there is no such file."""
    if not isinstance(name, str):
        return UNKNOWN
    stem = os.path.join(finder.directory, name.rpartition(".")[2])
    paths = (stem + suffix for suffix in finder.suffixes)
    origin = next(filter(lookup.has_file, paths), None)
    return None if origin is None else Spec(name, origin)


_TEXTS = (str, int, tuple, list)
_STRING_METHODS = frozenset(
    [
        *("startswith", "endswith", "split", "rsplit", "strip", "lstrip", "rstrip", "lower"),
        *("upper", "replace", "join", "partition", "rpartition", "removeprefix", "removesuffix"),
    ]
)


def _same(path: Path, *_arguments: Known) -> Known:
    return path


def _within(path: Path, pattern: str) -> Known:
    return [Path(each) for each in lookup.matches(os.path.join(path.text, pattern), recursive=True)]


def _below(path: Path, pattern: str) -> Known:
    return _within(path, os.path.join("**", pattern))


def _children(path: Path) -> Known:
    return [joined(path.text, name) for name in listing(path.text)]


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
    "exists": lambda path: lookup.has_file(path.text) or lookup.has_directory(path.text),
    "is_file": lambda path: lookup.has_file(path.text),
    "is_dir": lambda path: lookup.has_directory(path.text),
}
_MAPPING_METHODS: dict[str, Callable[..., Known]] = {
    "get": lambda of, key, default=None: UNKNOWN if key is UNKNOWN else of.get(key, default),
    "items": lambda of: [(key, value) for key, value in of.items()],
    "keys": list,
    "values": lambda of: list(of.values()),
}
