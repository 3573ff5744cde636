"""The keys that a load matrix adds to the JSON of a package and of a library."""

from __future__ import annotations

from torch_abi_audit.mangling import escape
from torch_abi_audit.model.loads import WORST
from torch_abi_audit.model.releases import release_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from torch_abi_audit.model.loads import GpuLoads, LibraryLoads, LoadMatrix, Loads, Serving
    from torch_abi_audit.model.reports import ExtensionReport


def package_keys(matrix: LoadMatrix | None) -> dict[str, Any]:
    """The keys of a package; empty if it has no load matrix."""
    if matrix is None:
        return {}
    return {
        "loads_on": _answers([matrix.loads_on]) if matrix.uses_torch else None,
        "missing_symbols": _missing(matrix.libraries),
        "loads_on_later": matrix.open_upwards,
        "known_to": matrix.known_to,
        "variants": {
            release: variant
            for release, each in matrix.serving.items()
            for variant in [one.variant for one in each if one.variant is not None][:1]
        },
        "serving": {release: list(map(_serving, each)) for release, each in matrix.serving.items()},
        "other_cuda": {
            release: _other_cuda(one.needs, one.brings)
            for release, one in matrix.other_cuda.items()
        },
        "loads_gpus": [_gpus(one) for one in matrix.gpus],
        "load_notes": [escape(note) for note in matrix.notes],
    }


def library_keys(library: ExtensionReport, matrix: LoadMatrix | None) -> dict[str, Any]:
    """The keys of a library; for a universal file, those of all slices that torch supports."""
    if matrix is None:
        return {}
    images = matrix.of(library.path)
    judged = [one for one in images if one.platform is not None] or list(images)
    return {
        "loads_on": _answers([one.loads_on for one in judged]) if judged else None,
        "missing_symbols": _missing(judged),
        "missing_libraries": {
            escape(each.library): list(each.releases) for one in judged for each in one.absent
        },
        "unlinked_symbols": _unlinked(judged),
        "loads_on_later": bool(judged) and all(one.open_upwards for one in judged),
        "needs_cuda": any(one.needs_cuda for one in judged),
        "pre_cxx11_abi": any(one.pre_cxx11 is not None for one in judged),
        "platform": judged[0].platform if judged else None,
        "other_cuda": {
            release: _other_cuda(one.cuda, brings)
            for one in judged
            for release, brings in one.brings.items()
        },
        **_alternative(judged),
    }


def _alternative(images: Sequence[LibraryLoads]) -> dict[str, Any]:
    """The flavour of a library, and its variant, which an audit may not know."""
    if not images:
        return {"flavour": None}
    one = images[0]
    flavour = None if one.flavour is None else escape(one.flavour)
    return {"flavour": flavour} | ({"variant": one.variant} if one.variant is not None else {})


def _serving(one: Serving) -> dict[str, Any]:
    return {
        "variant": one.variant,
        "flavour": escape(one.flavour),
        "files": [escape(file) for file in one.files],
    }


def _gpus(one: GpuLoads) -> dict[str, Any]:
    alone = ("only_package", "only_package_by_jit", "only_package_partly")
    lists = ("both", "by_jit", "partly", "only_torch", *alone)
    return {
        "releases": list(one.releases),
        "cuda": one.cuda,
        "rocm": one.rocm,
        **{
            name: [{"gpu": gpu.name, "target": gpu.target} for gpu in getattr(one, name)]
            for name in lists
        },
    }


def _other_cuda(needs: Iterable[int], brings: int | None) -> dict[str, Any]:
    return {"needs": list(needs), "brings": brings}


def _answers(each: Sequence[Mapping[str, Loads]]) -> dict[str, str]:
    """The worst answer for each release."""
    return {
        release: min((one[release] for one in each), key=WORST.index).value for release in each[0]
    }


def _unlinked(libraries: Iterable[LibraryLoads]) -> dict[str, str]:
    """The symbols of libraries of torch that nothing brings in, to the newest such library."""
    return {
        escape(one.symbol): list(one.unlinked.values())[-1]
        for library in libraries
        for one in library.missing
        if one.unlinked
    }


def _missing(libraries: Iterable[LibraryLoads]) -> dict[str, list[str]]:
    """The demangled symbols that each release lacks; releases that lack none are left out."""
    names: dict[str, dict[str, None]] = {}
    for library in libraries:
        for one in library.missing:
            for release in one.releases:
                names.setdefault(release, {})[one.symbol] = None
    return {
        release: [escape(name) for name in names[release]]
        for release in sorted(names, key=release_key)
    }
