"""Texts of the tools that repair wheels, and of what checks repaired wheels."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.kinds.kind import REPAIR, ErrorKind, Form

ROWS: tuple[ErrorKind, ...] = (
    ErrorKind(
        REPAIR,
        forms=(
            Form(
                "linux",
                r"Cannot repair wheel, because required\s{1,80}library\s{0,80}[\\\"'`]{0,4}(?P<lib"
                r"rary>[^\s\"'`\\]{1,400})[\\\"'`]{0,4}\s{1,80}could not be located",
            ),
            Form(
                "macos",
                r"(?<![^\s'\"])(?P<library>[^\s'\"]{1,400}) not "
                r"found(?::\s{0,80}(?:\n[^\n]{0,120}?)?Needed by: (?P<file>[^\n'\"]{1,400})|, "
                r"requested by )",
            ),
            Form("macos", r"Couldn't find (?P<library>@rpath/[^\s'\"]{1,300}\.dylib) on paths:"),
            Form("macos", r"DelocationError: Could not find all dependencies"),
            Form(
                "windows",
                r"Unable to find library: [\\\"'`]{0,4}(?P<library>[^\s\"'`\\]{1,400}\.dll)",
            ),
            Form(
                "windows",
                r"(?<![^\s'\"])(?P<library>[^\s'\"]{1,400}\.dll) \(Error: Not Found\)",
            ),
        ),
        source="auditwheel repair.py, delocate libsana.py, delvewheel _dll_utils.py",
    ),
    ErrorKind(
        "unexpected libraries",
        forms=(
            Form(
                None,
                r"Unexpected libraries bundled in (?P<file>[^\s]{1,300}\.whl):? "
                r"(?P<library>[^\n]{1,400})",
            ),
        ),
        subject=("{library}",),
        is_a=("copies of libraries that the repair put into the wheel, and that are not expected",),
        causes=(Cause.NOT_EXCLUDED, Cause.TWO_RUNTIMES),
        why=(
            "the repair copied {library}, because something in the wheel is linked to it",
            "a second libpython in a process has its own state, and crashes",
        ),
        advice=(
            "exclude it: auditwheel repair --exclude 'libpython3*' for Python itself",
            "and do not link extensions to libpython: the interpreter has its symbols",
        ),
        source="pytorch/torchcodec packaging (its check of wheels)",
    ),
    ErrorKind(
        "target macOS",
        forms=(
            Form(
                "macos",
                r"Library dependencies do not satisfy target MacOS version "
                r"(?P<version>[\d.]{1,8}\d)",
            ),
        ),
        subject=("the wheel",),
        is_a=("a wheel whose tag says macOS {version}, with a library for a newer macOS",),
        causes=(Cause.OLD_SYSTEM,),
        why=(
            "the library was built with a newer MACOSX_DEPLOYMENT_TARGET, by Homebrew for example",
        ),
        advice=(
            "set MACOSX_DEPLOYMENT_TARGET to the minimum target that the message names",
            "or build the library for macOS {version}",
        ),
        source="matthew-brett/delocate delocate/delocating.py",
    ),
    ErrorKind(
        "too recent symbols",
        forms=(
            Form(
                "linux",
                r"cannot repair \"?(?P<file>[^\s\"]{1,400}\.whl)\"? to \"?(?P<version>[\w.]{1,80})"
                r"\"? ABI because of the presence of (?P<a>too-recent versioned symbols|"
                r"too-recent libpython symbols|[\w -]{1,80})",
            ),
            Form("linux", r"because of the presence of (?P<a>too-recent versioned symbols)"),
            Form("linux", r"has to be tagged[^\n]{0,80}(?P<version>(?:many|musl)linux[\w.]{1,60})"),
        ),
        subject=("{file}", "the wheel"),
        is_a=("a wheel that needs a newer system than its tag allows",),
        causes=(Cause.OLD_SYSTEM,),
        why=(
            "it was built where glibc or libstdc++ are newer",
            "its tag is {version}",
            "it has {a}",
        ),
        advice=(
            "build it in the manylinux container of the tag",
            "or repair it for a newer tag: auditwheel show WHEEL names the one that fits",
        ),
        source="pypa/auditwheel src/auditwheel/main_repair.py",
    ),
)
