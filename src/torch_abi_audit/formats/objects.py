"""Object files and archives of them, by their first bytes."""

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
    """The images of a universal file, each with a word for its name; a plain file as it is.

    Raises:
        FormatError: the universal file is damaged.
    """
    if source.read_at(0, 4) not in _UNIVERSAL:
        return (("", source),)
    from torch_abi_audit.formats.macho import slices

    found = slices.slices(source)
    if isinstance(found, NotALibrary):
        raise FormatError(f"no object file, but: {found.kind}")
    return tuple((f"[{number}]", one) for number, one in enumerate(found, 1))


def kind(source: Readable) -> str | None:
    """``object``, ``archive`` or ``bitcode``, by a file's first bytes; else None."""
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
    """One object file; None for what compiles nothing: an entry of an import library.

    Raises:
        FormatError: it is damaged, or holds no symbols that could be judged.
    """
    head = source.read_at(0, 4)
    if head in _BITCODE:
        raise FormatError(
            "LLVM bitcode (-flto): it is compiled when it is linked; audit the result"
        )
    if head == b"\x7fELF":
        from torch_abi_audit.formats.elf import object as elf_object

        found = elf_object.read(source)
        if _SLIM in found.defined:
            raise FormatError(
                "GCC bytecode (-flto): it is compiled when it is linked; audit the "
                "result, or compile with -ffat-lto-objects"
            )
        return found
    from torch_abi_audit.formats.macho import object as macho_object
    from torch_abi_audit.formats.pe import object as coff_object

    if macho_object.is_object(source):
        return macho_object.read(source)
    return coff_object.read(source)


def members(source: Readable) -> Iterator[tuple[str, ObjectFile | FormatError]]:
    """Every object file of an archive by name, or why it could not be read.

    What compiles nothing is left out: text, entries of import libraries.

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
