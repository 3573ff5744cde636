"""``--fix``: shows, or with ``--write`` makes, the change to the project's requirement on torch."""

from __future__ import annotations

import os
from difflib import unified_diff

from torch_abi_audit.commands import FAILED, OK
from torch_abi_audit.commands.shared.terminal import complain, say
from torch_abi_audit.fix.project import dynamic_files, fixed, name_of
from torch_abi_audit.fix.requirements import judged, proposal
from torch_abi_audit.knowledge.names.distribution import canonical
from torch_abi_audit.model.errors import SettingsError
from torch_abi_audit.settings.toml_lines import line_of
from torch_abi_audit.sources.files import project

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from torch_abi_audit.commands.shared.options import Syntax
    from torch_abi_audit.fix.project import Fixed
    from torch_abi_audit.model.reports import PackageReport
    from torch_abi_audit.model.torch_fit import TorchFit
    from torch_abi_audit.sources.files.project import ProjectFile

_APART = (
    *("env", "site_packages", "loads_on", "torch", "json", "format", "output", "step_summary"),
    *("check", "select", "ignore", "fail_on", "baseline", "write_baseline", "exit_zero"),
)
"""The options that ask for a report or a gate: ``--fix`` prints a patch, and nothing else."""


def refuse_reports(syntax: Syntax, options: argparse.Namespace) -> None:
    """Exit with a usage error where ``--fix`` is given with what asks for a report or a gate."""
    from torch_abi_audit.commands.shared.options import OPTIONS
    from torch_abi_audit.commands.shared.parsing import fail

    if options.write and not options.fix:
        fail(syntax, "--write applies only to --fix")
    for name in _APART if options.fix else ():
        if getattr(options, name, None):
            fail(syntax, f"--fix prints a patch: {OPTIONS[name].flags[0]} cannot be used with it")


def fix(packages: Sequence[PackageReport], *, write: bool, quiet: bool) -> int:
    """Show or make the change, and return the exit code.

    That is 1 while something is left to change: a patch that was only shown, as ``ruff --diff``
    does, or a requirement that has to be changed by hand.

    Raises:
        SettingsError: the targets are not the project's, or its file cannot be read or written.
    """
    file = _project(packages)
    fits = [one.torch_fit for one in packages if one.torch_fit is not None]
    if not fits:
        raise SettingsError("nothing is known of the torch releases that the targets need")
    result = fixed(file.text, file.shown, fits)
    open_points = [*_in_file(file, result), *_elsewhere(file, result, fits)]
    if result.changes and write:
        project.replace(file, result.text)
    elif result.changes:
        print(_patch(file, result.text), end="")
    if not quiet:
        for old, new in result.changes if write else ():
            say(f"{file.shown}: " + (f"{old!r} is now {new!r}" if old else f"added {new!r}"))
        if not result.changes and not open_points:
            say(f"{file.shown}: nothing to do: the requirement on torch fits the binaries")
    for point in open_points:
        complain(point)
    return FAILED if open_points or (result.changes and not write) else OK


def _project(packages: Sequence[PackageReport]) -> ProjectFile:
    """The nearest ``pyproject.toml`` of the project that the targets are distributions of."""
    for one in packages:
        if one.error is not None:
            raise SettingsError(one.error)
        for library in one.libraries:
            if library.error is not None:
                raise SettingsError(
                    f"{library.path_text}: what it needs is not known: {library.error}"
                )
        if one.distribution is None:
            raise SettingsError(
                f"{one.name} has no metadata, so it is not known what it requires: give a wheel or "
                "an installed distribution of the project"
            )
    wanted = {canonical(one.distribution) for one in packages if one.distribution is not None}
    found = []
    for file in project.manifests():
        name = name_of(file.text, file.shown)
        if name is not None:
            if wanted == {canonical(name)}:
                return file
            found.append(f"{file.shown} is the project {name!r}")
    targets = " and ".join(sorted(wanted))
    if not found:
        raise SettingsError(
            "no pyproject.toml with a name in this directory or above it: run --fix in the "
            f"project of {targets}"
        )
    raise SettingsError(f"{found[0]}, but the targets are distributions of {targets}")


def _in_file(file: ProjectFile, result: Fixed) -> Iterator[str]:
    for one in result.by_hand:
        if not one.elsewhere:
            yield f"{file.shown}:{line_of(file.text, one.path)}: {one.text}: {one.why}"


def _elsewhere(file: ProjectFile, result: Fixed, fits: Sequence[TorchFit]) -> Iterator[str]:
    """What to change in the other files, if ``pyproject.toml`` leaves the requirements to them."""
    if not any(one.elsewhere for one in result.by_hand):
        return
    directory = os.path.dirname(os.path.abspath(file.path))
    mentions = project.mentions(directory, dynamic_files(file.text, file.shown))
    for one in mentions:
        found = judged([one.requirement], fits)
        for new in found.new.values():
            yield f"{one.path}:{one.line}: {one.requirement!r} should be {new!r}"
        for why in found.by_hand.values():
            yield f"{one.path}:{one.line}: {one.requirement!r} needs a decision: {why}"
    wanted = proposal(fits)
    if not mentions and wanted is not None:
        yield (
            f"{file.shown} leaves the dependencies to another file, and none of the usual ones "
            f"requires torch: add {wanted!r} where they are declared"
        )


def _patch(file: ProjectFile, text: str) -> str:
    """The unified diff; ``patch -p0`` applies it in the current directory."""
    before, after = (one.splitlines(keepends=True) for one in (file.text, text))
    lines = unified_diff(before, after, file.shown, file.shown)
    end = "\n\\ No newline at end of file\n"
    return "".join(line if line.endswith("\n") else line + end for line in lines)
