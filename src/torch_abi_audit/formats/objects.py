"""Object files and static archives of any format, recognised by their first bytes."""

from __future__ import annotations

from torch_abi_audit.formats import ar
from torch_abi_audit.model.binary import NotALibrary
from torch_abi_audit.model.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.formats.object_file import ObjectFile
    from torch_abi_audit.model.binary import Readable

_UNIVERSAL = (b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf")
_BITCODE = (b"BC\xc0\xde", b"\xde\xc0\x17\x0b")
_SLIM = b"__gnu_lto_slim"


def architectures(source: Readable) -> tuple[tuple[str, Readable], ...]:
    """The images in a universal file, each with a suffix for its name; else the file itself.

    Raises:
        FormatError: the universal file is damaged.
    """
    if source.read_at(0, 4) not in _UNIVERSAL:
        return (("", source),)
    from torch_abi_audit.formats.macho import slices

    found = slices.slices(source)
    if isinstance(found, NotALibrary):
        raise FormatError(f"not an object file: {found.kind}")
    return tuple((f"[{number}]", one) for number, one in enumerate(found, 1))


def kind(source: Readable) -> str | None:
    """``object``, ``archive`` or ``bitcode``, judged by a file's first bytes; None for others."""
    head = source.read_at(0, 64)
    if head[:8] in (ar.MAGIC, ar.THIN):
        return "archive"
    if head[:4] in _BITCODE:
        return "bitcode"
    if head[:4] == b"\x7fELF" and len(head) >= 18:
        little = head[5] == 1
        return "object" if int.from_bytes(head[16:18], "little" if little else "big") == 1 else None
    from torch_abi_audit.formats.macho import object as macho_object
    from torch_abi_audit.formats.pe import object as coff_object

    is_object = macho_object.is_object(source) or coff_object.is_object(source)
    return "object" if is_object else None


def read(source: Readable) -> ObjectFile | None:
    """Read one object file; None for an entry of an import library, which has no code.

    Raises:
        FormatError: the file is damaged, or has no symbols to judge (bitcode, ``/GL``).
    """
    head = source.read_at(0, 4)
    if head in _BITCODE:
        raise FormatError(
            "LLVM bitcode (-flto) is compiled at link time: audit the linked library instead"
        )
    if head == b"\x7fELF":
        from torch_abi_audit.formats.elf import object as elf_object

        found = elf_object.read(source)
        if _SLIM in found.defined:
            raise FormatError(
                "GCC bytecode (-flto) is compiled at link time: audit the linked library instead, "
                "or compile with -ffat-lto-objects"
            )
        return found
    from torch_abi_audit.formats.macho import object as macho_object
    from torch_abi_audit.formats.pe import object as coff_object

    if macho_object.is_object(source):
        return macho_object.read(source)
    return coff_object.read(source)


def members(source: Readable) -> Iterator[tuple[str, ObjectFile | FormatError]]:
    """Every object file in an archive by name, or the error from reading it.

    Members without code, such as text and entries of import libraries, are left out.

    Raises:
        FormatError: the archive itself is damaged, or thin.
    """
    for member in ar.members(source):
        what = kind(member.content)
        if what is None:
            continue
        try:
            found = read(member.content)
        except FormatError as error:
            yield member.name, error
        else:
            if found is not None:
                yield member.name, found
