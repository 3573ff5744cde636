"""What is wrong with a package's requirement on torch, and the one requirement that is right.

Everything that limits the releases is intersected first: what is declared, the Pythons that have
wheels of torch, the symbols that the binaries import, and the CUDA that torch's wheels bring. A
package therefore gets one answer, whose proposal admits nothing that was kept out on purpose.
"""

from __future__ import annotations

from torch_abi_audit.facts import specifiers
from torch_abi_audit.facts.cuda import Brought
from torch_abi_audit.facts.torch_range import installable, older, reachable
from torch_abi_audit.knowledge.torch_releases import torch_releases
from torch_abi_audit.model.releases import release_key
from torch_abi_audit.runtime.enums import StrEnum
from torch_abi_audit.runtime.records import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch_abi_audit.facts.environments import Environment
    from torch_abi_audit.facts.torch_range import Line, Needed, Range


class Fault(StrEnum):
    """The worst that is wrong with a requirement: one is reported, in this order."""

    NOT_LOADING = "not-loading"
    """It admits releases on which the binaries do not load, not all of them too old."""
    TOO_OLD = "too-old"
    """It admits releases that are too old for the binaries, and no others that fail."""
    MISSING = "missing"
    """Torch is used and not required, in some environment at least."""
    OTHER_CUDA = "other-cuda"
    """It admits releases that bring another CUDA than the binaries need."""
    UNBOUNDED = "unbounded"
    """The binaries use unstable symbols, and it admits releases that do not exist yet."""
    PINNED = "pinned"
    """It keeps out newer releases on which stable binaries load."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Which known torch releases the binaries fit, whatever is declared."""

    limits: specifiers.Limits
    broken: frozenset[str]
    """The releases on which they do not load."""
    other_cuda: frozenset[str]
    """Those on which they load, but whose wheels bring another CUDA than they need."""
    without_cuda: tuple[str, ...] = ()
    """Where no admitted release that loads brings the CUDA that is needed, and some are built
    without any: all of them, oldest first. Then only a build from another index can serve."""
    cuda_nowhere: tuple[str, ...] = ()
    """Where each admitted release that loads brings another CUDA: all of them, oldest first."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What is wrong with the requirement, and what to declare instead."""

    fault: Fault | None
    proposal: str | None
    """The requirement that fits; several joined by ``|``. None if it is not known."""
    fit: Fit
    failing: tuple[str, ...] = ()
    """The admitted releases on which the binaries do not load, oldest first."""
    other_cuda: tuple[str, ...] = ()
    """The admitted releases that load, but bring another CUDA."""
    is_open: bool = False
    """Whether it admits releases that do not exist yet, which unstable binaries must not."""
    none_loads: bool = False
    """Whether the binaries are not known to load on any admitted release, and fail on some."""
    unknown: tuple[str, ...] = ()
    """With ``none_loads``: the admitted releases of which nothing is known."""
    newer: tuple[str, ...] = ()
    """The newer releases that it keeps out, for ``PINNED``."""
    without: tuple[str, ...] = ()
    """The Pythons on which torch is not required though it has a release that fits there."""


_NONE: frozenset[str] = frozenset()
NOTHING = Advice(None, None, Fit(specifiers.Limits((), _NONE, _NONE, bounded=False), _NONE, _NONE))
"""The advice for a package that needs nothing of torch."""


def fit(
    need: Needed | None,
    candidates: Sequence[str],
    cuda: Mapping[str, Brought],
) -> Fit:
    """Which known releases the binaries fit.

    Args:
        need: What the binaries need of torch; None if they use none of it.
        candidates: The releases that may be installed and on which they may load.
        cuda: What each release brings of the CUDA that torch must bring; empty if it need not.
    """
    known = [one.version for one in torch_releases()]
    broken = frozenset(one for one in known if need is not None and need.fails_on(one))
    sure = frozenset(one for one in known if need is None or need.loads(one))
    states = {cuda[one] for one in candidates} if cuda else set()
    other: frozenset[str] = frozenset()
    without_cuda: tuple[str, ...] = ()
    nowhere: tuple[str, ...] = ()
    if Brought.FITS in states:
        other = frozenset(one for one in known if cuda[one] is Brought.OTHER) - broken
    elif Brought.NOTHING in states:
        without_cuda = tuple(candidates)
    elif states:
        nowhere = tuple(candidates)
    bounded = need is not None and not need.stable
    limits = specifiers.Limits(known, sure - other, broken | other, bounded)
    return Fit(limits, broken, other, without_cuda, nowhere)


def advice(
    need: Needed | None,
    said: Range | None,
    environments: Sequence[Environment],
    cuda: Mapping[str, Brought],
    *,
    other_build: bool = False,
) -> Advice:
    """What is wrong with the requirement on torch, and what to declare.

    Args:
        need: What the binaries need of torch; None if they use none of it.
        said: What is declared; None if nothing is.
        environments: The environments in which the package may be installed.
        cuda: What each release brings of the CUDA that torch must bring; empty if it need not.
        other_build: Whether the binaries need a build of torch that is not on the package index,
            so that nothing can be said of the releases there.
    """
    if said is not None and any(line.names_build for line in said.lines):
        cuda = {}  # the CUDA is that of the build that is named
    fits = fit(need, installable(need, said, environments) or (), cuda)
    if said is None or said.by_url or said.unreadable or not said.is_required:
        undeclared = said is None or not (said.by_url or said.unreadable or not said.applying)
        fault = Fault.MISSING if undeclared and need is not None else None
        return Advice(fault, _undeclared(need, said, fits), fits)
    admitted = said.admitted()
    if other_build and not fits.limits.sure:
        return Advice(None, None, fits)
    failing = tuple(one for one in admitted if one in fits.broken)
    other = tuple(one for one in admitted if one in fits.other_cuda)
    loading = [one for one in admitted if need is None or need.loads(one)]
    is_open = fits.limits.bounded and said.is_open
    without = _without(said, fits) if need is not None else ()
    newer = _newer(need, said, fits) if need is not None else ()
    fault = _fault(
        need,
        failing,
        cuda=other or fits.cuda_nowhere,
        is_open=is_open,
        without=without,
        newer=newer,
    )
    none_loads = bool(failing) and not loading
    unknown = tuple(one for one in admitted if one not in failing) if none_loads else ()
    return Advice(
        fault=fault,
        proposal=_proposal(need, said, fits, fault, unknown, none_loads=none_loads),
        fit=fits,
        failing=failing,
        other_cuda=other,
        is_open=is_open,
        none_loads=none_loads,
        unknown=unknown,
        newer=newer,
        without=without,
    )


def _fault(
    need: Needed | None,
    failing: Sequence[str],
    *,
    cuda: Sequence[str],
    is_open: bool,
    without: Sequence[str],
    newer: Sequence[str],
) -> Fault | None:
    if failing:
        floor = None if need is None else need.floor
        old = floor is not None and all(older(one, floor) for one in failing)
        return Fault.TOO_OLD if old else Fault.NOT_LOADING
    if without:
        return Fault.MISSING
    if cuda:
        return Fault.OTHER_CUDA
    if is_open:
        return Fault.UNBOUNDED
    return Fault.PINNED if newer else None


def _undeclared(need: Needed | None, said: Range | None, fits: Fit) -> str | None:
    """What to declare where nothing is, or nothing that can be compared.

    What an extra requires keeps its bounds: whoever wrote them meant them.
    """
    if need is None or not _is_known(need):
        return None
    known = fits.limits.known
    line = next((one for one in said.lines if one.extras), None) if said is not None else None
    if line is not None:
        admitted = [one for one in known if line.specifiers.contains(one)]
        text = specifiers.narrowed(line.text, fits.limits, admitted)
        if text is not None:
            return f"{line.head}{text}"
    text = specifiers.narrowed("", fits.limits, known)
    return None if text is None else f"torch{text}"


def _proposal(
    need: Needed | None,
    said: Range,
    fits: Fit,
    fault: Fault | None,
    unknown: Sequence[str],
    *,
    none_loads: bool,
) -> str | None:
    """The requirement that fits; None if it is not known.

    Where no admitted release is known to fit, the ``unknown`` ones stay: that is narrower at least.
    """
    if (need is None and fault is None) or (need is not None and not _is_known(need)):
        return None
    if none_loads and not unknown:
        return _undeclared(need, None, fits)
    limits = replace(fits.limits, sure=frozenset(unknown)) if unknown else fits.limits
    if fault is Fault.PINNED:
        return " | ".join(one.whole for one in _opened(said, fits))
    found = []
    for line, where in said.leading().items():
        text = specifiers.narrowed(line.text, limits, said.admitted(where))
        found.append((line if text is None else line.narrowed_to(text)).whole)
    if all(one == line.whole for one, line in zip(found, said.leading(), strict=True)):
        return said.text if _any_sure(said, fits) else None
    return " | ".join(found)


def _is_known(need: Needed) -> bool:
    """Whether enough is known of the binaries to propose a requirement."""
    return need.floor is not None and need.exactly if need.stable else True


def _any_sure(said: Range, fits: Fit) -> bool:
    return any(one in fits.limits.sure for one in said.admitted())


def _without(said: Range, fits: Fit) -> tuple[str, ...]:
    """The Pythons on which torch is not required, though it has a release that fits there."""
    pythons = {each.python for each, lines in said.applying.items() if not lines}
    served = {
        python
        for one in torch_releases()
        if one.version in fits.limits.sure
        for python in one.pythons
    }
    return tuple(sorted(pythons & served, key=release_key))


def _newer(need: Needed, said: Range, fits: Fit) -> tuple[str, ...]:
    """The releases after the admitted ones that fit stable binaries."""
    admitted = said.admitted()
    if not need.stable or not admitted or fits.without_cuda or fits.cuda_nowhere:
        return ()
    return tuple(
        one
        for one in fits.limits.known
        if not older(one, admitted[-1])
        and one not in admitted
        and one in fits.limits.sure
        and any(each.specifiers.contains(one) for each in _opened(said, fits, among=one))
    )


def _opened(said: Range, fits: Fit, among: str | None = None) -> Iterator[Line]:
    """The lines without their upper bounds; none that names one build.

    Args:
        said: What is declared.
        fits: The releases that the binaries fit.
        among: Only the lines of environments that have wheels of this release.
    """
    for line, where in said.leading().items():
        there = reachable(where)
        text = None if line.names_build else specifiers.without_upper_bound(line.text)
        if text is not None and (among is None or among in there):
            opened = line.narrowed_to(text)
            admitted = [one for one in there if opened.specifiers.contains(one)]
            fitting = specifiers.narrowed(text, fits.limits, admitted)
            if fitting is not None:
                yield line.narrowed_to(fitting)
