"""The sentences that text and Markdown share."""

from __future__ import annotations

from itertools import groupby

from torch_abi_audit.knowledge.arch_names import capability
from torch_abi_audit.mangling import escape
from torch_abi_audit.model.device_code import is_amd
from torch_abi_audit.model.gpus import Runs
from torch_abi_audit.report.wording import plural, several, some

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_abi_audit.gpus.answer import Answer
    from torch_abi_audit.model.device_code import DeviceCode, KernelSet
    from torch_abi_audit.model.gpus import Gpu, Run

PACKAGE = "(the package)"
CELLS = {
    Runs.YES: "yes",
    Runs.JIT: "JIT",
    Runs.PARTLY: "some",
    Runs.NO: "no",
    Runs.UNKNOWN: "?",
}
"""The text of each answer in a table."""
_SUMMARY = {
    Runs.YES: "",
    Runs.JIT: "after JIT compilation on ",
    Runs.PARTLY: "in part on ",
    Runs.NO: "not on ",
    Runs.UNKNOWN: "not known for ",
}
BAD = frozenset({Runs.UNKNOWN, Runs.NO, Runs.PARTLY})
"""The answers that fail a gate: not all of it runs, or that is not known."""
_FAILURE = {
    Runs.UNKNOWN: "not known whether it runs",
    Runs.NO: "does not run",
    Runs.PARTLY: "runs only in part",
}
_NVIDIA = ("nvidia-", "nvidia_")
_SHOWN = 4
"""Maximum number of kernel sets, libraries or GPUs that a sentence names."""


def title(answer: Answer) -> str:
    """The name and version of a package: ``torchvision 0.24.0``."""
    return escape(f"{answer.name} {answer.version}" if answer.version else answer.name)


def systems(answer: Answer) -> tuple[str, ...]:
    """The systems for which a package needs NVIDIA's drivers: ``linux`` and ``windows``."""
    return tuple(sorted({one.system for one in answer.code.drivers}))


def cells(runs: Sequence[Run], shown: Sequence[int]) -> tuple[str, ...]:
    """The cells of a row; those of a package of which nothing could be read are not known."""
    if not runs:
        return (CELLS[Runs.UNKNOWN],) * len(shown)
    return tuple(CELLS[runs[at].answer] for at in shown)


def summary(answer: Answer, shown: Sequence[int]) -> str:
    """The answer in one line: ``T4 to H100 (7.5 to 9.0); after JIT compilation on B200 (10.0)``."""
    if not answer.libraries:
        return _nothing(answer)
    found = {at: answer.runs[at].answer for at in shown}
    every = set(found.values())
    if every == {Runs.NO}:
        return "none of these GPUs" if len(shown) > 1 else f"not on {named(answer.gpus[shown[0]])}"
    if every == {Runs.UNKNOWN}:
        return "not known"
    gpus = answer.gpus
    parts = [
        f"{words}{spans([at for at in shown if found[at] is state], shown, gpus)}"
        for state, words in _SUMMARY.items()
        if state in every
    ]
    if answer.unread:
        parts.append(f"{plural(len(answer.unread), 'library')} could not be read")
    return "; ".join(parts)


def _nothing(answer: Answer) -> str:
    """Why there is no answer for a package in which no code for GPUs was found."""
    if answer.unread:
        return f"not known: {plural(len(answer.unread), 'library')} could not be read"
    if not answer.others:
        return "nothing to judge: no compiled library was found"
    found = plural(answer.others, answer.noun)
    return f"no code for GPUs in {found} (kernels that are made at run time do not show)"


def tables(
    answer: Answer, shown: Sequence[int]
) -> Iterator[tuple[list[int], list[tuple[str, Sequence[Run]]]]]:
    """Yield a table for each maker: its GPUs, and the libraries with code for them by name.

    Libraries none of whose code is known are in every table. The last row is that of the package,
    where there are several libraries.
    """
    for amd in (False, True):
        places = [at for at in shown if is_amd(answer.gpus[at].target) is amd]
        rows: list[tuple[str, Sequence[Run]]] = [
            (escape(each.name), each.runs)
            for each in answer.libraries
            if not each.code.targets or amd in map(is_amd, each.code.targets)
        ]
        if len(rows) > 1:
            rows.append((PACKAGE, answer.runs))
        if places and rows:
            yield places, rows


def listed(
    given: Sequence[Answer], *, whole: bool
) -> tuple[list[Answer], list[tuple[str, list[str]]]]:
    """The packages that a table of several lists, and the titles of the others, by a label.

    NVIDIA's own packages are for the GPUs of their CUDA release.

    Args:
        given: All packages.
        whole: Whether NVIDIA's packages are listed as others are, and those without code for GPUs
            named.
    """
    coded = [one for one in given if one.libraries]
    own = [one for one in coded if one.name.startswith(_NVIDIA)]
    if not whole and len(own) < len(coded):
        coded = [one for one in coded if one not in own]
        return coded, [("NVIDIA's own", titled)] if (titled := list(map(title, own))) else []
    called = titles(given)
    without = [called[id(one)] for one in given if not one.libraries]
    return coded, [("No code for GPUs", without)] if without and whole else []


def titles(given: Sequence[Answer]) -> dict[int, str]:
    """What to call each package, by its identity; the files are named if titles are equal."""
    every = list(map(title, given))
    return {
        id(one): named
        if every.count(named) == 1
        else f"{named} ({escape(one.root.replace(chr(92), '/').rpartition('/')[2])})"
        for one, named in zip(given, every, strict=True)
    }


def package_tables(
    given: Sequence[Answer], shown: Sequence[int]
) -> Iterator[tuple[list[int], list[Answer]]]:
    """Yield a table for each maker: its GPUs, and the packages with code for them."""
    for amd in (False, True):
        rows = [
            one
            for one in given
            if any(
                not each.code.targets or amd in map(is_amd, each.code.targets)
                for each in one.libraries
            )
        ]
        places = [at for at in shown if is_amd(given[0].gpus[at].target) is amd]
        if rows and places:
            yield places, rows


def spans(chosen: Sequence[int], shown: Sequence[int], gpus: Sequence[Gpu]) -> str:
    """Some of the GPUs that are shown, neighbours as a span: ``T4 to H100 (7.5 to 9.0), B200``.

    Args:
        chosen: Positions in ``gpus``.
        shown: The positions of all that are shown.
        gpus: The GPUs, of NVIDIA in order of capability; others are listed one by one.
    """
    place = {at: number for number, at in enumerate(shown)}
    parts = []

    def run_of(one: tuple[int, int]) -> tuple[bool, int]:
        number, at = one
        return is_amd(gpus[at].target), place[at] - number

    for (amd, _), group in groupby(enumerate(chosen), key=run_of):
        run = [gpus[at] for _, at in group]
        if len(run) < 3 or amd:
            parts += [named(one) for one in run]
        else:
            first, last = run[0], run[-1]
            numbers = f"{capability(first.target)} to {capability(last.target)}"
            parts.append(f"{first.name} to {last.name} ({numbers})")
    return ", ".join(parts)


def named(gpu: Gpu) -> str:
    """A GPU with its compute capability or architecture: ``RTX 4090 (8.9)``."""
    short = capability(gpu.target)
    return short if gpu.name in {short, gpu.target} else f"{gpu.name} ({short})"


# --- why a library runs on a GPU, or does not ----------------------------------------------------


def reason(code: DeviceCode, run: Run, gpu: Gpu, systems: Sequence[str]) -> str:
    """Why a library runs on a GPU or does not, in one sentence without a full stop.

    Args:
        code: Its code.
        run: How it runs there.
        gpu: The GPU.
        systems: ``linux`` and ``windows``: those whose drivers to name.
    """
    parts = [hindrance(code, run)]
    if run.used and run.answer is not Runs.UNKNOWN:
        parts.insert(0, _by(run, gpu, systems))
    return "; ".join(filter(None, parts))


def hindrance(code: DeviceCode, run: Run, *, most: int | None = _SHOWN) -> str:
    """What a library lacks for a GPU; empty if it lacks nothing that matters.

    Args:
        code: Its code.
        run: How it runs there.
        most: How many kernel sets to name; all if None.
    """
    if code.problem is not None:
        return f"not all could be read: {escape(code.problem)}"
    if run.answer is Runs.NO:
        return f"compiled only for {several(code.targets, most=8)}"
    if not code.sets:
        return f"holds only {several(code.others)}, which is not judged"
    if run.answer is not Runs.PARTLY:
        return ""
    count, total = fatbins(run.lacking), fatbins(code.sets)
    have = "has" if count == 1 else "have"
    return f"{count} of {plural(total, 'fatbin')} {have} nothing for it: {_only(run.lacking, most)}"


def fatbins(sets: Sequence[KernelSet]) -> int:
    """The number of fatbins in kernel sets."""
    return sum(one.count for one in sets)


def _only(lacking: Sequence[KernelSet], most: int | None) -> str:
    """What kernel sets are for: ``1 for sm_90a``."""
    shown = [f"{one.count} for {' '.join(one.targets)}" for one in lacking[:most]]
    rest = fatbins(lacking[len(shown) :])
    return ", ".join([*shown, *([f"{rest} for others"] if rest else [])])


def _by(run: Run, gpu: Gpu, systems: Sequence[str]) -> str:
    """The code that a GPU uses: ``sm_80 code, which runs on 8.9``."""
    machine = [one for one in run.used if not one.startswith("compute_")]
    ptx = [one for one in run.used if one.startswith("compute_")]
    parts = []
    if machine:
        own = all(one.rstrip("af").partition(":")[0] == gpu.target for one in machine)
        also = "" if own else f", which runs on {capability(gpu.target)} too"
        parts.append(f"{several(machine)} code{also}")
    if ptx:
        needs = _ptx_driver(run.ptx_isa, systems)
        parts.append(
            f"PTX of {several(ptx)}, which the driver compiles at first use"
            + (f" ({needs})" if needs else "")
        )
    return ", and ".join(parts)


def failures(answer: Answer) -> Iterator[str]:
    """Yield what fails a gate: the GPUs on which not all of a package runs, and why."""
    for at, gpu in enumerate(answer.gpus if answer.libraries else ()):
        if answer.runs[at].answer not in BAD:
            continue
        why = "; ".join(hindrances(answer, at))
        yield f"{title(answer)}: {_FAILURE[answer.runs[at].answer]} on {named(gpu)} ({why})"


def hindrances(answer: Answer, at: int) -> Iterator[str]:
    """Yield what libraries lack for the GPU at a position; those that lack the same at once."""
    alike: dict[str, list[str]] = {}
    for one in answer.libraries:
        said = hindrance(one.code, one.runs[at])
        if said:
            alike.setdefault(said, []).append(one.name)
    for said, names in alike.items():
        yield f"{escape(some(names, 'library'))}: {said}"


# --- drivers -------------------------------------------------------------------------------------


def drivers(releases: Sequence[tuple[str, str | None]]) -> str:
    """The oldest drivers by system: ``525.60.13 or newer``; empty if none is known.

    Args:
        releases: Systems, ``linux`` or ``windows``, and the oldest driver of each.
    """
    known = [(system, release) for system, release in releases if release is not None]
    if not known:
        return ""
    if len(known) == 1:
        return f"{known[0][1]} or newer"
    return f"{', '.join(f'{release} ({system.title()})' for system, release in known)} or newer"


def _ptx_driver(isa: str | None, systems: Sequence[str]) -> str:
    """The driver that knows a version of PTX: ``PTX 8.7: driver 570.26 or newer``."""
    if isa is None:
        return ""
    from torch_abi_audit.knowledge.cuda_toolkits import driver_of_toolkit, toolkit_of_ptx

    toolkit = toolkit_of_ptx(isa)
    if toolkit is None:
        return f"PTX {isa}"
    needed = drivers([(one, driver_of_toolkit(toolkit, one)) for one in systems])
    return f"PTX {isa}: driver {needed}" if needed else f"PTX {isa}"
