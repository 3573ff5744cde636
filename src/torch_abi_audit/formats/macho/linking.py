"""What dyld asks of one Mach-O image when it binds images to each other.

Names are spelled as linkers spell them, with the underscore that the platform adds.
"""

from __future__ import annotations

from torch_abi_audit.formats.macho.binds import bound
from torch_abi_audit.formats.macho.image import read_header
from torch_abi_audit.formats.macho.slices import slices
from torch_abi_audit.formats.macho.symbols import external, undefined
from torch_abi_audit.formats.macho.trie import Export, lookup
from torch_abi_audit.model.binary import NotALibrary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from torch_abi_audit.formats.macho.binds import Bind
    from torch_abi_audit.formats.macho.image import Image
    from torch_abi_audit.formats.macho.slices import Slice
    from torch_abi_audit.model.binary import Readable


def architectures(source: Readable) -> tuple[tuple[str, Slice], ...] | NotALibrary:
    """The architecture of each slice in a file.

    Raises:
        FormatError: the file is damaged, or not Mach-O.
    """
    found = slices(source)
    if isinstance(found, NotALibrary):
        return found
    headers = [(read_header(one), one) for one in found]
    known = [(header.arch, one) for header, one in headers if not isinstance(header, NotALibrary)]
    return tuple(known) or NotALibrary("static archive")


def imported(image: Image) -> Mapping[bytes, Bind]:
    """The names that dyld looks up, in the order in which it does.

    Raises:
        FormatError: the tables are damaged.
    """
    return bound(image) if image.fixed_up else undefined(image)


def exported(image: Image, names: Iterable[bytes]) -> Mapping[bytes, Export]:
    """Those of ``names`` that the image exports: if there is an export trie, dyld only looks there.

    Raises:
        FormatError: the tables are damaged.
    """
    if image.exports.size:
        return lookup(image.table(image.exports, "export trie"), names)
    return {name: Export(None, name) for name in {*external(image)}.intersection(names)}
