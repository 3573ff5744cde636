"""Extends an explanation with facts about the failing package (``--with``). Pure."""

from __future__ import annotations

from torch_abi_audit.explain.contained import contained
from torch_abi_audit.explain.explanation import Cause, Explanation, in_order
from torch_abi_audit.explain.symbols.builds import Has, exports
from torch_abi_audit.judges.loads import compat
from torch_abi_audit.knowledge.names.torch import link_option
from torch_abi_audit.model.loads import Loads
from torch_abi_audit.model.releases import release_runs
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.explain.explanation import Installed
    from torch_abi_audit.model.loads import LoadMatrix, Serving
    from torch_abi_audit.model.reports import PackageReport

_ONE_SYMBOL = ("install a torch that exports it", "or install a torch that exports it")
_UNNAMED = ("Windows loaded", "Windows did not")


def beside(answer: Explanation, report: PackageReport, installed: Installed | None) -> Explanation:
    """Add the torch releases the package loads on, and what it lacks on the installed torch.

    For a failed wheel repair, add the command that repairs the package's wheel instead; for a
    library that the package contains, say why it is not found; for an error about GPUs, also say
    which of its libraries have code for the GPU.

    Raises:
        IndexFileError: the export index is missing or damaged.
    """
    if answer.device is None:
        return _beside(answer, report, installed)
    from torch_abi_audit.explain.devices.package import beside_gpu  # only for these errors

    # who runs a kernel was loaded: what torch lacks of it is told, and is not the cause
    loads = _beside(answer, report, installed)
    matrix = compat(report)
    return beside_gpu(
        replace(answer, pair=loads.pair, unknown=loads.unknown),
        report,
        answer.device,
        tuple(_served_releases(matrix)) if matrix.uses_torch else None,
        installed,
    )


def _beside(answer: Explanation, report: PackageReport, installed: Installed | None) -> Explanation:
    """Add what is asked of the package, but for its code for GPUs."""
    if answer.repairs is not None:
        return _with_command(answer, report, answer.repairs)
    unread = [one.name for one in report.libraries if one.error is not None]
    if unread:
        unknown = f"what {', '.join(unread)} needs: the file could not be read"
        answer = replace(answer, unknown=(*answer.unknown, unknown))
    if (found := contained(answer, report)) is not None:
        return found
    matrix = compat(report)
    name = report.name if report.version is None else f"{report.name} {report.version}"
    if not matrix.uses_torch:
        return replace(answer, pair=(*answer.pair, f"{name} imports no symbol of torch"))
    answer = _with_releases(answer, name, matrix)
    required = {one for lib in report.libraries if lib.torch for one in lib.torch.required}
    if answer.symbol is not None and answer.symbol.encode() not in required:
        unknown = f"which library needs the symbol: none in {name} imports it from torch"
        answer = replace(answer, unknown=(*answer.unknown, unknown))
    if unlinked := _unlinked(answer, matrix, installed):
        return _not_linked(answer, *unlinked)
    if installed is None:
        return answer
    if installed.release not in matrix.loads_on:
        unknown = f"whether it loads on torch {installed.release}, which is not in the index"
        return replace(answer, unknown=(*answer.unknown, unknown))
    return _on(installed, answer, report, matrix)


def _with_releases(answer: Explanation, name: str, matrix: LoadMatrix) -> Explanation:
    """Add the releases that export all symbols of the package."""
    served = _served_releases(matrix)
    said = f"torch {release_runs(served, matrix.releases)}" if served else "no known torch release"
    # one symbol's releases are not the package's
    advice = tuple(one for one in answer.advice if served or not one.startswith(_ONE_SYMBOL))
    pair = (*answer.pair, f"{name} finds all its symbols in {said}")
    return replace(answer, pair=pair, advice=in_order(advice))


def _served_releases(matrix: LoadMatrix) -> list[str]:
    refused = (Loads.NO, Loads.UNKNOWN)
    return [one for one, state in matrix.loads_on.items() if state not in refused]


def _not_linked(answer: Explanation, file: str, library: str) -> Explanation:
    reason = (
        f"{file} imports the symbol, but nothing that it is linked to brings in {library}, so "
        "the loader does not find it, before or after `import torch`"
    )
    return replace(
        answer,
        causes=(Cause.NOT_LINKED,),
        why=(reason,),
        advice=(f"link {file} with {link_option(library)}",),
    )


def _on(
    installed: Installed, answer: Explanation, report: PackageReport, matrix: LoadMatrix
) -> Explanation:
    """Add what the package lacks on the installed torch, or that it lacks nothing."""
    release = installed.release
    state = matrix.loads_on[release]
    lacking = [
        (one.path.name, one.missing_on(release))
        for one in matrix.used_on(release)
        if state is Loads.NO or not one.is_alternative
    ]
    gone = [(file, names) for file, names in lacking if names]
    serving = matrix.serving.get(release, ())
    used = [f"used with torch {release}: {_served(one)}" for one in serving]
    why = []
    for file, names in gone[:3]:
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        why.append(f"{file} needs {names[0]}{more}, missing in torch {release}")
    answer = replace(
        answer,
        pair=(*answer.pair, _verdict(state, answer, installed), *used),
        why=(*answer.why, *why),
    )
    if not gone or state is not Loads.NO:
        return answer
    causes = (Cause.OTHER_TORCH, *(one for one in answer.causes if one is not Cause.OTHER_TORCH))
    unknown = answer.unknown
    if answer.is_a and answer.is_a[0].startswith(_UNNAMED):
        causes = (Cause.OTHER_TORCH,)
        unknown = tuple(one for one in unknown if "Windows does not say" not in one)
    advice = answer.advice
    if served := _served_releases(matrix):
        build = f"a build of {report.name} for torch {release}"
        others = (one for one in advice if not one.startswith(_ONE_SYMBOL))
        advice = (f"install torch=={served[-1]}, or {build}", *others)
    return replace(answer, causes=causes, unknown=unknown, advice=advice)


def _verdict(state: Loads, answer: Explanation, installed: Installed) -> str:
    """Whether the package loads on the installed torch, as far as the index tells.

    It does not if it lacks the symbol of the error: one that this build of torch does not export,
    or that is not torch's at all.
    """
    release = installed.release
    if state is Loads.NO or answer.symbol is None or answer.kind != "error":
        return f"loads on torch {release}: {state}"
    if answer.history is None or not answer.history.releases:
        return (
            f"torch {release} exports all that it needs of torch, but not "
            f"{answer.demangled or answer.symbol}, which is not torch's"
        )
    has = exports(answer.history, installed)
    if has in (Has.DEVICE, Has.STRING):
        return f"torch {release} as published on PyPI has its symbols; the installed torch {has}"
    return f"loads on torch {release}: {state}"


def _unlinked(
    answer: Explanation, matrix: LoadMatrix, installed: Installed | None
) -> tuple[str, str] | None:
    """The file that imports the symbol without a link, and the library of torch that exports it."""
    for one in matrix.libraries:
        for missing in one.missing:
            if answer.symbol is not None and missing.name == answer.symbol.encode():
                exporters = missing.unlinked
                if installed is not None and installed.release in matrix.loads_on:
                    library = exporters.get(installed.release)
                else:
                    library = [*exporters.values()][-1] if exporters else None
                if library is not None:
                    return one.path.name, library
    return None


def _served(one: Serving) -> str:
    """The variant and flavour that a package uses, and its files."""
    variant = f"the variant for torch {one.variant}" if one.variant else ""
    flavour = f"the flavour {one.flavour}" if one.flavour else ""
    files = ", ".join(one.files)
    named = ", ".join(filter(None, (variant, flavour)))
    return f"{named} ({files})" if named else files


def _with_command(answer: Explanation, report: PackageReport, system: str) -> Explanation:
    from torch_abi_audit.repair.plan import plan  # only for this question

    found = plan(report)
    repair = next((one for one in found.repairs if one.system == system), None)
    if repair is None:
        nothing = f"what to exclude: {report.name} has no library for this system that was read"
        return replace(answer, unknown=(nothing, *found.notes))
    return replace(
        answer,
        advice=(
            f"repair it with {repair.tool} {repair.since} or later: {repair.command}",
            *(f"check: {one}" for one in repair.checks),
        ),
        unknown=found.notes,
    )
