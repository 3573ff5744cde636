"""What explains a failure, and what to do: the explanation of its words, with what is seen here."""

from __future__ import annotations

import os

from torch_abi_audit.doctor.diagnosis import Problem
from torch_abi_audit.doctor.process import Found, Refusal
from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.question import explain
from torch_abi_audit.knowledge.names.cuda import is_cuda
from torch_abi_audit.knowledge.names.cuda_packages import brings
from torch_abi_audit.knowledge.names.torch import is_libtorch
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.model.releases import short
from torch_abi_audit.runtime.records import dataclass, replace
from torch_abi_audit.sources.files import lookup
from torch_abi_audit.sources.installed.distribution import headers, installed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch_abi_audit.doctor.process import Failure, Opened
    from torch_abi_audit.doctor.torch_import import Torch
    from torch_abi_audit.explain.explanation import Installed
    from torch_abi_audit.sources.installed.python import Python


_OF_ORDER = ("import torch before", "into the running environment")
"""Words of advice that does not apply: torch is installed here, and was imported first."""


@dataclass(frozen=True, slots=True)
class Place:
    """The environment in which something fails."""

    python: Python
    torch: Torch
    installed: Installed | None
    environ: Mapping[str, str]


def with_remedy(problem: Problem, place: Place) -> Problem:
    """A problem with its causes, the evidence and what to do."""
    answer = explain(_question(problem, place), place.installed, place.python.release)
    causes, why, advice = list(answer.causes), list(answer.why), list(answer.advice)
    if answer.kind == "unknown":
        advice = []
    failure = problem.failure
    if failure is not None and _is_torn(failure, place):
        return _torn(problem, failure, place)
    if failure is not None:
        failure = _with_copy(failure, answer.provider, place)
        first = list(_first(failure, place))
        if _is_in_the_way(failure, place):  # what the words alone would suggest is disproved
            if first or Cause.OTHER_COPY not in causes:
                why, advice = [], []
            causes = [Cause.OTHER_COPY]
        elif failure.kind is Refusal.NO_LIBRARY and _is_somewhere(failure, place):
            causes = [Cause.SEARCH_PATH if one is Cause.NOT_INSTALLED else one for one in causes]
        if first:
            advice = [*first, *(f"or {one.removeprefix('or ')}" for one in advice[:1])]
        why = [*_seen(failure, place), *why]
    known = [one for one in dict.fromkeys(causes) if one not in (Cause.UNKNOWN, Cause.IMPORT_ORDER)]
    advice = [one for one in advice if not any(word in one for word in _OF_ORDER)]
    return replace(problem, causes=tuple(known), why=tuple(why), advice=tuple(advice))


def _is_torn(failure: Failure, place: Place) -> bool:
    """Whether a library of torch does not find another one of torch."""
    library = failure.library
    if library is None or failure.kind is not Refusal.NO_LIBRARY or not is_libtorch(library):
        return False
    return _is_of_torch(failure, place)


def _torn(problem: Problem, failure: Failure, place: Place) -> Problem:
    """The problem of a torch that lacks one of its own libraries."""
    own = os.path.join(place.torch.directory, "lib", file_name(failure.library or ""))
    why = f"{own} is missing: the installation is incomplete"
    if lookup.matches(own):
        why = f"{own} is there, but the loader passes it over: it is built for another machine"
    advice = "reinstall torch: pip install --force-reinstall --no-deps torch"
    if place.installed is not None:
        advice = f"{advice}=={place.installed.version}"
    return replace(problem, causes=(Cause.MIXED,), why=(why,), advice=(advice,))


def _with_copy(failure: Failure, provider: str | None, place: Place) -> Failure:
    """The failure, with the copy that a variable led to in place of the library with the symbol.

    The loader names no library for a symbol without a version.
    """
    if failure.copy is not None or failure.kind is not Refusal.NO_SYMBOL:
        return failure
    for one in failure.led:
        name = file_name(one.path)
        own = os.path.join(place.torch.directory, "lib", name)
        if name == provider or (_is_of_torch(failure, place) and lookup.matches(own)):
            return replace(failure, copy=one, library=name)
    return failure


def _is_of_torch(failure: Failure, place: Place) -> bool:
    return failure.file.startswith(place.torch.directory + os.sep)


def without_variant(releases: Sequence[str], torch: str) -> Problem:
    """The problem of a package whose libraries are for other releases of torch.

    Args:
        releases: Those for which it has libraries, oldest first.
        torch: The installed one.
    """
    named = " and ".join(releases) if len(releases) < 3 else f"{releases[0]} to {releases[-1]}"
    return Problem(
        f"it has libraries for torch {named}, none for {short(torch)}",
        causes=(Cause.OTHER_TORCH,),
        advice=(
            f"install a release of the package for torch {short(torch)}",
            f"or install torch {releases[-1]}",
        ),
    )


def _question(problem: Problem, place: Place) -> str:
    """What to explain: the loader's words, or what Windows leaves out of them."""
    failure = problem.failure
    if failure is not None and place.python.system == "win32":
        if failure.symbol is not None:
            return failure.symbol
        if failure.library is not None and failure.kind is Refusal.NO_LIBRARY:
            return f"Could not find module '{failure.library}' (or one of its dependencies)"
    return problem.text


def _is_in_the_way(failure: Failure, place: Place) -> bool:
    """Whether a variable leads to the copy, or there is another one beside it."""
    copy = failure.copy
    if copy is None or not _is_older(failure):
        return False
    if os.path.dirname(copy.path) == os.path.join(place.torch.directory, "lib"):
        return False
    others = elsewhere(file_name(copy.path), place)
    led = copy.found in (Found.VARIABLE, Found.PRELOAD)
    return led or any(not _is_open(path, failure) for path in others)


def _is_somewhere(failure: Failure, place: Place) -> bool:
    return failure.library is not None and bool(elsewhere(file_name(failure.library), place))


def _is_older(failure: Failure) -> bool:
    return failure.kind in (Refusal.NO_VERSION, Refusal.NO_SYMBOL) and failure.copy is not None


def how_found(one: Opened) -> str:
    """Where a library was found, and by what: ``/usr/lib/libx.so (LD_LIBRARY_PATH: /usr/lib)``."""
    by = one.found.value
    if one.found is Found.VARIABLE:
        by = "LD_LIBRARY_PATH" if one.path.endswith(".so") or ".so." in one.path else "variable"
    where = f": {one.where}" if one.where else ""
    return f"{one.path} ({by}{where})"


def _seen(failure: Failure, place: Place) -> Iterator[str]:
    """What the simulation knows of the library that lacks something or is missing."""
    if failure.copy is not None:
        lacks = "the symbol" if failure.symbol else f"the version {failure.version}"
        yield f"the copy that is open is {how_found(failure.copy)}; it lacks {lacks}"
    if failure.library is None:
        return
    name = file_name(failure.library)
    places = [path for path in elsewhere(name, place) if not _is_open(path, failure)]
    if failure.kind is Refusal.NO_LIBRARY and places:
        yield f"there is {places[0]}, where the loader does not look for {file_name(failure.file)}"
    elif places and failure.copy is not None:
        yield f"there is another copy: {places[0]}"


def _is_open(path: str, failure: Failure) -> bool:
    return failure.copy is not None and lookup.real_path(path) == lookup.real_path(
        failure.copy.path
    )


def elsewhere(name: str, place: Place) -> list[str]:
    """The files called ``name`` in the directories in which packages keep libraries."""
    found = []
    for site in place.python.path:
        for folder in ("nvidia/*/lib", "torch/lib", "*.libs", "*/lib", "*"):
            found += lookup.matches(os.path.join(site, folder, name))
    for prefix in (place.python.prefix, place.environ.get("CONDA_PREFIX", "")):
        if prefix:
            found += lookup.matches(os.path.join(prefix, "lib", name))
    return list(dict.fromkeys(found))


def _first(failure: Failure, place: Place) -> Iterator[str]:
    """What to do first, by how the copy was found and by what torch requires."""
    copy = failure.copy
    if copy is not None and _is_older(failure):
        if copy.found is Found.VARIABLE and place.python.system != "win32":
            entry = copy.where or os.path.dirname(copy.path)
            yield (
                f"remove {entry or 'the empty entry, the current directory,'} from "
                "LD_LIBRARY_PATH: its "
                f"{file_name(copy.path)} is found before the one that is needed"
            )
            return
        if copy.found is Found.PRELOAD:
            yield f"remove {copy.path} from LD_PRELOAD"
            return
        others = elsewhere(file_name(copy.path), place)
        other = next((path for path in others if not _is_open(path, failure)), None)
        if other is not None:
            yield f"let {other} be found first, or remove {copy.path}"
            return
    library = failure.library
    if library is None or not is_cuda(file_name(library)):
        return
    requirement = required_by_torch(file_name(library), place)
    if requirement is not None:
        yield f"pip install --force-reinstall --no-deps '{requirement}' (what torch requires)"


def required_by_torch(library: str, place: Place) -> str | None:
    """The requirement of the installed torch that brings a CUDA library: ``nvidia-nccl-cu12==2``.

    None if torch requires none that does.
    """
    for each in installed(place.python.sites):
        if each.key == "torch":
            try:
                lines = headers(each).requires
            except OSError:
                return None
            for line in lines:
                if brings(line, library):
                    return line.partition(";")[0].strip().replace(" ", "")
    return None
