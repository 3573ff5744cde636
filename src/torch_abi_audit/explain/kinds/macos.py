"""Texts of macOS: code signatures, the system's version, versions of libraries."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.kinds.kind import ErrorKind, Form, Rank

_QUARANTINE = "remove the mark of a download: xattr -dr com.apple.quarantine DIRECTORY"

ROWS: tuple[ErrorKind, ...] = (
    ErrorKind(
        "quarantine",
        forms=(Form("macos", r"library load disallowed by system policy"),),
        subject=("the file",),
        is_a=("a library that macOS refuses to load, because it was downloaded and not checked",),
        causes=(Cause.REFUSED, Cause.SIGNATURE),
        why=("files that a browser downloaded, and all that was unpacked from them, are marked",),
        advice=(_QUARANTINE, "or install the package with pip or conda, which do not mark files"),
        source="dyld (dyld3/Loading.cpp), the policy of Gatekeeper",
    ),
    ErrorKind(
        "Team IDs",
        forms=(
            Form("macos", r"(?:have|has) different Team IDs"),
            Form("macos", r"mapping process is a platform binary, but mapped file is not"),
        ),
        subject=("the file",),
        is_a=("a library signed by another team than the program, which asks for its own",),
        causes=(Cause.SIGNATURE,),
        why=("a program with the hardened runtime loads only what its own team or Apple signed",),
        advice=(
            "use a Python without library validation: from python.org, conda or Homebrew",
            "or sign the program with com.apple.security.cs.disable-library-validation",
        ),
        source="XNU bsd/kern/ubc_subr.c, the message of AMFI in dyld's errors",
    ),
    ErrorKind(
        "code signature",
        forms=(
            Form(
                "macos",
                r"code signature in \((?P<file>[^)\n]{1,400})\) not valid for use in process",
            ),
            Form("macos", r"code signature invalid"),
            Form("macos", r"(?:CODESIGNING|Code Signature Invalid|cs_invalid_page)"),
            Form("macos", r"no cdhash, completely unsigned\?"),
        ),
        subject=("{file}", "the file"),
        is_a=("a library whose code signature does not match its content, or is missing",),
        causes=(Cause.SIGNATURE,),
        why=(
            (
                "a tool (install_name_tool, strip, patching) changed the file after it was "
                "signed; on arm64 every library must be signed, at least ad hoc"
            ),
        ),
        advice=(
            "sign it again: codesign --force --sign - {file}",
            "or reinstall the package; delocate signs what it changes",
        ),
        source="dyld (dyld/Loader.cpp: code signature errors of fcntl F_ADDFILESIGS_RETURN)",
    ),
    ErrorKind(
        "older macOS",
        forms=(
            Form(
                "macos",
                r"(?:(?<![^\s:])(?P<file>[^\s:]{1,400}): cannot load '[^'\n]{1,200}' \()?"
                r"load command 0x(?P<version>[0-9A-Fa-f]{8}) is unknown",
            ),
            Form("macos", r"unknown required load command 0x(?P<version>[0-9A-Fa-f]{8})"),
            Form(
                "macos",
                r"\(?(?:which )?was built for (?P<version>(?:Mac OS X|macOS|iOS)[^)\n]{0,40})\)",
            ),
            Form("macos", r"malformed mach-o(?: image)?: unknown load command"),
        ),
        subject=("{file}", "the library"),
        is_a=("a library that was linked for a newer macOS than this one",),
        causes=(Cause.OLD_SYSTEM,),
        why=(
            "the loader of this macOS does not know what the library's header says: {version}",
            "0x80000034 (chained fixups) is in libraries linked for macOS 11 or later",
        ),
        advice=(
            "install a release of the package with a wheel for this macOS, or update macOS",
            "or rebuild it with MACOSX_DEPLOYMENT_TARGET set to this macOS",
        ),
        source="dyld src/ImageLoaderMachO.cpp; mach-o/loader.h",
    ),
    ErrorKind(
        "newer macOS at link time",
        forms=(
            Form(
                "macos",
                r"(?<![^\s'()])(?P<file>[^\s'()]{1,400})\)?'? was built for newer '?macOS'? "
                r"version "
                r"\(?(?P<version>[\d.]{1,8})",
            ),
        ),
        subject=("{file}",),
        is_a=("a library for a newer macOS than the one that is linked for",),
        causes=(Cause.OLD_SYSTEM,),
        why=("it was built for macOS {version}; the result may not load on an older one",),
        advice=("set MACOSX_DEPLOYMENT_TARGET={version}, or use a build for the older macOS",),
        rank=Rank.CONSEQUENCE,
        source="Apple ld64 src/ld/InputFiles.cpp",
    ),
    ErrorKind(
        "compatibility version",
        forms=(
            Form(
                "macos",
                r"Incompatible library version: (?P<file>[^\s]{1,400}) requires version "
                r"(?P<a>[\d.]{1,40}) or later, but (?P<library>[^\s]{1,400}) provides version "
                r"(?P<b>[\d.]{1,40}\d)",
            ),
        ),
        subject=("{library}",),
        is_a=("a library of an older release than {file} was linked to",),
        causes=(Cause.MIXED, Cause.OTHER_COPY),
        why=("{file} requires {library} {a} or later, and the file that was found is {b}",),
        advice=(
            "reinstall the package that {file} belongs to, so that both are of one release",
            "or look for a second copy of {library} (DYLD_LIBRARY_PATH, Homebrew)",
        ),
        source="dyld src/ImageLoader.cpp",
    ),
)
