"""Files that consist of device code, and object files and archives with some."""

from __future__ import annotations

import re

from torch_abi_audit.formats.device_code import amdgpu, bundle, cubin, fatbin
from torch_abi_audit.formats.device_code.collect import Ranges, collect, merged
from torch_abi_audit.model.device_code import DeviceCode, KernelSet
from torch_abi_audit.model.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.model.binary import Readable

_ELF = b"\x7fELF"
_NOTES = b".note.nv.tkinfo"
_MOST_NOTES = 1 << 16
_COMMAND = re.compile(rb"-arch[ =]sm_(\d+[af]?)\b")
_RELEASE = re.compile(rb"release (\d+\.\d+)")
_LOOK = 1 << 14
_PTX_VERSION = re.compile(rb"^[ \t]*\.version[ \t]+(\d+)\.(\d+)", re.MULTILINE)
_PTX_TARGET = re.compile(rb"^[ \t]*\.target[ \t]+sm_(\d+[af]?)\b", re.MULTILINE)


def of_file(source: Readable) -> DeviceCode | None:
    """The code in a file of device code; None for any other file.

    That is a cubin, an AMD code object, a fat binary, an offload bundle, or PTX as text.
    """
    head = source.read_at(0, 128)
    if head.startswith(_ELF):
        return _of_elf(source, head)
    everything = ((0, source.size),)
    if head.startswith(fatbin.MAGIC.to_bytes(4, "little")):
        return collect(source, Ranges(cuda=everything))
    if head.startswith((bundle.MAGIC, bundle.PACKED_MAGIC)):
        return collect(source, Ranges(hip=everything))
    return _of_ptx(source) if b"\0" not in head else None


def of_object(source: Readable) -> DeviceCode | None:
    """The code for GPUs in an object file or a static archive; None if there is none.

    Raises:
        FormatError: the archive is damaged, or thin; damage of one object file is told in
            ``DeviceCode.problem``.
    """
    from torch_abi_audit.formats import ar

    if source.read_at(0, 8) not in (ar.MAGIC, ar.THIN):
        return _of_one(source)
    found = [code for member in ar.members(source) if (code := _of_one(member.content)) is not None]
    return merged(found) if found else None


def _of_one(source: Readable) -> DeviceCode | None:
    """The code for GPUs in an object file."""
    from torch_abi_audit.formats import objects

    try:
        if objects.kind(source) != "object":
            return of_file(source)
        if source.read_at(0, 4) == _ELF:
            from torch_abi_audit.formats.elf import device_code as elf

            return of_file(source) or elf.of_sections(source)
        from torch_abi_audit.formats.pe import device_code as pe

        return pe.of_object(source)
    except FormatError as error:
        return DeviceCode(problem=str(error))


def _of_elf(source: Readable, head: bytes) -> DeviceCode | None:
    found = cubin.header(head)
    if found is not None:
        architecture, toolkit = _noted(source, found)
        return DeviceCode(
            (KernelSet((f"sm_{architecture}",), 1, source.size),),
            toolkits=() if toolkit is None else (toolkit,),
        )
    target = amdgpu.target(head)
    if target is not None:
        return DeviceCode((KernelSet((target,), 1, source.size),))
    if int.from_bytes(head[18:20], "little") == amdgpu.MACHINE:
        return DeviceCode(problem="it is for an AMD GPU that is not known")
    return None


def _noted(source: Readable, found: cubin.Cubin) -> tuple[str, str | None]:
    """The architecture of a cubin, with its letter, and its toolkit, from what ptxas noted."""
    if found.toolkit is not None:
        return found.architecture, found.toolkit
    from torch_abi_audit.formats.elf.section_table import section_table

    try:
        notes = next((one for one in section_table(source).sections if one.name == _NOTES), None)
    except FormatError:
        return found.architecture, None
    text = source.read_at(notes.offset, min(notes.size, _MOST_NOTES)) if notes else b""
    command, release = _COMMAND.search(text), _RELEASE.search(text)
    architecture = command[1].decode() if command else ""
    if architecture.rstrip("af") != found.architecture.rstrip("a"):
        architecture = found.architecture
    return architecture, release[1].decode() if release else None


def _of_ptx(source: Readable) -> DeviceCode | None:
    text = source.read_at(0, _LOOK)
    version, target = _PTX_VERSION.search(text), _PTX_TARGET.search(text)
    if version is None or target is None:
        return None
    name = f"compute_{target[1].decode()}"
    return DeviceCode(
        (KernelSet((name,), 1, source.size),),
        ptx_isa=((name, f"{int(version[1])}.{int(version[2])}"),),
    )
