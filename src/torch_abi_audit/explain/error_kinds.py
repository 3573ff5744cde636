r"""The kinds of errors that are known, as one table: the forms of their text, and the answer.

A new kind is one row of ``KINDS``. The first row with a form that is found in a text is its kind,
so a form that other texts contain as well stands below theirs. The forms are those of glibc and
musl, of dyld, of Windows' loader by way of CPython, of CPython itself and of torch. A form names
what it finds by groups: ``symbol``, ``library`` (that is missing, or should provide the symbol),
``file`` (that needs it), ``version``, and ``a`` and ``b`` for two releases. Every repetition in a
form has an end.
"""

from __future__ import annotations

from typing import NamedTuple

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.runtime.records import dataclass

SYMBOL = "symbol"
"""The kind whose answer is that to the symbol that the text names."""
LIBRARY = "library"
"""The kind whose answer is that to the library that the text names."""


class Form(NamedTuple):
    """One form that an error's text takes."""

    system: str | None
    """``linux``, ``macos`` or ``windows``, where the form is one system's."""
    expression: str
    """A regular expression; one of macOS may reach over lines."""


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """One kind of error.

    Its sentences may name, in braces, the groups of the form that was found, ``subject``, ``torch``
    (the version of the torch at hand) and ``here`` (the Python at hand, in brackets, or nothing). A
    sentence that names what is not known is left out.
    """

    name: str
    forms: tuple[Form, ...]
    subject: tuple[str, ...] = ()
    """What is asked about: the first of these that is known."""
    is_a: tuple[str, ...] = ()
    causes: tuple[Cause, ...] = ()
    why: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    pair: tuple[str, ...] = ()


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
        is_a=("the package needs {subject} of the system's libraries",),
        causes=(Cause.OLD_SYSTEM,),
        why=("it was built on a newer system than this one",),
        advice=(
            "install a build with an older manylinux tag, or run on a newer system",
            "or rebuild it in a manylinux container",
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
        is_a=("a library of another processor or word size",),
        causes=(Cause.WRONG_MACHINE,),
        why=("{version}",),
        advice=(
            "install the build for this machine; on macOS, see which Python runs (arm64 or x86_64)",
        ),
    ),
    ErrorKind(
        "damaged",
        forms=(
            Form("linux", r"(?:(?P<file>[^\s:]{1,400}): )?(?:invalid ELF header|file too short)"),
        ),
        subject=("{file}", "the file"),
        is_a=("a file that is no library, or not all of one",),
        causes=(Cause.DAMAGED,),
        why=("it was cut short, is a Git LFS pointer, or is text",),
        advice=("install the package again; torch-abi-audit FILE says what the file is",),
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
        is_a=("Windows found a library without a name that another one imports from it",),
        causes=(Cause.OTHER_TORCH, Cause.WRONG_PYTHON),
        why=("that is what a build for another torch ends with on Windows",),
        advice=(
            "torch-abi-audit explain --with FILE … names what is missing",
            "install the package's build for the torch at hand, or rebuild it",
        ),
        unknown=("which name, and of which library: Windows does not say",),
        pair=("the torch at hand is {torch}",),
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
        is_a=("Windows did not find a library, or one that it needs",),
        causes=(Cause.IMPORT_ORDER, Cause.CUDA_MAJOR, Cause.CPU_TORCH),
        why=("torch's DLLs, and the CUDA libraries that it brings, are found after import torch",),
        advice=(
            "import torch before the extension",
            "torch-abi-audit -v FILE lists the libraries that it needs",
        ),
        unknown=("which library: Windows does not say",),
        pair=("the torch at hand is {torch}",),
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
        is_a=("the file has no entry point by the module's name",),
        causes=(Cause.WRONG_PYTHON, Cause.INCOMPLETE_BUILD),
        why=(
            (
                "it was built for another Python{here}, or its file was renamed, or it is a "
                "library of operators and no module at all"
            ),
        ),
        advice=(
            "load a library of operators by torch.ops.load_library(path)",
            "else install or rebuild the package for the Python that runs",
        ),
        unknown=("which of these it is: `torch-abi-audit -v FILE` lists its entry points",),
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
        is_a=("torch and the package, or the compiler, are of two CUDA releases",),
        causes=(Cause.CUDA_MAJOR,),
        why=("CUDA {a}", "CUDA {b}"),
        advice=(
            "install both for the same CUDA major",
            "or compile with the CUDA toolkit that torch.version.cuda names",
        ),
        pair=("the torch at hand is {torch}",),
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
        why=("the library that registers it was not built, not loaded, or failed to load before",),
        advice=(
            "import the package that registers it, and read the first error that it prints",
            "torch-abi-audit -v PACKAGE says whether the library is there and loads",
        ),
        unknown=("which library registers it",),
    ),
)
