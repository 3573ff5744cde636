"""The sections of an explanation, in the order in which text and Markdown show them."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import TITLES, Fails
from torch_abi_audit.model.gpus import Runs
from torch_abi_audit.model.releases import release_runs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.explain.explanation import Explanation, History

_CAVEAT = "an exported symbol is necessary for loading, not sufficient: layouts may differ"

_FAILS = {
    Fails.EXTENSION: "the extension",
    Fails.TORCH: "torch itself",
    Fails.CUDA: "a CUDA library",
    Fails.ROCM: "a ROCm library",
    Fails.ONEAPI: "a oneAPI library",
    Fails.CXX: "the C++ runtime",
    Fails.PYTHON: "Python",
    Fails.OTHER: "another package",
}


_RUNS = {
    Runs.YES: "yes",
    Runs.JIT: "by JIT",
    Runs.PARTLY: "only some kernels",
    Runs.NO: "no",
    Runs.UNKNOWN: "unknown",
}
_MOST = 5
"""Libraries that a line names; the rest is counted."""


def sections(one: Explanation) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each title with its sentences, unescaped; a section may be empty."""
    if one.symbol is not None and one.symbol != one.demangled:
        yield "symbol", (one.symbol,)
    yield "what", one.is_a
    yield "symbols", one.symbols
    if one.fails is not None:
        yield "fails", (_FAILS[one.fails] + (f": {one.file}" if one.file else ""),)
    if one.owner is not None:
        yield "owner", (one.owner,)
    if one.provider is not None:
        yield "provided by", (one.provider,)
    if one.history is not None:
        having, lacking = _ranges(one.history)
        build = ", CUDA builds only" if one.history.cuda else ""
        if having:
            yield "exported by", (f"torch {having} ({one.history.platform}{build})",)
        if lacking:
            yield "missing in", (f"torch {lacking}",)
        yield "instead", one.history.instead
        moved = [
            f"{library} in torch {release_runs(releases, _known(one.history))}"
            for library, releases in one.history.libraries
        ]
        if len(moved) > 1:
            yield "moved", tuple(moved)
    if one.device is not None and one.device.gpu is not None:
        yield "GPU", (one.device.gpu.title,)
    yield "runs on it", tuple(_code(one))
    yield "likely cause", tuple(f"{TITLES[cause]} [{cause}]" for cause in one.causes)
    yield "because", one.why
    yield "here", one.here
    yield "what to do", one.advice
    yield "versions", one.pair
    yield "also in the text", one.others
    yield "not known", one.unknown
    yield "did you mean", one.nearby
    if one.history is not None:
        yield "note", (_CAVEAT,)


def _code(one: Explanation) -> Iterator[str]:
    """Yield a line for all code that runs alike on the GPU."""
    alike: dict[tuple[str, str], list[str]] = {}
    for code in one.code:
        answer = code.run.answer
        has = " ".join(code.run.used if answer in (Runs.YES, Runs.JIT) else code.targets)
        alike.setdefault((_RUNS[answer], has), []).append(code.owner)
    for (words, has), owners in alike.items():
        more = f" and {len(owners) - _MOST} more" if len(owners) > _MOST else ""
        yield f"{words}: {', '.join(owners[:_MOST])}{more}" + (f" ({has})" if has else "")


def _ranges(known: History) -> tuple[str, str]:
    """The releases that export a symbol and those that do not, as text."""
    every = _known(known)
    return release_runs(known.releases, every), release_runs(known.missing, every)


def _known(history: History) -> tuple[str, ...]:
    return (*history.releases, *history.missing)
