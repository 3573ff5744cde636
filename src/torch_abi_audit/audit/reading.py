"""Reads the files of a package: each is a library, unreadable, or another kind of file."""

from __future__ import annotations

from torch_abi_audit import formats
from torch_abi_audit.audit.sharing import each_file
from torch_abi_audit.judges import JUDGES
from torch_abi_audit.knowledge.names import torch as torch_library
from torch_abi_audit.knowledge.names import variants
from torch_abi_audit.knowledge.names.library_file import named_as_library
from torch_abi_audit.model.binary import Binary, Format, NotALibrary
from torch_abi_audit.model.device_code import AMD_CODE, CUDA_CODE, PTX_SUFFIX, REGISTERING
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.model.reports import ExtensionReport, Linkage, Skipped
from torch_abi_audit.runtime.records import dataclass, late_path, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from torch_abi_audit.knowledge.names.variants import Release
    from torch_abi_audit.model.binary import Readable
    from torch_abi_audit.sources.found import Candidate, Found

_DEVICE_KINDS = (CUDA_CODE, AMD_CODE)
_POINTER = "Git LFS pointer"


@dataclass(frozen=True, slots=True)
class Image:
    """One image of a readable file, reduced to what the next stages need."""

    binary: Binary
    """Without its imports, and with the weak imports and providers of ``references`` only."""
    references: tuple[Collection[bytes], ...]
    """For each of ``JUDGES``, the imports that concern it."""
    linkage: Linkage
    shown: frozenset[bytes] = frozenset()
    """The exports that one of ``JUDGES`` must see."""
    exports: frozenset[bytes] | None = None
    """The exported names; None if the file can be opened again to look names up."""


@dataclass(frozen=True, slots=True)
class Library:
    """One readable file."""

    candidate: Candidate
    images: tuple[Image, ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a file could not be read."""

    message: str


@dataclass(frozen=True, slots=True)
class Contents:
    """The files of a package, by path relative to its root."""

    libraries: Mapping[str, Library]
    errors: Mapping[str, ExtensionReport]
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...]
    variants: Mapping[str, Release]
    """The torch release that the path of each variant names; empty without variants."""


def contents(found: Found, progress: Callable[[str], None] | None, *, shared: bool) -> Contents:
    """Read every candidate of a package.

    Args:
        found: The package.
        progress: Called with the name of each file before it is read.
        shared: Whether other processes may read some candidates.
    """
    results = each_file(
        lambda candidate: _read(candidate, found),
        found.candidates,
        [candidate.size for candidate in found.candidates],
        shared=shared,
        prepare=lambda: _prepare(found),
        before=None if progress is None else lambda candidate: progress(candidate.relative),
    )
    libraries: dict[str, Library] = {}
    errors: dict[str, ExtensionReport] = {}
    skipped: list[Skipped] = []
    notes: list[str] = []
    for candidate, result in zip(found.candidates, results, strict=True):
        if isinstance(result, Unreadable):
            errors[candidate.relative] = report(candidate.path, result)
        elif isinstance(result, Skipped):
            skipped.append(result)
            if result.kind == _POINTER and named_as_library(result.path):
                notes.append(f"{result.path} is a {_POINTER}: the library was not fetched")
        else:
            libraries[candidate.relative] = Library(candidate, result)
    for one in found.errors:
        if one.dangling:
            notes.append(f"{one.relative} is {one.message}")
        else:
            errors[one.relative] = report(one.path, Unreadable(one.message))
    named = variants.releases([*errors, *libraries])
    return Contents(libraries, errors, tuple(skipped), tuple(notes), named)


def is_libtorch(candidate: Candidate, found: Found) -> bool:
    """Whether a file is a libtorch library of the torch distribution, and so not a sibling."""
    return found.is_torch and torch_library.is_libtorch(candidate.relative)


def unreadable(error: FormatError | OSError) -> Unreadable:
    """Return the message of an error, as one clause."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return Unreadable(text)


def report(path: str, why: Unreadable) -> ExtensionReport:
    """Return the report on a file that could not be read."""
    return ExtensionReport(late_path(path), error=why.message)


def _prepare(found: Found) -> None:
    formats.prepare(candidate.head for candidate in found.candidates)
    for judge in JUDGES:
        judge.prepare()


def _read(candidate: Candidate, found: Found) -> tuple[Image, ...] | Skipped | Unreadable:
    named = named_as_library(candidate.relative)
    # opening a member of an archive a second time is slow
    at_once = candidate.identity is None and not is_libtorch(candidate, found)
    try:
        with candidate.open() as source:
            binaries = formats.read(source)
            if not isinstance(binaries, NotALibrary):
                return tuple(_image(source, each, found, at_once=at_once) for each in binaries)
            if binaries.kind in _DEVICE_KINDS or candidate.relative.lower().endswith(PTX_SUFFIX):
                code = formats.device_file(source)
                if code is not None:
                    kind = "PTX" if binaries.kind == "text" else binaries.kind
                    return Skipped(candidate.relative, kind, code)
    except FormatError as error:
        if not named and formats.detect(candidate.head) is Format.PE:
            # data may begin with MZ by chance; a damaged library would have a library's name
            return Skipped(candidate.relative, "data that begins with MZ")
        if (
            candidate.relative.lower().endswith(PTX_SUFFIX)
            and formats.detect(candidate.head) is None
        ):
            return Skipped(candidate.relative, "data")
        return unreadable(error)
    except OSError as error:
        return unreadable(error)
    if named and binaries.kind == "empty file":
        return Unreadable("empty file: truncated or never written")
    return Skipped(candidate.relative, binaries.kind)


def _image(source: Readable, binary: Binary, found: Found, *, at_once: bool) -> Image:
    references = tuple(judge.references(binary, found.is_torch) for judge in JUDGES)
    exports = formats.exports(source, binary) if at_once else None
    shown = frozenset[bytes]()
    parts = [
        part
        for judge, used in zip(JUDGES, references, strict=True)
        for part in judge.shown(binary, used)
    ]
    if parts and not found.is_torch:
        if exports is None:
            shown = formats.exported_with(source, binary, tuple(parts))
        else:
            shown = frozenset(name for part in parts for name in exports if part in name)
    kept = frozenset[bytes]().union(*references)
    reduced = replace(
        binary,
        imports=(),
        weak_imports=tuple(name for name in binary.weak_imports if name in kept),
        providers={name: binary.providers[name] for name in kept & binary.providers.keys()}
        if binary.providers
        else binary.providers,
    )
    return Image(reduced, references, _linkage(binary), shown, exports)


def _linkage(binary: Binary) -> Linkage:
    return Linkage(
        binary.format,
        binary.arch,
        binary.needed,
        binary.delay_needed,
        binary.soname,
        binary.version_needs,
        binary.weak_version_needs,
        binary.version_definitions,
        binary.executable_stack,
        binary.rpaths,
        binary.min_os,
        static_cuda=_static_cuda(binary),
    )


def _static_cuda(binary: Binary) -> bool:
    """Whether there is CUDA code, but no import of the function that registers it, or AMD code."""
    code = binary.device_code
    return (
        code is not None
        and not any(name in binary.imports for name in REGISTERING)
        and not any(target.startswith("gfx") for target in code.targets)
    )
