"""Why it fails, and what it means: an error's text, a symbol, a row's label, a rule's id.

What cannot be told is said. Pure but for the tables in ``data/``, which are opened when asked.
"""

from __future__ import annotations

import re

from torch_abi_audit.explain.error_text import Clue, Kind, clue
from torch_abi_audit.explain.explanation import Cause, Explanation, Installed
from torch_abi_audit.rules import rule, rules
from torch_abi_audit.runtime.records import replace

__all__ = ["Installed", "explain"]

_LABELS = {
    "STABLE": "the library uses torch through the C shims of the LibTorch Stable ABI alone",
    "UNSTABLE": "the library imports names of libtorch that no release promises to keep",
    "NO-TORCH": "the library imports nothing of libtorch's; it may still be linked to it",
    "ERROR": "the library could not be read, so nothing is said of it",
    "abi3-ok": "the file is tagged abi3, and every Py* name that it imports is in the limited API",
    "abi3-tagged-violations": "the file is tagged abi3, and imports CPython names that are not in "
    "the limited API",
    "abi3-tagged-no-capi": "the file is tagged abi3, and imports no name of CPython's at all",
    "uses-private-api": "the file is not tagged abi3, and imports CPython names outside of the "
    "limited API",
    "not-abi3": "the file is not tagged abi3; it imports no CPython name, or stable ones alone",
}
_LABEL_ADVICE = {
    "UNSTABLE": (
        "torch-abi-audit port TARGET says what to write instead",
        "torch-abi-audit compat TARGET says on which releases it loads all the same",
    ),
    "ERROR": ("-v shows why; the exit code is 2",),
    "abi3-tagged-violations": ("torch-abi-audit rule P201",),
}


def explain(
    text: str, installed: Installed | None = None, python: str | None = None
) -> Explanation:
    """The answer to one question.

    Args:
        text: An error, a symbol, a label or a rule.
        installed: The torch of the environment at hand, if there is one.
        python: The Python of that environment, such as ``3.12``.

    Raises:
        IndexFileError: the export index is missing or damaged.
    """
    asked = text.strip()
    labels = {label.lower(): label for label in _LABELS}
    if label := labels.get(asked.lower().strip("[]").strip()):
        advice = _LABEL_ADVICE.get(label, ())
        return Explanation(label, "label", is_a=(_LABELS[label],), advice=advice)
    for one in rules().values():
        if asked.upper() == one.id or asked.lower() == one.name:
            return _of_rule(one.id)
    if found := clue(asked):
        answer = _of_clue(found, installed, python)
        return replace(answer, kind="error")
    if asked and "\n" not in asked and _is_symbol(asked):
        from torch_abi_audit.explain.symbol import symbol  # reads tables

        answer = symbol(asked, None, installed)
        if Cause.IMPORT_ORDER in answer.causes and installed is None:
            return replace(answer, causes=(), advice=answer.advice[-1:])  # nothing is said to fail
        return answer
    return Explanation(
        asked.partition("\n")[0][:200],
        "unknown",
        causes=(Cause.UNKNOWN,),
        unknown=("this is no form of an error that is known here, no symbol, label or rule",),
        advice=("give the line that names a symbol, a library or a file",),
    )


def _is_symbol(text: str) -> bool:
    return (
        text.startswith(("_Z", "__Z", "?"))
        or "::" in text
        or (" " not in text and re.fullmatch(r"\w+", text) is not None and "_" in text)
    )


def _of_rule(rule_id: str) -> Explanation:
    one = rule(rule_id)
    return Explanation(
        f"{one.id} {one.name}", "rule", is_a=(f"{one.title}.",), why=(one.why,), advice=(one.fix,)
    )


def _of_clue(found: Clue, installed: Installed | None, python: str | None) -> Explanation:
    if found.kind is Kind.SYMBOL and found.symbol:
        from torch_abi_audit.explain.symbol import symbol  # reads tables

        answer = symbol(found.symbol, found.system, installed)
        if found.system is None:  # a linker's words: nothing has been loaded yet
            return _at_link_time(answer)
        if found.versions and found.versions[0].startswith(("GLIBC", "CXXABI")):
            return replace(answer, causes=(Cause.OLD_SYSTEM,))
        return answer
    if found.kind is Kind.LIBRARY and found.library:
        from torch_abi_audit.explain.library import library  # reads tables

        return library(found.library, found.system, installed)
    return _OTHERS[found.kind](found, installed, python)


def _at_link_time(answer: Explanation) -> Explanation:
    kept = (Cause.OLD_STRING, Cause.OTHER_TORCH)
    causes: list[Cause] = [one for one in answer.causes if one in kept]
    why = answer.why
    advice = answer.advice
    if answer.owner in ("libtorch", "libtorch's C shim"):
        home = f" ({answer.provider})" if answer.provider else ""
        causes.append(Cause.INCOMPLETE_BUILD)
        why = (*why, f"the linker was given no library that exports it{home}")
        advice = ("link libtorch, of the same torch whose headers were compiled", *advice)
        if Cause.OTHER_TORCH not in answer.causes:
            causes.sort(key=lambda one: one is not Cause.INCOMPLETE_BUILD)
        return replace(answer, causes=tuple(causes), why=why, advice=advice)
    return answer


def _unnamed_symbol(found: Clue, installed: Installed | None, _: str | None) -> Explanation:
    return Explanation(
        found.file or "a DLL",
        "error",
        is_a=("Windows found a library without a name that another one imports from it",),
        causes=(Cause.OTHER_TORCH, Cause.WRONG_PYTHON),
        why=("that is what a build for another torch ends with on Windows",),
        advice=(
            "torch-abi-audit explain --with FILE … names what is missing",
            "install the package's build for the torch at hand, or rebuild it",
        ),
        unknown=("which name, and of which library: Windows does not say",),
        pair=_at_hand(installed),
    )


def _unnamed_library(found: Clue, installed: Installed | None, _: str | None) -> Explanation:
    return Explanation(
        found.file or "a DLL",
        "error",
        is_a=("Windows did not find a library, or one that it needs",),
        causes=(Cause.IMPORT_ORDER, Cause.CUDA_MAJOR, Cause.CPU_TORCH),
        why=("torch's DLLs, and the CUDA libraries that it brings, are found after import torch",),
        advice=(
            "import torch before the extension",
            "torch-abi-audit -v FILE lists the libraries that it needs",
        ),
        unknown=("which library: Windows does not say",),
        pair=_at_hand(installed),
    )


def _version(found: Clue, _: Installed | None, __: str | None) -> Explanation:
    need = found.versions[0] if found.versions else "a version"
    return Explanation(
        need,
        "error",
        is_a=(f"the package needs {need} of the system's libraries",),
        causes=(Cause.OLD_SYSTEM,),
        why=("it was built on a newer system than this one",),
        advice=(
            "install a build with an older manylinux tag, or run on a newer system",
            "or rebuild it in a manylinux container",
        ),
    )


def _machine(found: Clue, _: Installed | None, __: str | None) -> Explanation:
    return Explanation(
        found.file or "the file",
        "error",
        is_a=("a library of another processor or word size",),
        causes=(Cause.WRONG_MACHINE,),
        why=found.versions,
        advice=(
            "install the build for this machine; on macOS, see which Python runs (arm64 or x86_64)",
        ),
    )


def _no_entry(found: Clue, _: Installed | None, python: str | None) -> Explanation:
    at_hand = f" ({python} here)" if python else ""
    return Explanation(
        found.symbol or "the module",
        "error",
        is_a=("the file has no entry point by the module's name",),
        causes=(Cause.WRONG_PYTHON, Cause.INCOMPLETE_BUILD),
        why=(
            (
                f"it was built for another Python{at_hand}, or its file was renamed, or it is a "
                "library of operators and no module at all"
            ),
        ),
        advice=(
            "load a library of operators by torch.ops.load_library(path)",
            "else install or rebuild the package for the Python that runs",
        ),
        unknown=("which of these it is: `torch-abi-audit -v FILE` lists its entry points",),
    )


def _damaged(found: Clue, _: Installed | None, __: str | None) -> Explanation:
    return Explanation(
        found.file or "the file",
        "error",
        is_a=("a file that is no library, or not all of one",),
        causes=(Cause.DAMAGED,),
        why=("it was cut short, is a Git LFS pointer, or is text",),
        advice=("install the package again; torch-abi-audit FILE says what the file is",),
    )


def _two_cudas(found: Clue, installed: Installed | None, _: str | None) -> Explanation:
    return Explanation(
        " and ".join(f"CUDA {one}" for one in found.versions),
        "error",
        is_a=("torch and the package, or the compiler, are of two CUDA releases",),
        causes=(Cause.CUDA_MAJOR,),
        why=tuple(f"CUDA {one}" for one in found.versions),
        advice=(
            "install both for the same CUDA major",
            "or compile with the CUDA toolkit that torch.version.cuda names",
        ),
        pair=_at_hand(installed),
    )


def _no_operator(found: Clue, _: Installed | None, __: str | None) -> Explanation:
    return Explanation(
        found.symbol or "an operator",
        "error",
        is_a=("an operator that no library has registered in this process",),
        causes=(Cause.INCOMPLETE_BUILD, Cause.IMPORT_ORDER),
        why=("the library that registers it was not built, not loaded, or failed to load before",),
        advice=(
            "import the package that registers it, and read the first error that it prints",
            "torch-abi-audit -v PACKAGE says whether the library is there and loads",
        ),
        unknown=("which library registers it",),
    )


def _at_hand(installed: Installed | None) -> tuple[str, ...]:
    if installed is None:
        return ()
    return (f"the torch at hand is {installed.version}",)


_OTHERS = {
    Kind.PROCEDURE: _unnamed_symbol,
    Kind.MODULE: _unnamed_library,
    Kind.VERSION: _version,
    Kind.MACHINE: _machine,
    Kind.NO_INIT: _no_entry,
    Kind.DAMAGED: _damaged,
    Kind.CUDA_VERSIONS: _two_cudas,
    Kind.NO_OPERATOR: _no_operator,
}
