"""Reads the object files of a build directory and finds the libtorch symbols each one needs."""

from __future__ import annotations

from torch_abi_audit.formats import objects
from torch_abi_audit.judges import torch_abi, torch_names
from torch_abi_audit.knowledge import replacements, torch_namespaces, torch_shims
from torch_abi_audit.mangling import demangle, owner
from torch_abi_audit.model.binary import Binary
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.port.migration import Unit
from torch_abi_audit.port.sites import Authors, sites
from torch_abi_audit.sources.files.build_tree import ARCHIVE_SUFFIXES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from torch_abi_audit.formats.object_file import ObjectFile
    from torch_abi_audit.model.binary import Readable
    from torch_abi_audit.sources.files.build_tree import BuildFile

_SHOWN_EVIDENCE = 50


class _Read:
    """The object files and errors of a tree, as collected so far."""

    __slots__ = ("authors", "copies", "empty", "errors", "objects", "sizes")

    def __init__(self) -> None:
        self.objects: dict[str, ObjectFile] = {}
        self.errors: dict[str, str] = {}
        self.sizes: set[tuple[str, int]] = set()
        self.copies = self.empty = 0
        self.authors = Authors()


def units(
    files: Iterable[BuildFile], progress: Callable[[str], None] | None = None
) -> tuple[tuple[Unit, ...], tuple[str, ...]]:
    """Read every translation unit of a build; return the units and notes for the report.

    A unit that could not be read has an ``error``. Symbols that another unit of the build defines
    do not count as uses of libtorch.
    """
    read = _Read()
    ordered = sorted(files, key=lambda one: one.relative.lower().endswith(ARCHIVE_SUFFIXES))
    for file in ordered:
        if progress is not None:
            progress(file.relative)
        _read(file, read)
    defined: dict[bytes, set[str]] = {}
    for name, found in read.objects.items():
        for symbol in found.defined:
            defined.setdefault(symbol, set()).add(name)
    made = [_unit(name, found, defined, read.authors) for name, found in read.objects.items()]
    made += [Unit(name, error=message) for name, message in read.errors.items()]
    return tuple(sorted(made, key=lambda one: one.name)), tuple(_notes(read))


def _read(file: BuildFile, read: _Read) -> None:
    try:
        with file.open() as source:
            parts = objects.architectures(source)
            for suffix, part in parts:
                _read_part(f"{file.relative}{suffix}", part, read)
    except FormatError as error:
        read.errors[file.relative] = str(error)
    except OSError as error:
        read.errors[file.relative] = error.strerror or str(error)


def _read_part(name: str, source: Readable, read: _Read) -> None:
    kind = objects.kind(source)
    if kind == "archive":
        members = 0
        for member, found in objects.members(source):
            members += 1
            _keep(f"{name}({member})", found, read)
        read.empty += not members
    elif kind is None:
        raise FormatError(
            "empty file: truncated or never written"
            if source.size == 0
            else "has the suffix of an object file, but is not ELF, Mach-O, COFF or an archive"
        )
    elif (result := objects.read(source)) is not None:
        _keep(name, result, read)


def _keep(name: str, found: ObjectFile | FormatError, read: _Read) -> None:
    if isinstance(found, FormatError):
        read.errors[name] = str(found)
        return
    plain = name.partition("(")[2].removesuffix(")") if name.endswith(")") else name
    short = file_name(plain)
    key = short, hash((found.undefined, found.defined))
    if name.endswith(")") and key in read.sizes:
        read.copies += 1  # the tree also contains the object file that the archive was built from
        return
    read.sizes.add(key)
    read.objects[name] = found
    for each in found.references.values():
        read.authors.learn(each)


def _unit(
    name: str, found: ObjectFile, defined: Mapping[bytes, set[str]], authors: Authors
) -> Unit:
    binary = Binary(
        found.format, found.arch, 64, "little", found.undefined, weak_imports=found.weak_undefined
    )
    kinds = torch_names.classify(found.undefined + found.weak_undefined, binary)
    resolved = frozenset(one for one in kinds if defined.get(one, set()) - {name})
    verdict = torch_abi.judge(binary, kinds, resolved)
    unknown = {one.encode() for one in verdict.unknown_shim_symbols}
    shims = tuple(one for one in verdict.required if torch_shims.shim(one) or one in unknown)
    taken = frozenset(shims)
    unstable = tuple(one for one in verdict.required if one not in taken)
    return Unit(
        name=name,
        unstable=unstable,
        shims=shims,
        sites={one: sites(found.references.get(one, ()), authors) for one in unstable},
        source=found.source,
        evidence=() if unstable else _evidence(found),
    )


def _evidence(found: ObjectFile) -> tuple[str, ...]:
    """Inline definitions of classes that only unstable headers declare, demangled."""
    names = sorted(one for one in found.weak if _is_unstable_class(owner(one)))
    return tuple(demangle(names[:_SHOWN_EVIDENCE]))


def _is_unstable_class(declared: tuple[bytes, ...]) -> bool:
    if len(declared) < 2 or declared[0] not in torch_namespaces.TYPE_NAMESPACES:
        return False
    name = declared[1].decode("utf-8", "replace")
    return name[:1].isupper() and not replacements.is_header_only(name)


def _notes(read: _Read) -> Iterable[str]:
    if read.copies:
        yield f"copies of object files in archives, counted only once: {read.copies}"
    split = sum(one.split for one in read.objects.values())
    if split:
        files = "object file was" if split == 1 else "object files were"
        yield (
            f"{split} {files} compiled with -gsplit-dwarf: .dwo files are not read, so code that "
            "was inlined from headers counts as theirs"
        )
    if read.empty:
        yield f"{read.empty} archives contain no object files (import libraries, or empty)"
