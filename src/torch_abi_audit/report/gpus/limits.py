"""What limits the answer: drivers, kernels that lack an architecture, code that was not judged."""

from __future__ import annotations

from torch_abi_audit.judges.gpus import is_specific
from torch_abi_audit.knowledge.cuda_toolkits import is_known
from torch_abi_audit.mangling import escape
from torch_abi_audit.model.device_code import is_amd, is_nvidia, target_key
from torch_abi_audit.model.gpus import Runs
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.model.releases import release_key
from torch_abi_audit.report.gpus.phrases import drivers, fatbins, hindrance, spans
from torch_abi_audit.report.wording import plural, several

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TypeAlias

    from torch_abi_audit.gpus.answer import Answer, Torch
    from torch_abi_audit.judges.arch_list import Adding
    from torch_abi_audit.model.device_code import Driver, PackageCode

    Line: TypeAlias = tuple[str, str]
    """A label, or an empty text for one more line under the last label; and the sentence."""

_MOST = 3
"""Maximum number of libraries, or of groups of them, that are named, unless all are asked for."""
_RUNS = frozenset({Runs.YES, Runs.JIT, Runs.PARTLY})


def limits(one: Answer, shown: Sequence[int], *, verbose: bool = False) -> Iterator[Line]:
    """Yield what to know beside the table.

    Args:
        one: The answer for a package.
        shown: The positions in ``one.gpus`` of the GPUs that are shown.
        verbose: Name all libraries, and the kernels of each that lack a GPU.
    """
    if not one.libraries:
        return
    yield from _built_for(one, verbose=verbose)
    yield from _choices(one, verbose=verbose)
    yield from _toolkits(one)
    yield from _drivers(one.code)
    if any(one.runs[at].answer is Runs.JIT for at in shown):
        yield "JIT", "a slow first start: the driver compiles each kernel when it is first used"
    yield from _every_lacking(one, shown) if verbose else _lacking(one, shown)
    yield from _special(one, shown, verbose=verbose)
    others = {text: None for each in one.libraries for text in each.code.others}
    if others:
        yield "Besides", f"{several(list(map(escape, others)), most=None)}: not judged"
    unknown = _unknown(one)
    if unknown:
        yield "Unknown", f"{several(unknown)}: no CUDA release that is known here compiles for it"
    for each in one.libraries:
        if each.code.problem is not None:
            yield "Not read", f"{escape(each.name)}: {escape(each.code.problem)}"
    if one.torch is not None:
        yield from _torch(one, one.torch, shown)


def to_add(adding: Adding) -> str:
    """What the proposed line adds and needs, and what cannot be added."""
    parts = []
    if adding.added:
        since = f"CUDA {adding.since} or newer" if adding.since else ""
        before = f"CUDA older than {adding.before}" if adding.before else ""
        needs = " and ".join(filter(None, (since, before)))
        parts.append(
            f"adds {several(adding.added, most=None)}" + (f"; needs {needs}" * bool(needs))
        )
    for one in adding.left_out:
        if one.dropped is not None:
            parts.append(f"{one.capability} cannot be added: CUDA {one.dropped} dropped it")
        else:
            parts.append(
                f"{one.capability} cannot be added: it needs CUDA {one.first or 'unknown'}"
            )
    return "; ".join(parts)


def _unknown(one: Answer) -> list[str]:
    """NVIDIA's architectures of which nothing is known: of newer toolkits, or of damaged files."""
    targets = {target for each in one.libraries for target in each.code.targets}
    return [
        target
        for target in sorted(targets, key=target_key)
        if is_nvidia(target) and not is_known(target)
    ]


# --- how it was built ----------------------------------------------------------------------------


def _built_for(one: Answer, *, verbose: bool) -> Iterator[Line]:
    """The architectures; libraries with the same are told together."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for each in one.libraries:
        if each.code.targets:
            groups.setdefault(each.code.targets, []).append(each.name)
    if len(groups) > _MOST and not verbose:
        yield "Built for", ", ".join(one.code.targets) or "no architecture in common"
        if one.code.others:
            yield "", f"some of it: {', '.join(one.code.others)}"
        yield "", "(-v lists the architectures of each library)"
        return
    label = "Built for"
    for targets, names in groups.items():
        whose = f" ({_files(names, one, verbose=verbose)})" if len(groups) > 1 else ""
        yield label, f"{', '.join(targets)}{whose}"
        label = ""


def _choices(one: Answer, *, verbose: bool) -> Iterator[Line]:
    """The libraries of which one is used."""
    for choice in one.code.choices:
        names = [path for each in choice for path in each]
        used = "one of these is used" if len(names) == len(choice) else "alternatives"
        files = _files(names, one, verbose=verbose)
        yield "Chosen", f"{used}, and the best counts for the package: {files}"


def _toolkits(one: Answer) -> Iterator[Line]:
    """The CUDA releases that the code was compiled with."""
    known = {release for each in one.libraries for release in each.code.toolkits}
    if known:
        told = {int(release.partition(".")[0]) for release in known}
        rest = sorted({each.cuda for each in one.code.drivers} - told)
        words = [f"{number}, of a release that the code does not tell" for number in rest]
        yield "CUDA", "; ".join([several(sorted(known, key=release_key), most=None), *words])
    elif one.code.toolkit is not None:
        yield "CUDA", f"{one.code.toolkit} or a later one, by its PTX {one.code.ptx_isa}"


def _drivers(code: PackageCode) -> Iterator[Line]:
    """The oldest drivers, one line for each major release of CUDA."""
    majors: dict[int, list[Driver]] = {}
    for one in code.drivers:
        majors.setdefault(one.cuda, []).append(one)
    label = "Driver"
    for cuda, found in majors.items():
        runtime = drivers([(one.system, one.runtime) for one in found])
        ptx = drivers([(one.system, one.ptx) for one in found])
        toolkit = next((one.toolkit for one in found if one.toolkit is not None), None)
        parts = [f"{runtime} (CUDA {cuda})"] if runtime else []
        if ptx and ptx != runtime:
            parts.append(f"{ptx} to compile its PTX (of CUDA {toolkit})")
        if parts:
            yield label, "; ".join(parts)
            label = ""
    if label and any(not is_amd(target) for target in (*code.targets, *code.others)):
        yield label, "not known: nothing in the package tells the CUDA release it is for"


# --- what lacks a GPU ----------------------------------------------------------------------------


def _lacking(one: Answer, shown: Iterable[int]) -> Iterator[Line]:
    """How many kernels of each library lack a GPU."""
    counts: dict[str, list[int]] = {}
    for at in shown:
        for each in one.libraries:
            if each.runs[at].answer is Runs.PARTLY:
                counts.setdefault(each.name, []).append(fatbins(each.runs[at].lacking))
    totals = {each.name: fatbins(each.code.sets) for each in one.libraries}
    label = "Some"
    for name, found in list(counts.items())[:_MOST]:
        least, most = min(found), max(found)
        number = str(least) if least == most else f"{least} to {most}"
        total = plural(totals[name], "fatbin")
        yield (
            label,
            f"{escape(_file(name, one))} has nothing for such a GPU in {number} of {total}",
        )
        label = ""
    if counts:
        rest = f"and those of {plural(len(counts) - _MOST, 'more library')}; "
        yield (
            "",
            (rest if len(counts) > _MOST else "")
            + "whether other kernels serve there does not show (-v lists all)",
        )


def _every_lacking(one: Answer, shown: Iterable[int]) -> Iterator[Line]:
    """The kernels of each library that lack a GPU; GPUs that lack the same are told together."""
    found: dict[tuple[str, str], list[int]] = {}
    for at in shown:
        for each in one.libraries:
            if each.runs[at].answer is Runs.PARTLY:
                said = hindrance(each.code, each.runs[at], most=None)
                found.setdefault((each.name, said), []).append(at)
    label = "Some"
    for (name, said), places in found.items():
        where = spans(places, list(range(len(one.gpus))), one.gpus)
        yield label, f"{escape(name)} on {where}: {said}"
        label = ""


def _special(one: Answer, shown: Iterable[int], *, verbose: bool) -> Iterator[Line]:
    """The kernels for single architectures, which a library has to choose by itself."""
    special = {
        each.name: [found for found in each.code.sets if is_specific(found)]
        for each in one.libraries
        if any(run.answer is not Runs.NO for run in (each.runs[at] for at in shown))
    }
    special = {name: found for name, found in special.items() if found}
    if not special:
        return
    targets = sorted(
        {t for found in special.values() for s in found for t in s.targets}, key=target_key
    )
    where = _files(list(special), one, verbose=verbose)
    alone = ", ".join(targets)
    yield "Special", f"kernels for {alone} alone, which have to be chosen at run time: {where}"
    if not verbose:
        return
    totals = {each.name: fatbins(each.code.sets) for each in one.libraries}
    for name, found in special.items():
        of_them = ", ".join(f"{each.count} for {' '.join(each.targets)}" for each in found)
        yield "", f"{escape(name)}: of {plural(totals[name], 'fatbin')} {of_them}"


def _torch(one: Answer, torch: Torch, shown: Sequence[int]) -> Iterator[Line]:
    """How the torch that is required runs, where the package runs otherwise."""
    cuda = sorted({each.cuda for each in torch.builds if each.cuda is not None}, key=release_key)
    its = [at for at in shown if torch.runs[at] in _RUNS]
    mine = [at for at in shown if one.runs[at].answer in _RUNS and not is_amd(one.gpus[at].target)]
    build = f"CUDA {several(cuda, most=None)}"
    build = f"each build, for {build}" if len(cuda) > 1 else build
    yield "Torch", f"{torch.release} ({build}) {_runs_on(its, shown, one)}"
    lacking = [at for at in its if at not in mine]
    if lacking:
        yield "", f"this package has nothing for {spans(lacking, shown, one.gpus)}"
    more = [at for at in mine if torch.best[at] not in _RUNS]
    if more:
        yield "", f"torch itself has nothing for {spans(more, shown, one.gpus)}"
    slow = [at for at in mine if one.runs[at].answer is Runs.JIT and torch.runs[at] is Runs.YES]
    if slow:
        where = spans(slow, shown, one.gpus)
        yield "", f"torch has machine code, where this package has only PTX, for {where}"


def _runs_on(its: Sequence[int], shown: Sequence[int], one: Answer) -> str:
    if not its:
        return "runs on none of these GPUs"
    return f"runs on {spans(its, shown, one.gpus)}"


def _files(paths: Sequence[str], one: Answer, *, verbose: bool) -> str:
    """Libraries by the names of their files, or by their paths with ``verbose``."""
    names = [_file(path, one) for path in paths]
    return several(list(map(escape, paths if verbose else names)), most=None if verbose else _MOST)


def _file(path: str, one: Answer) -> str:
    """The name of a library's file, if no other library of the package has it; else its path."""
    name = file_name(path)
    return name if sum(file_name(each.name) == name for each in one.libraries) == 1 else path
