"""Section names of an ELF file: only hints, since no loader reads them."""

from __future__ import annotations

from struct import Struct

from torch_abi_audit.formats.bounded import window
from torch_abi_audit.model.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.formats.elf.image import Image

_MOST = 1 << 16
_DYNAMIC = b".dyn"


def section_names(image: Image) -> bytes | None:
    """The table of section names, each with a NUL at its end; None if there is no sound one.

    A sound one has the sections that every library has, ``.dynamic`` among them.
    """
    layout = image.layout
    if image.section_names is None:
        return None
    try:
        shape = Struct(layout.order + ("24xQQ" if layout.wide else "16xII"))
        offset, size = shape.unpack(
            window(image.source, image.section_names, shape.size, "section header")
        )
        names = window(image.source, offset, min(size, _MOST), "section names")
    except FormatError:  # a loader would not notice damaged section names
        return None
    return names if _DYNAMIC in names else None
