"""Readers for the binary formats of libraries, chosen by the first bytes of a file.

``interface`` states the contract of a reader; ``objects`` reads object files and static archives.
"""

from __future__ import annotations

from torch_abi_audit.model.binary import MAGICS, Binary, Format, NotALibrary
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.runtime.lazy_import import module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch_abi_audit.formats.interface import LibraryReader
    from torch_abi_audit.model.binary import Readable
    from torch_abi_audit.model.device_code import DeviceCode

READERS = {Format.ELF: "elf.library", Format.MACHO: "macho.library", Format.PE: "pe.library"}
"""Each format's reader module, which is imported when the first file of that format is read."""


def detect(head: bytes) -> Format | None:
    """The format of a file that begins with ``head``; None for any other file."""
    return MAGICS.get(head[:4]) or MAGICS.get(head[:2])


def read(source: Readable) -> tuple[Binary, ...] | NotALibrary:
    """Every image in a file: one, or the slices of a universal Mach-O file.

    Raises:
        FormatError: the file is damaged, cut short, or of an unsupported or unknown format.
    """
    head = source.read_at(0, 16)
    kind = detect(head)
    if kind is not None:
        result = _reader(kind).read(source)
        return (result,) if isinstance(result, Binary) else result
    if head and any(magic.startswith(head) for magic in MAGICS):
        raise FormatError(
            f"the file is cut short: its {len(head)} bytes are only the start of a library's header"
        )
    from torch_abi_audit.formats import not_libraries  # rarely needed

    for magic, name in not_libraries.UNSUPPORTED:
        if head.startswith(magic):
            raise FormatError(f"the file is {name}, which is not supported")
    known = not_libraries.recognise(source)
    if known is None:
        raise FormatError(
            f"unknown file format: it is not ELF, Mach-O or PE, and begins with {head[:4].hex()}"
        )
    return known


def exports(source: Readable, binary: Binary) -> frozenset[bytes]:
    """The names that ``binary``, an image in ``source``, exports to other libraries.

    Raises:
        FormatError: the file is damaged.
    """
    return _reader(binary.format).exports(source, binary)


def exported(source: Readable, binary: Binary, wanted: frozenset[bytes]) -> frozenset[bytes]:
    """The names in ``wanted`` that ``binary`` exports; faster than ``exports`` for large tables.

    Raises:
        FormatError: the file is damaged.
    """
    return _reader(binary.format).exported(source, wanted, binary)


def exported_with(source: Readable, binary: Binary, parts: tuple[bytes, ...]) -> frozenset[bytes]:
    """The names that ``binary`` exports and that contain one of ``parts``; fast if there are none.

    Raises:
        FormatError: the file is damaged.
    """
    return _reader(binary.format).exported_with(source, parts, binary)


def device_file(source: Readable) -> DeviceCode | None:
    """The code in a file of device code (cubin, code object, fat binary, bundle, PTX); else None.

    Damage is told in ``DeviceCode.problem``.
    """
    from torch_abi_audit.formats.device_code import files  # few packages have such files

    return files.of_file(source)


def device_objects(source: Readable) -> DeviceCode | None:
    """The code for GPUs in an object file or a static archive; None if there is none.

    Raises:
        FormatError: the archive itself is damaged, or thin.
    """
    from torch_abi_audit.formats.device_code import files  # few packages have such files

    return files.of_object(source)


def prepare(heads: Iterable[bytes]) -> None:
    """Import the readers for files that begin with ``heads``, before the process forks."""
    for kind in {detect(head) for head in heads}:
        if kind is not None:
            _reader(kind)


def _reader(kind: Format) -> LibraryReader:
    return module(f"formats.{READERS[kind]}")
