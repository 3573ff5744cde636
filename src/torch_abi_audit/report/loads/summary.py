"""The summary of a load matrix in one line, and what it says of variants, flavours and CUDA."""

from __future__ import annotations

from torch_abi_audit.knowledge.names.torch import link_option
from torch_abi_audit.mangling import escape
from torch_abi_audit.model.loads import Loads
from torch_abi_audit.model.releases import release_runs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_abi_audit.model.loads import LoadMatrix, Missing, OtherCuda


def loads_on(matrix: LoadMatrix) -> str:
    """The summary: ``torch 2.11.0 to 2.15.0 (stable: and later)``, or why it does not load."""
    if matrix.not_a_library is not None:
        return f"nothing to load (it is not a library: {escape(matrix.not_a_library)})"
    if not matrix.uses_torch:
        return "any torch (no library uses it)"
    good = [one for one in matrix.releases if matrix.loads_on[one] is Loads.YES]
    cuda = [one for one in matrix.releases if matrix.loads_on[one] is Loads.NEEDS_CUDA]
    if not good and not cuda:
        return _nowhere(matrix)
    served = good or cuda
    last = matrix.releases.index(served[-1])
    following = matrix.releases[last + 1 :]
    text = release_runs(served, matrix.releases)
    if not good:
        text += ", with a CUDA build of torch"
    elif cuda:
        text += f"; with a CUDA build of torch also {release_runs(cuda, matrix.releases)}"
    if following and matrix.loads_on[following[0]] is Loads.NO:
        return f"{text} only; {_hindrance(matrix, following[0])}"
    if matrix.open_upwards and served[-1] == matrix.known_to:
        return f"torch {text} (stable: and later)"
    if served[-1] == matrix.known_to:
        return f"torch {text} (not stable: later releases are unknown)"
    return f"torch {text}"


def _nowhere(matrix: LoadMatrix) -> str:
    if not matrix.releases:
        return "unknown"
    lacking = [one for one in matrix.releases if matrix.loads_on[one] is Loads.NO]
    unknown = len(matrix.releases) - len(lacking)
    if unknown:
        reasons = [one.why_unknown for one in matrix.libraries if one.why_unknown is not None]
        reason = reasons[0] if reasons else "newer than the export index"
        if not lacking:
            return f"unknown ({escape(reason)})"
        runs = release_runs(lacking, matrix.releases)
        return f"not on {runs}; unknown for other releases; {_hindrance(matrix, lacking[-1])}"
    runs = release_runs(matrix.releases, matrix.releases)
    return f"no torch from {runs}; {_hindrance(matrix, lacking[-1])}"


def _hindrance(matrix: LoadMatrix, release: str) -> str:
    """The main reason why a package does not load on a release."""
    lacking = [one for one in matrix.libraries if one.loads_on[release] is Loads.NO]
    guilty = [one for one in lacking if not one.is_alternative]
    if not guilty:
        guilty = [one for one in matrix.used_on(release) if one in lacking]
        if matrix.variants and not guilty:
            return f"it has no variant for {release}, only for {_runs(matrix.variants)}"
    old = [one.pre_cxx11 for one in guilty if one.pre_cxx11 is not None]
    if old and (len(old) == len(guilty) or not guilty[0].is_alternative):
        return f"built for the pre-C++11 ABI: no torch since {old[0]} can load it"
    for one in guilty:
        for absent in one.absent:
            if release in absent.releases:
                return f"{release} lacks {escape(absent.library)} ({absent.reason})"
    for one in guilty:
        for missing in one.missing:
            if release in missing.releases:
                return lacks(missing, release, (release,), release)
    return f"it does not load on {release}"


def _runs(variants: Sequence[str]) -> str:
    """Variants as text; several in a row as a range of those that there are."""
    return release_runs(variants, variants)


def lacks(missing: Missing, release: str, releases: Sequence[str], runs: str) -> str:
    """``2.9.0 lacks at::b()``, or which library of the release the importing one must link.

    Args:
        missing: The symbol.
        release: The release from which the library's name is taken.
        releases: The releases that the text is about.
        runs: How it names them.
    """
    one = len(releases) == 1
    library = missing.unlinked.get(release)
    if library is None:
        return f"{runs} {'lacks' if one else 'lack'} {_name(missing, release)}"
    return (
        f"{runs} {'exports' if one else 'export'} {escape(missing.symbol)} in {library}, which "
        f"nothing it links brings in: link it with {link_option(library)}"
    )


def _name(missing: Missing, release: str) -> str:
    """A missing symbol, and the library that exports it instead, if any."""
    name = escape(missing.symbol)
    if release in missing.moved:
        return f"{name} in {escape(missing.provider or '')} (it is in {missing.moved[release]})"
    return name


def remarks(matrix: LoadMatrix) -> Iterator[str]:
    """Yield sentences on variants, flavours and CUDA, and the notes of the matrix."""
    yield from _alternatives(matrix)
    if any(one.needs_cuda for one in matrix.libraries):
        yield "Note: it uses symbols or libraries that only CUDA builds of torch have"
    yield from (f"Note: {sentence}" for sentence in cuda_remarks(matrix))
    yield from (f"Note: {escape(note)}" for note in matrix.notes)


def cuda_remarks(matrix: LoadMatrix) -> Iterator[str]:
    """Yield a sentence for the releases that have the symbols, but not the CUDA."""
    releases: dict[OtherCuda, list[str]] = {}
    for release, other in matrix.other_cuda.items():
        releases.setdefault(other, []).append(release)
    origin = ", from the package index," if matrix.known_to is not None else ""
    for other, lacking in releases.items():
        brought = "no CUDA" if other.brings is None else f"CUDA {other.brings}"
        yield (
            f"on torch {release_runs(lacking, matrix.releases)} it loads by its symbols, but needs "
            f"CUDA {' and '.join(map(str, other.needs))} where that torch{origin} brings {brought}"
        )


def _alternatives(matrix: LoadMatrix) -> Iterator[str]:
    """Yield, for each variant and flavour that uses torch, the releases that it is used with."""
    named = {(one.variant or "", one.flavour) for one in matrix.libraries if one.is_alternative}
    places = {one: at for at, one in enumerate(matrix.variants)}
    unused: dict[str | None, list[str]] = {}
    for variant, flavour in sorted(named, key=lambda one: (places.get(one[0], -1), one[1] or "")):
        served = [
            release
            for release, each in matrix.serving.items()
            if any((one.variant or "", one.flavour) == (variant, flavour or "") for one in each)
        ]
        if served:
            runs = release_runs(served, matrix.releases)
            yield f"{_named(variant, flavour)} is used with: {runs}"
        elif variant:
            unused.setdefault(flavour, []).append(variant)
        else:
            yield f"{_named('', flavour)} is used with: none of these releases"
    for flavour, variants in unused.items():
        yield f"{_named(_runs(variants), flavour)} is used with: none of these releases"


def _named(variant: str, flavour: str | None) -> str:
    """``Variant for torch 2.10, flavour cu126``."""
    words = [f"Variant for torch {variant}"] if variant else []
    if flavour is not None:
        words.append(f"flavour {escape(flavour) or 'without a name'}")
    text = ", ".join(words)
    return text[:1].upper() + text[1:]
