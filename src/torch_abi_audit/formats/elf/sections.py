"""Section names of an ELF file: only hints, since no loader reads them."""

from __future__ import annotations

from struct import Struct

from torch_abi_audit.formats.bounded import window
from torch_abi_audit.model.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch_abi_audit.formats.elf.image import Image

_MOST = 1 << 16


def has_section(image: Image, wanted: Iterable[bytes]) -> bool:
    """Whether a section has one of the ``wanted`` names; False if sections have no names."""
    layout = image.layout
    if image.section_names is None:
        return False
    try:
        shape = Struct(layout.order + ("24xQQ" if layout.wide else "16xII"))
        offset, size = shape.unpack(
            window(image.source, image.section_names, shape.size, "section header")
        )
        names = window(image.source, offset, min(size, _MOST), "section names")
    except FormatError:  # a loader would not notice damaged section names
        return False
    return any(b"\0%b\0" % name in names for name in wanted)
