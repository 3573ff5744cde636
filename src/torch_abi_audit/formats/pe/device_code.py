"""Where a DLL holds code for GPUs: sections with known names, of which it keeps eight bytes."""

from __future__ import annotations

from torch_abi_audit.formats.device_code.collect import Ranges, collect
from torch_abi_audit.formats.device_code.wrappers import wrappers
from torch_abi_audit.formats.pe.section_table import sections
from torch_abi_audit.model.device_code import (
    CUDA_SECTION,
    CUDA_WRAPPERS,
    HIP_SECTION,
    HIP_WRAPPERS,
    RELOCATABLE_CUDA_SECTION,
    DeviceCode,
)
from torch_abi_audit.model.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.formats.pe.image import Image
    from torch_abi_audit.model.binary import Readable

_SECTION_NAME = 8
"""Most bytes in a section's name: linkers truncate longer names."""
_MOST_RECORDS = 1 << 20


def of_image(image: Image) -> DeviceCode:
    """The code for GPUs in a DLL that has sections for it, or hands such code over."""

    def ranges(name: bytes) -> tuple[tuple[int, int], ...]:
        return tuple(
            span
            for section, span in zip(image.sections, image.spans, strict=True)
            if section == name[:_SECTION_NAME] and span[1]
        )

    cuda, hip = ranges(CUDA_SECTION), ranges(HIP_SECTION)
    relocatable = ranges(RELOCATABLE_CUDA_SECTION)
    if not (cuda or hip or relocatable):
        return DeviceCode(
            problem="it registers code for GPUs that cannot be found: no section has it"
        )
    records = (*ranges(CUDA_WRAPPERS), *ranges(HIP_WRAPPERS))
    registered, linked = _registered_in(image, records, (*cuda, *relocatable, *hip))
    return collect(
        image.source,
        Ranges(cuda, relocatable, hip, registered=registered, device_linked=linked),
    )


def of_object(source: Readable) -> DeviceCode | None:
    """The code for GPUs in a COFF object file; None if it has none.

    Raises:
        FormatError: the file is damaged.
    """
    found: dict[bytes, list[tuple[int, int]]] = {}
    for name, offset, size in sections(source):
        found.setdefault(name[:_SECTION_NAME], []).append((offset, size))
    cuda, relocatable, hip = (
        tuple(found.get(name[:_SECTION_NAME], ()))
        for name in (CUDA_SECTION, RELOCATABLE_CUDA_SECTION, HIP_SECTION)
    )
    if not (cuda or relocatable or hip):
        return None
    return collect(source, Ranges(cuda, relocatable, hip))


def _registered_in(
    image: Image, records: tuple[tuple[int, int], ...], homes: tuple[tuple[int, int], ...]
) -> tuple[frozenset[int], frozenset[int] | None]:
    """The offsets of the containers to which records point, and of those of the device linker.

    The latter is None if no record tells that.
    """
    found: set[int] = set()
    linked: set[int] = set()
    for offset, size in records:
        for one in wrappers(image.source.read_at(offset, min(size, _MOST_RECORDS))):
            rva = one.address - image.base
            if rva > 0:
                try:
                    region = image.region(rva, "code for GPUs")
                except FormatError:
                    continue
                place = rva - region.start + region.offset
                if any(start <= place < start + length for start, length in homes):
                    found.add(place)
                    if one.is_device_linked:
                        linked.add(place)
    return frozenset(found), frozenset(linked) or None
