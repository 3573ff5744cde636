r"""The kinds of error texts that ``explain`` recognises, as one table of patterns and answers.

To add a kind, add a row to ``KINDS``. Rows are tried in order and the first match decides, so a
pattern that also matches the texts of other kinds comes after theirs. The patterns cover the
messages of glibc, musl, dyld, Windows (as CPython reports them), linkers, CPython, torch and the
tools that repair wheels. Their
named groups are ``symbol``, ``library`` (the library that is missing or should provide the
symbol), ``file`` (the file that needs it), ``version``, and ``a`` and ``b`` for two releases. Every
repetition in a pattern is bounded, so that hostile texts cannot make matching slow.
"""

from __future__ import annotations

from typing import NamedTuple

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.runtime.records import dataclass

SYMBOL = "symbol"
"""The kind that is answered for the symbol named in the text."""
LIBRARY = "library"
"""The kind that is answered for the library named in the text."""
REPAIR = "repair"
"""The kind that is answered for all libraries that a wheel repair tool named."""


class Form(NamedTuple):
    """One pattern of an error message."""

    system: str | None
    """``linux``, ``macos`` or ``windows``; None where several systems print it."""
    expression: str
    """A regular expression; macOS patterns may span lines."""


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """One kind of error.

    Sentences may contain, in braces, the groups of the pattern that matched, ``subject``, and
    ``here`` (the version of Python in parentheses, or nothing). A sentence with a field that has
    no value is left out.
    """

    name: str
    forms: tuple[Form, ...]
    subject: tuple[str, ...] = ()
    """The subject of the answer: the first of these whose fields have values."""
    is_a: tuple[str, ...] = ()
    causes: tuple[Cause, ...] = ()
    why: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    about_torch: bool = False
    """Whether the answer names the installed torch."""


KINDS: tuple[ErrorKind, ...] = (
    ErrorKind(
        SYMBOL,
        forms=(
            Form(
                "windows",
                r"procedure entry point (?P<symbol>\S{1,4000}) could not be located in "
                r"the dynamic link library "
                r"(?P<library>[^\n]{1,400}?)\.?\s*$",
            ),
            Form(
                "macos",
                r"Symbols? not found:\s*(?P<symbol>\S{1,4000})"
                r"(?:.{0,600}?Referenced from:\s*(?:<[^>]*>\s*)?"
                r"(?P<file>[^\n]{1,400}?))?"
                r"(?:\s+Expected in:\s*(?:<[^>]*>\s*)?"
                r"(?P<library>[^\n]{1,400}?))?\s*(?:$|\n|'|\))",
            ),
            Form(
                "macos",
                r"(?:dlopen\((?P<file>[^,\n]{1,400}),.{0,600}?)?"
                r"symbol not found in flat namespace '?\(?'?(?P<symbol>[^\s')]{1,4000})",
            ),
            Form(
                "linux",
                r"(?:(?P<file>[^\s:'\"]{1,400}): )?undefined symbol: ?"
                r"(?P<symbol>[\w?@$.]{1,4000})"
                r"(?:,? version (?P<version>[\w.]{1,400}))?",
            ),
            Form(
                "linux",
                r"Error relocating (?P<file>[^\s:]{1,400}): "
                r"(?P<symbol>[\w?@$.]{1,4000}): symbol not found",
            ),
            Form(None, r"undefined reference to [`'\u2018\"]?(?P<symbol>[^'\u2019\"\n]{1,400})"),
            Form(None, r"unresolved external symbol (?:\"[^\"]*\" )?\(?(?P<symbol>[?\w@$]+)"),
        ),
    ),
    ErrorKind(
        "version",
        forms=(
            Form(
                "linux",
                r"version [`'\u2018\"]?(?P<version>(?:GLIBC|GLIBCXX|CXXABI|GCC)_[\w.]{1,400})"
                r"['\u2019\"]? not found"
                r"(?: \(required by (?P<file>[^)\n]{1,400})\))?",
            ),
        ),
        subject=("{version}", "a version"),
        is_a=("the package needs {subject} from the system's libraries",),
        causes=(Cause.OLD_SYSTEM,),
        why=("the package was built on a newer system than this one",),
        advice=(
            "install a build with an older manylinux tag, or run on a newer system",
            "or rebuild the package in a manylinux container",
        ),
    ),
    ErrorKind(
        "machine",
        forms=(
            Form("macos", r"incompatible architecture \((?P<version>[^\n]{0,400})\)"),
            Form("linux", r"(?:(?P<file>[^\s:]{1,400}): )?wrong ELF class: (?P<version>\w+)"),
            Form(
                "linux",
                r"(?:(?P<file>[^\s:]{1,400}): )?cannot open shared object file: Exec format error",
            ),
            Form(
                "windows",
                r"(?:DLL load failed[^\n]{0,400}: )?%1 is not a valid Win32 application"
                r"|WinError 193",
            ),
        ),
        subject=("{file}", "the file"),
        is_a=("a library for another processor architecture or word size",),
        causes=(Cause.WRONG_MACHINE,),
        why=("{version}",),
        advice=(
            "install the build for this machine; on macOS, check whether Python is arm64 or x86_64",
        ),
    ),
    ErrorKind(
        "damaged",
        forms=(
            Form("linux", r"(?:(?P<file>[^\s:]{1,400}): )?(?:invalid ELF header|file too short)"),
        ),
        subject=("{file}", "the file"),
        is_a=("a file that is not a library, or is incomplete",),
        causes=(Cause.DAMAGED,),
        why=("the file is truncated, a Git LFS pointer, or plain text",),
        advice=("reinstall the package; torch-abi-audit FILE says what the file is",),
    ),
    ErrorKind(
        REPAIR,
        forms=(
            Form(
                "linux",
                r"Cannot repair wheel, because required\s{1,80}library\s{0,80}[\\\"'`]{0,4}"
                r"(?P<library>[^\s\"'`\\]{1,400})[\\\"'`]{0,4}\s{1,80}could not be located",
            ),
            Form(
                "macos",
                r"(?P<library>[^\s'\"]{1,400}) not found(?::\s{0,80}(?:\n[^\n]{0,120}?)?"
                r"Needed by: (?P<file>[^\n'\"]{1,400})|, requested by )",
            ),
            Form("macos", r"DelocationError: Could not find all dependencies"),
            Form(
                "windows",
                r"Unable to find library: [\\\"'`]{0,4}(?P<library>[^\s\"'`\\]{1,400}\.dll)",
            ),
            Form("windows", r"(?P<library>[^\s'\"]{1,400}\.dll) \(Error: Not Found\)"),
        ),
    ),
    ErrorKind(
        LIBRARY,
        forms=(
            Form(
                "linux",
                r"(?P<library>[^\s:'\"]{1,400}): cannot open shared object file: No such file",
            ),
            Form(
                "linux",
                r"Error loading shared library (?P<library>[^\s:]{1,400}): "
                r"No such file[^\n]{0,400}"
                r"(?:needed by (?P<file>[^\s)]{1,400}))?",
            ),
            Form(
                "macos",
                r"(?:Library not loaded|image not found):\s*"
                r"(?P<library>[^\n]{1,400}?)\s*(?:\n|$)"
                r"(?:\s*Referenced from:\s*(?:<[^>]*>\s*)?(?P<file>[^\n]{1,400}))?",
            ),
            Form(
                "windows",
                r"Error loading \"?(?P<library>[^\"\n]{1,400}?\.dll)\"? or one of its dependencies",
            ),
            Form(
                "windows",
                r"Could not find module '?(?P<library>[^'\n]{1,400}?)'? "
                r"\(or one of its dependencies\)",
            ),
        ),
    ),
    ErrorKind(
        "procedure",
        forms=(
            Form(
                "windows",
                r"(?:DLL load failed(?: while importing (?P<file>[\w.]{1,400}))?[^\n]{0,400})?"
                r"(?:The specified procedure could not be found|WinError 127)",
            ),
        ),
        subject=("{file}", "a DLL"),
        is_a=("Windows loaded a DLL that does not export a function imported by another DLL",),
        causes=(Cause.OTHER_TORCH, Cause.WRONG_PYTHON),
        why=("on Windows, a package built for another torch fails with this message",),
        advice=(
            "run torch-abi-audit explain --with FILE … to list what is missing",
            "install the package's build for the installed torch, or rebuild it",
        ),
        unknown=("which function of which DLL is missing: Windows does not say",),
        about_torch=True,
    ),
    ErrorKind(
        "module",
        forms=(
            Form(
                "windows",
                r"(?:DLL load failed(?: while importing (?P<file>[\w.]{1,400}))?[^\n]{0,400})?"
                r"(?:The specified module could not be found|WinError 126)",
            ),
        ),
        subject=("{file}", "a DLL"),
        is_a=("Windows did not find a DLL, or one of its dependencies",),
        causes=(Cause.IMPORT_ORDER, Cause.CUDA_MAJOR, Cause.CPU_TORCH),
        why=("Windows finds torch's DLLs and its CUDA libraries only after import torch",),
        advice=(
            "import torch before the extension",
            "run torch-abi-audit -v FILE to list the libraries that it needs",
        ),
        unknown=("which DLL is missing: Windows does not say",),
        about_torch=True,
    ),
    ErrorKind(
        "no entry point",
        forms=(
            Form(
                None,
                r"dynamic module does not define (?:module export|init) function "
                r"\((?P<symbol>\w+)\)",
            ),
            Form(None, r"Module use of python(?P<version>\d+)\.dll conflicts"),
        ),
        subject=("{symbol}", "the module"),
        is_a=("the file does not export the module's PyInit_ function",),
        causes=(Cause.WRONG_PYTHON, Cause.INCOMPLETE_BUILD),
        why=(
            (
                "the module was built for another Python{here}, the file was renamed, or it is "
                "an operator library rather than a Python module"
            ),
        ),
        advice=(
            "load an operator library with torch.ops.load_library(path)",
            "otherwise install or rebuild the package for the running Python",
        ),
        unknown=("which of these applies: `torch-abi-audit -v FILE` lists the entry points",),
    ),
    ErrorKind(
        "two CUDA releases",
        forms=(
            Form(
                None,
                r"(?:PyTorch|torch)[^\n]{0,400}?CUDA [Vv]ersion[ =:]+(?P<a>[\d.]+)[^\n]{0,400}?"
                r"CUDA [Vv]ersion[ =:]+(?P<b>[\d.]+)",
            ),
            Form(
                None,
                r"detected CUDA version \((?P<a>[\d.]+)\) mismatches "
                r"the version that was used to "
                r"compile"
                r"\s*PyTorch \((?P<b>[\d.]+)\)",
            ),
        ),
        subject=("CUDA {a} and CUDA {b}",),
        is_a=("torch and the package (or the compiler) use different CUDA releases",),
        causes=(Cause.CUDA_MAJOR,),
        why=("CUDA {a}", "CUDA {b}"),
        advice=(
            "install torch and the package for the same CUDA major version",
            "or compile with the CUDA toolkit that torch.version.cuda names",
        ),
        about_torch=True,
    ),
    ErrorKind(
        "no operator",
        forms=(
            Form(
                None, r"'_OpNamespace' '(?P<library>\w+)' object has no attribute '(?P<symbol>\w+)'"
            ),
            Form(
                None,
                r"(?:operator|Could not find schema for) (?P<symbol>[\w:]{1,400}) does not exist",
            ),
            Form(None, r"Could not find schema for (?P<symbol>[\w:.]{1,400})"),
        ),
        subject=("{symbol}", "an operator"),
        is_a=("an operator that no library has registered in this process",),
        causes=(Cause.INCOMPLETE_BUILD, Cause.IMPORT_ORDER),
        why=("the library that registers it was not built, was not loaded, or failed to load",),
        advice=(
            "import the package that registers it, and look at the first error that it prints",
            "run torch-abi-audit -v PACKAGE to check that the library is there and can be read",
        ),
        unknown=("which library registers it",),
    ),
)
