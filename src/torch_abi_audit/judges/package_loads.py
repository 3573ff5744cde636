"""The answer for a package, from those of its libraries and from which of them are alternatives."""

from __future__ import annotations

from torch_abi_audit.judges.other_cuda import clash
from torch_abi_audit.model.loads import WORST, LoadMatrix, Loads, Serving
from torch_abi_audit.model.releases import release_key, release_runs
from torch_abi_audit.runtime.records import MappingProxyType, dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from torch_abi_audit.judges.library_loads import TorchBuilds
    from torch_abi_audit.knowledge.names.alternatives import Alternative, Choice
    from torch_abi_audit.model.loads import LibraryLoads, OtherCuda

_SERVED = (Loads.YES, Loads.NEEDS_CUDA)


@dataclass(frozen=True, slots=True)
class Option:
    """One alternative, and those of its libraries that use torch."""

    of: Alternative
    libraries: tuple[LibraryLoads, ...]


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one choice does on one torch release."""

    state: Loads
    serving: tuple[Option, ...] = ()
    """The options that load."""
    instead: tuple[str, ...] = ()
    """Without a variant for the release: the variants that would load on it."""


def package_loads(
    judged: Mapping[str, Sequence[LibraryLoads]],
    releases: tuple[str, ...],
    builds: TorchBuilds,
    choices: Sequence[Choice],
) -> LoadMatrix:
    """Return the load matrix of a package.

    Args:
        judged: The images of each library in the matrix, by path below the package's root.
        releases: The columns of the matrix.
        builds: The source of torch's exports.
        choices: Which of the libraries stand in each other's place.
    """
    counted = {path: _counted(images) for path, images in judged.items()}
    every = [_options(one, counted) for one in choices]
    options = [each for each in every if any(one.libraries for one in each)]
    stated = {path: (one.of, each) for each in options for one in each for path in one.of.files}
    shown = tuple(
        _named(image, *stated.get(path, (None, ())))
        for path, images in judged.items()
        for image in images
    )
    common = [one for path, each in counted.items() if path not in stated for one in each]
    loads_on: dict[str, Loads] = {}
    serving: dict[str, tuple[Serving, ...]] = {}
    other_cuda: dict[str, OtherCuda] = {}
    instead: dict[tuple[str, ...], list[str]] = {}
    for release in releases:
        answers = [_answer(each, release) for each in options]
        state = _worst(common, release)
        for one in answers:
            if one.instead and state is not Loads.NO:
                instead.setdefault(one.instead, []).append(release)
        loads_on[release] = min([state, *(one.state for one in answers)], key=WORST.index)
        if loads_on[release] in _SERVED:
            serving[release] = tuple(_serving(one) for each in answers for one in each.serving)
            used = [one for each in answers for one in each.serving[0].libraries]
            other = clash([*common, *used], release)
            if other is not None:
                other_cuda[release] = other
    newest = {builds.newest(one.platform) for one in shown if one.platform is not None}
    return LoadMatrix(
        releases=releases,
        libraries=shown,
        loads_on=MappingProxyType(loads_on),
        serving=MappingProxyType(serving if options else {}),
        other_cuda=MappingProxyType(other_cuda),
        known_to=min((one for one in newest if one is not None), key=release_key, default=None),
        open_upwards=all(one.open_upwards for one in common) and all(map(_open, options)),
        notes=(*_slices(judged, counted), *_without_variant(instead, releases)),
    )


def _counted(images: Sequence[LibraryLoads]) -> Sequence[LibraryLoads]:
    """The images of a library, without slices for which there is no torch beside others."""
    return [one for one in images if one.platform is not None] or images


def _options(choice: Choice, counted: Mapping[str, Sequence[LibraryLoads]]) -> list[Option]:
    return [
        Option(one, tuple(image for path in one.files for image in counted.get(path, ())))
        for one in choice.alternatives
    ]


def _named(image: LibraryLoads, of: Alternative | None, options: Sequence[Option]) -> LibraryLoads:
    """The answers of an image, with the variant and flavour of its library."""
    if of is None:
        return replace(image, variant=None) if image.variant else image
    flavoured = any(one.of.flavour for one in options)
    return replace(
        image,
        variant=of.release.text if of.release else None,
        flavour=of.flavour if flavoured else None,
    )


def _answer(options: Sequence[Option], release: str) -> _Answer:
    fitting = [one for one in options if one.of.release is None or one.of.release.serves(release)]
    if fitting:
        states = [_worst(one.libraries, release) for one in fitting]
        able = [one for one, state in zip(fitting, states, strict=True) if state in _SERVED]
        known = [one for one in able if clash(one.libraries, release) is None]
        return _Answer(max(states, key=WORST.index), tuple(known or able))
    states_of: dict[str, list[Loads]] = {}
    for one in options:
        text = one.of.release.text if one.of.release else ""
        states_of.setdefault(text, []).append(_worst(one.libraries, release))
    best = {text: max(states, key=WORST.index) for text, states in states_of.items()}
    others = sorted((text for text, state in best.items() if state in _SERVED), key=release_key)
    unknown = others or set(best.values()) == {Loads.UNKNOWN}
    return _Answer(Loads.UNKNOWN if unknown else Loads.NO, instead=tuple(others))


def _serving(option: Option) -> Serving:
    release = option.of.release
    return Serving(release.text if release else None, option.of.flavour, option.of.files)


def _open(options: Sequence[Option]) -> bool:
    """Whether releases after the known ones are served as well, by the stable ABI's promise."""
    return any(
        one.of.release is None and all(each.open_upwards for each in one.libraries)
        for one in options
    )


def _worst(libraries: Iterable[LibraryLoads], release: str) -> Loads:
    return min((one.loads_on[release] for one in libraries), key=WORST.index, default=Loads.YES)


def _slices(
    judged: Mapping[str, Sequence[LibraryLoads]], counted: Mapping[str, Sequence[LibraryLoads]]
) -> Iterator[str]:
    for path, images in judged.items():
        for one in images:
            if one not in counted[path]:
                reason = one.why_unknown
                yield f"{one.path.name}: the {one.arch} slice is not judged: {reason}"


def _without_variant(
    instead: Mapping[tuple[str, ...], Sequence[str]], releases: Sequence[str]
) -> Iterator[str]:
    for others, lacking in instead.items():
        yield (
            f"the package has no variant for torch {release_runs(lacking, releases)}; the variant "
            f"for {' or '.join(others)} would load there, if the package selects it"
        )
