"""Texts about a file that cannot be loaded whatever it needs: its machine, or damage."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.kinds.kind import ErrorKind, Form, Rank
from torch_abi_audit.explain.kinds.patterns import FILE

_IGNORING = r"ignoring file '?(?P<file>[^\n',]{1,400})'?[:,] "

ROWS: tuple[ErrorKind, ...] = (
    ErrorKind(
        "a Linux library on macOS",
        forms=(
            Form(
                "macos",
                _IGNORING
                + r"file (?:was|is) built for unsupported file format \( ?0x7F 0x45[^\n]*",
            ),
            Form("macos", _IGNORING + r"(?:[^\n]{0,80} )?(?:unknown|not a mach-o) file[^\n]*"),
        ),
        subject=("{file}",),
        is_a=("a file that is no library of macOS, which the linker ignored",),
        causes=(Cause.WRONG_MACHINE,),
        why=(
            "0x7F 0x45 0x4C 0x46 at its start is ELF: it is a library for Linux",
            "so the linker did not find the symbols that it reports after it",
        ),
        advice=("take the build for macOS, of the libtorch or of the package, instead",),
        rank=Rank.ROOT,
        owner="the linker",
        source="Apple ld64 src/ld/InputFiles.cpp",
    ),
    ErrorKind(
        "ignored by the linker",
        forms=(
            Form(
                "macos",
                _IGNORING + r"building for macOS-(?P<b>\w{1,20}) but attempting to link with file "
                r"built for (?:macOS-|unknown-)?(?P<a>\w{1,30})",
            ),
            Form(
                "macos",
                _IGNORING
                + r"found architecture '(?P<a>\w{1,20})', required architecture '(?P<b>\w{1,20})'",
            ),
            Form(
                "macos",
                _IGNORING + r"(?:missing required architecture|file is universal but does not "
                r"contain[^\n]{0,60}?) (?P<b>x86_64|arm64\w?|i386)\b[^\n]*",
            ),
        ),
        subject=("{file}",),
        is_a=("a library for another processor, which the linker ignored",),
        causes=(Cause.WRONG_MACHINE,),
        why=(
            "the file is for {a}",
            "the linker makes a library for {b}, so it did not find the symbols in this file",
        ),
        advice=(
            (
                "install the build for {b}, or build for the processor of the file: ARCHFLAGS, "
                "CMAKE_OSX_ARCHITECTURES"
            ),
        ),
        rank=Rank.ROOT,
        owner="the linker",
        source="Apple ld64 src/ld/InputFiles.cpp",
    ),
    ErrorKind(
        "machine",
        forms=(
            Form(
                "macos",
                r"(?:'(?P<file>[^'\n]{1,400})' \([^()\n]{1,60}an )?"
                r"incompatible architecture \((?P<version>have ['(]?(?P<a>[\w,]{1,60})"
                r"['`)]?, need ['(]?(?P<b>[\w, ]{1,60})['`)]?)\)?",
            ),
            Form("macos", r"incompatible architecture \((?P<version>[^)\n]{0,400})\)"),
            Form(
                "macos",
                r"(?:no matching architecture in universal wrapper|mach-o, but wrong architecture|"
                r"missing compatible arch in)",
            ),
            Form(
                "macos",
                r"building for macOS-(?P<b>\w{1,20}) but attempting to link with file built for "
                r"(?:macOS-|unknown-)?(?P<a>\w{1,30})",
            ),
            Form("linux", FILE + r"wrong ELF class: (?P<version>\w{1,40})"),
            Form("linux", FILE + r"cannot open shared object file: Exec format error"),
            Form("linux", r"(?<![^\s:])(?P<file>[^\s:]{1,400}): file in wrong format"),
            Form("linux", r"skipping incompatible (?P<file>[^\s]{1,400}) when searching for"),
            Form(
                "linux",
                r"(?<![^\s:])(?P<file>[^\s:]{1,400}) is incompatible with elf(?P<b>64|32)"
                r"[\w-]{1,20}",
            ),
            Form(
                "windows",
                r"(?:module machine type '(?P<a>\w{1,20})' conflicts with target machine type "
                r"'(?P<b>\w{1,20})')",
            ),
        ),
        subject=("{file}", "the file"),
        is_a=("a library for another processor architecture or word size",),
        causes=(Cause.WRONG_MACHINE,),
        why=(
            "the loader and the linker take only files for the processor of the process",
            "{version}",
            "the file is for {a}, the process for {b}",
        ),
        advice=(
            (
                "install the build for this machine; on macOS, check whether Python is arm64 or "
                "x86_64 "
                '(python -c "import platform; print(platform.machine())")'
            ),
        ),
        source="dyld (dyld/Loader.cpp), Apple ld, glibc elf/dl-load.c, binutils ld, Windows",
    ),
    ErrorKind(
        "damaged",
        forms=(
            Form("linux", FILE + r"(?:invalid ELF header|file too short)"),
            Form("linux", FILE + r"cannot read file data"),
            Form(
                "linux", r"Error loading shared library (?P<file>[^\s:]{1,400}): Exec format error"
            ),
            Form(
                "macos",
                r"(?<![^\s'(])(?P<file>[^\s'(]{1,400})'? ?\(?(?:not a mach-o file|file too short|"
                r"slice is not "
                r"valid mach-o file|not a mach-o)",
            ),
            Form("windows", r"WinError (?:11|188|190|191|192)\b"),
        ),
        subject=("{file}", "the file"),
        is_a=("a file that is not a library, or is incomplete",),
        causes=(Cause.DAMAGED,),
        why=(
            "the file is truncated, a Git LFS pointer, plain text, or a library for another system",
        ),
        advice=(
            "reinstall {package}, or build it again on this system",
            "to see what is in the file, run torch-abi-audit FILE",
        ),
        source="glibc elf/dl-load.c, dyld (dyld/Loader.cpp)",
    ),
)
