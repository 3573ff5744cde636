"""L: what a library asks of the system that its platform tag does not promise."""

from __future__ import annotations

from torch_abi_audit.model.findings import Severity
from torch_abi_audit.rules.definition import Rule

RULES = (
    Rule(
        "L401",
        "glibc-too-new",
        "A library needs a newer glibc than the wheel's tag promises",
        "Installers put the wheel on systems with the older glibc, where loading ends with "
        "`version GLIBC_… not found`.",
        "Tag the wheel for the glibc that it needs, or build on an older system.",
        Severity.ERROR,
        itemized=True,
        example="_C.so: it needs glibc 2.34, and the wheel's tag manylinux_2_28_x86_64 promises "
        "2.28",
    ),
    Rule(
        "L402",
        "libstdcxx-too-new",
        "A library needs a newer libstdc++ or libgcc than the wheel's tag promises",
        "Systems of the tag have the older library, and loading ends with `version GLIBCXX_… not "
        "found`; it works where something else, such as conda, brings a newer one.",
        "Build with the compiler of the manylinux image, which links the newer parts statically, "
        "or raise the tag.",
        Severity.ERROR,
        itemized=True,
        example="_C.so: it needs GLIBCXX symbols 3.4.30, and the wheel's tag "
        "manylinux_2_28_x86_64 promises 3.4.24",
    ),
    Rule(
        "L403",
        "macos-too-new",
        "A library says that it needs a newer macOS than the wheel's tag promises",
        "It was built against interfaces that the older system may lack: it fails there when "
        "loaded or when used.",
        "Raise the tag, or set MACOSX_DEPLOYMENT_TARGET to what it says.",
        Severity.WARNING,
        example="_C.so: it says that it needs macOS 12.0, and the wheel's tag macosx_11_0_arm64 "
        "promises 11.0",
    ),
    Rule(
        "L404",
        "unprovided-library",
        "A library needs another one that nothing in reach provides",
        "It loads only where the user, or another package, happens to have put that library in "
        "the loader's way.",
        "Bundle it (auditwheel, delocate, delvewheel), or say in the documentation where it comes "
        "from.",
        Severity.WARNING,
        itemized=True,
        example="_C.so: neither the package, its platform nor torch provides libavutil.so.58",
    ),
    Rule(
        "L405",
        "absolute-rpath",
        "A library looks for others in directories of the machine that built it",
        "Whoever can write such a directory on a user's machine has their code loaded; and a "
        "library that happens to be there is taken for the right one.",
        "Link with `$ORIGIN` or `@loader_path` alone, or strip the entries (patchelf, "
        "install_name_tool).",
        Severity.WARNING,
        example="_C.so: it looks for libraries in /usr/local/cuda/lib64",
    ),
    Rule(
        "L406",
        "abi3-links-libpython",
        "A library that claims abi3 is linked to the libpython of one release",
        "On every other Python, and on Pythons without a shared libpython, it does not load or "
        "brings a second interpreter into the process.",
        "Leave libpython out of the link: an extension module finds the interpreter in its "
        "process.",
        Severity.ERROR,
        example="_C.abi3.so: it is linked to libpython3.11.so.1.0, and claims to be for every "
        "Python",
    ),
    Rule(
        "L407",
        "links-libpython",
        "A library is linked to libpython",
        "Many Pythons, those of manylinux images and of Debian among them, come without a shared "
        "libpython in the loader's way.",
        "Leave libpython out of the link, unless the library embeds an interpreter.",
        Severity.WARNING,
        example="_C.so: it is linked to libpython3.11.so.1.0, which many Pythons do not have",
    ),
    Rule(
        "L408",
        "other-libc",
        "A library needs another C library than the wheel's tag names",
        "A musl system has no glibc and the reverse: it does not load.",
        "Build in the image of the tag (manylinux or musllinux).",
        Severity.ERROR,
        example="_C.so: it needs glibc, and the wheel is tagged musllinux_1_2_x86_64",
    ),
)
