"""Extends an explanation with facts about the failing package (``--with``). Pure."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause, Explanation
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

_UNNAMED = ("Windows loaded", "Windows did not")


def beside(answer: Explanation, report: PackageReport, installed: Installed | None) -> Explanation:
    """Add the torch releases the package loads on, and what it lacks on the installed torch.

    For a failed wheel repair, add the command that repairs the package's wheel instead.

    Raises:
        IndexFileError: the export index is missing or damaged.
    """
    if answer.repairs is not None:
        return _with_command(answer, report, answer.repairs)
    name = report.name if report.version is None else f"{report.name} {report.version}"
    unread = [one.path.name for one in report.libraries if one.error is not None]
    unknown = list(answer.unknown)
    if unread:
        unknown.append(f"what {', '.join(unread)} needs: the file could not be read")
    matrix = compat(report)
    if not matrix.uses_torch:
        nothing = (*answer.pair, f"{name} imports no symbol of torch")
        return replace(answer, pair=nothing, unknown=tuple(unknown))
    served = [
        one
        for one, state in matrix.loads_on.items()
        if state is not Loads.NO and state is not Loads.UNKNOWN
    ]
    pair = [
        *answer.pair,
        f"{name} finds all its symbols in "
        + (
            f"torch {release_runs(served, matrix.releases)}" if served else "no known torch release"
        ),
    ]
    advice, causes, why = list(answer.advice), list(answer.causes), list(answer.why)
    required = {one for lib in report.libraries if lib.torch for one in lib.torch.required}
    if answer.symbol is not None and answer.symbol.encode() not in required:
        unknown.append(f"which library needs the symbol: none in {name} imports it from torch")
    unlinked = _unlinked(answer, matrix, installed)
    if unlinked:
        file, library = unlinked
        reason = (
            f"{file} imports the symbol, but nothing that it is linked to brings in {library}, so "
            "the loader does not find it, before or after `import torch`"
        )
        return replace(
            answer,
            causes=(Cause.NOT_LINKED,),
            why=(reason,),
            advice=(f"link {file} with {link_option(library)}",),
            pair=tuple(pair),
            unknown=tuple(unknown),
        )
    if installed is not None and installed.release in matrix.loads_on:
        state = matrix.loads_on[installed.release]
        lacking = [
            (one.path.name, one.missing_on(installed.release))
            for one in matrix.used_on(installed.release)
            if state is Loads.NO or not one.is_alternative
        ]
        gone = [(file, names) for file, names in lacking if names]
        pair.append(f"loads on torch {installed.release}: {state}")
        serving = matrix.serving.get(installed.release, ())
        pair += [f"used with torch {installed.release}: {_served(one)}" for one in serving]
        for file, names in gone[:3]:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            why.append(f"{file} needs {names[0]}{more}, missing in torch {installed.release}")
        if gone and state is Loads.NO:
            causes = [Cause.OTHER_TORCH, *(one for one in causes if one is not Cause.OTHER_TORCH)]
            if answer.is_a and answer.is_a[0].startswith(_UNNAMED):
                causes = [Cause.OTHER_TORCH]
                unknown = [one for one in unknown if "Windows does not say" not in one]
            if served:
                advice.insert(
                    0,
                    f"install torch=={served[-1]}, or a build of {report.name} for "
                    f"torch {installed.release}",
                )
    elif installed is not None:
        unknown.append(f"whether it loads on torch {installed.release}, which is not in the index")
    return replace(
        answer,
        causes=tuple(causes),
        why=tuple(why),
        advice=tuple(advice),
        pair=tuple(pair),
        unknown=tuple(unknown),
    )


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
