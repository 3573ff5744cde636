"""Where an ELF library or object file holds code for GPUs.

That is in sections with known names. A library may do without section headers, which no loader
reads: the records that it registers are then looked for in what is loaded.
"""

from __future__ import annotations

from torch_abi_audit.formats.device_code.collect import Ranges, collect
from torch_abi_audit.formats.elf.section_table import section_table
from torch_abi_audit.model.device_code import (
    BUNDLED_SECTION,
    CUDA_SECTION,
    CUDA_WRAPPERS,
    ELSEWHERE_SECTION,
    HIP_SECTION,
    HIP_WRAPPERS,
    OFFLOAD_SECTION,
    RELOCATABLE_CUDA_SECTION,
    DeviceCode,
)
from torch_abi_audit.model.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch_abi_audit.formats.device_code.wrappers import Wrapper
    from torch_abi_audit.formats.elf.image import Image
    from torch_abi_audit.formats.elf.section_table import Section
    from torch_abi_audit.model.binary import Readable

_SHT_NOBITS = 8
_HOMES = (CUDA_SECTION, RELOCATABLE_CUDA_SECTION, HIP_SECTION)
_PIECE, _MOST_SEARCHED, _MOST_RECORDS = 1 << 20, 1 << 30, 1 << 20


def of_image(image: Image, names: bytes | None, *, registers: bool) -> DeviceCode | None:
    """The code for GPUs in a library; None if it has none.

    Args:
        image: The library.
        names: The table of its section names, if it has a sound one.
        registers: Whether it imports a function to which libraries hand over such code.
    """
    if names is None:
        return _registered(image, registers, "it has no section headers")
    found = of_sections(image.source)
    if found is not None:
        return found
    registers = registers or any(name in names for name in (CUDA_WRAPPERS, HIP_WRAPPERS))
    return _registered(image, registers, "it is in no section") if registers else None


def of_sections(source: Readable) -> DeviceCode | None:
    """The code for GPUs in the sections of a library or object file; None without such sections."""
    try:
        sections = section_table(source).sections
    except FormatError as error:
        return DeviceCode(problem=f"its code for GPUs cannot be found: {error}")

    def ranges(name: bytes) -> tuple[tuple[int, int], ...]:
        return tuple(
            (one.offset, one.size)
            for one in sections
            if one.name == name and one.kind != _SHT_NOBITS and one.size
        )

    cuda, hip = ranges(CUDA_SECTION), ranges(HIP_SECTION)
    relocatable = ranges(RELOCATABLE_CUDA_SECTION)
    problem = None
    if any(one.name == ELSEWHERE_SECTION for one in sections):
        problem = "its code for AMD GPUs stands in .kpack files, which are not read"
    offload = ranges(OFFLOAD_SECTION)
    named = tuple(
        (one.name.removeprefix(BUNDLED_SECTION).decode("ascii", "replace"), one.size)
        for one in sections
        if one.name.startswith(BUNDLED_SECTION)
    )
    if not (cuda or hip or relocatable or offload or named or problem):
        return None
    told = _Told(source, sections)
    return collect(
        source,
        Ranges(
            cuda,
            relocatable,
            hip,
            offload,
            named,
            frozenset(told.offsets),
            told.cuda,
            told.hip,
            frozenset(told.linked) or None,
        ),
        problem,
    )


class _Told:
    """What the records in sections tell of where containers of code stand."""

    def __init__(self, source: Readable, sections: Sequence[Section]) -> None:
        from torch_abi_audit.formats.device_code.wrappers import wrappers  # few files have any

        self.offsets: set[int] = set()
        self.linked: set[int] = set()
        """Of those that the device linker made."""
        self.cuda = self.hip = 0
        """The number of records that do not tell it."""
        homes = [one for one in sections if one.name in _HOMES]
        for section in sections:
            if section.name in (CUDA_WRAPPERS, HIP_WRAPPERS) and section.kind != _SHT_NOBITS:
                blob = source.read_at(section.offset, min(section.size, _MOST_RECORDS))
                for one in wrappers(blob):
                    self._add(one, homes)

    def _add(self, one: Wrapper, homes: Sequence[Section]) -> None:
        if one.address == 0:
            self.cuda += not one.is_hip
            self.hip += one.is_hip
            return
        for home in homes:
            if 0 <= one.address - home.address < home.size:
                offset = one.address - home.address + home.offset
                self.offsets.add(offset)
                if one.is_device_linked:
                    self.linked.add(offset)


def _registered(image: Image, registers: bool, why: str) -> DeviceCode | None:  # noqa: FBT001
    """The code for GPUs that the records in a library's segments lead to."""
    records = _records(image)
    if not records:
        return (
            DeviceCode(problem=f"it registers code for GPUs that cannot be found: {why}")
            if registers
            else None
        )
    cuda: set[tuple[int, int]] = set()
    hip: set[tuple[int, int]] = set()
    problem: str | None = None
    for one in records:
        try:
            (hip if one.is_hip else cuda).add(image.at(one.address, "code for GPUs"))
        except FormatError:
            problem = f"some of its code for GPUs cannot be found: {why}"
        if one.is_device_linked:
            problem = f"what the device linker made of its code cannot be told: {why}"
    begin = frozenset(start for start, _ in (*cuda, *hip))
    places = Ranges(tuple(sorted(cuda)), hip=tuple(sorted(hip)), registered=begin, single=True)
    return collect(image.source, places, problem)


def _records(image: Image) -> list[Wrapper]:
    """The records in the segments of a library."""
    from torch_abi_audit.formats.device_code.wrappers import SIZE, wrappers

    found: list[Wrapper] = []
    left = _MOST_SEARCHED
    for offset, address, size in image.loads:
        at = -address % 8
        while at < size and left > 0:
            piece = image.source.read_at(offset + at, min(_PIECE + SIZE, size - at))
            if not piece:
                break
            found += wrappers(piece)
            at += _PIECE
            left -= _PIECE
    return list(dict.fromkeys(found))
