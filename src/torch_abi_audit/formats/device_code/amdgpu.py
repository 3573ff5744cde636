"""AMD code objects: ELF files with machine code for one AMD GPU architecture.

The fields and numbers are those of https://llvm.org/docs/AMDGPUUsage.html ("ELF Code Object") and
of ``EF_AMDGPU_*`` in LLVM's ``BinaryFormat/ELF.h``.
"""

from __future__ import annotations

from struct import Struct

MACHINE = 224
_MAGIC = b"\x7fELF\x02\x01"
_HEADER = Struct("<7xBB9xH28xI")
_OSABI_HSA = 64
_ABI_V3, _ABI_V4 = 1, 2
_GFX = (
    (0x20, "600 601 700 701 702 703 704"),
    (0x28, "801 802 803 810 900 902 904 906 908 909 90c 1010 1011 1012 1030 1031 1032 1033"),
    (0x3A, "602 705 805 1035 1034 90a 940 1100 1013 1150 1103 1036 1101 1102 1200 1250 1151"),
    (0x4B, "941 942"),
    (0x4E, "1201 950 1310 9-generic 10-1-generic 10-3-generic 11-generic 1152"),
    (0x57, "1154 1153 12-generic 1251 12-5-generic 1172 1170 1171 9-4-generic"),
    (0x62, "11-7-generic 13-generic"),
)
"""The first of numbers in a row, and the architectures that they stand for."""
_ARCHITECTURES = {
    first + number: name for first, names in _GFX for number, name in enumerate(names.split(" "))
}
_SIGNS = {2: "-", 3: "+"}


def target(head: bytes) -> str | None:
    """The target id in the ELF header at the start of ``head``: ``gfx90a:sramecc+:xnack-``.

    None if it does not begin like a code object, or is for an architecture that is not known here.
    """
    if len(head) < _HEADER.size or not head.startswith(_MAGIC):
        return None
    system, abi, machine, flags = _HEADER.unpack_from(head)
    name = _ARCHITECTURES.get(flags & 0xFF)
    if machine != MACHINE or system != _OSABI_HSA or name is None:
        return None
    if abi < _ABI_V4:
        xnack = 3 if abi == _ABI_V3 and flags & 0x100 else 0
        sramecc = 3 if abi == _ABI_V3 and flags & 0x200 else 0
    else:
        xnack, sramecc = flags >> 8 & 3, flags >> 10 & 3
    features = (("sramecc", sramecc), ("xnack", xnack))
    return f"gfx{name}" + "".join(
        f":{feature}{_SIGNS[setting]}" for feature, setting in features if setting in _SIGNS
    )
