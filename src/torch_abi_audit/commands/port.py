"""``torch-abi-audit port TARGET…``: plans the migration to the LibTorch Stable ABI."""

from __future__ import annotations

from torch_abi_audit.commands import ERROR, OK
from torch_abi_audit.commands.shared.options import DOCUMENT, INSPECTED, WHEELS, Syntax

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator

    from torch_abi_audit.model.reports import PackageReport
    from torch_abi_audit.port.migration import Plan
    from torch_abi_audit.sources.files.build_tree import BuildFile

_OLDEST = "2.10"
"""The default for ``--torch``: the release that introduced ``TORCH_TARGET_VERSION``."""


def syntax() -> Syntax:
    """The options and help of the verb."""
    return Syntax(
        verb="port",
        description="Plan the migration to the LibTorch Stable ABI: the replacement for each "
        "unstable API\nthat a package uses, the cost of each change, and the progress so far.",
        epilog="exit codes: 0 success, 2 operational error",
        options=(
            *(*INSPECTED, "torch", "target", "since", "wrappers", *WHEELS),
            *("json", "markdown", *DOCUMENT, "color", "verbose", "quiet", "no_progress"),
        ),
        words={"torch": "the oldest torch release to support (default: 2.10)"},
    )


def run(words: list[str]) -> int:
    """Run the verb with the arguments ``words`` and return the exit code."""
    from torch_abi_audit.commands.shared.parsing import fail, parse

    options = parse(syntax(), words)
    from torch_abi_audit.commands.shared import modes, output
    from torch_abi_audit.commands.shared.terminal import complain
    from torch_abi_audit.commands.shared.torch_choice import oldest
    from torch_abi_audit.model.errors import AuditError, TargetError
    from torch_abi_audit.model.verdicts import TorchLabel

    modes.refuse_mixed(syntax(), options)
    try:
        options.torch = oldest(options.torch or _OLDEST)
    except TargetError as error:
        fail(syntax(), str(error))
    try:
        chosen = output.destinations("port", options)
        plans = list(_plans(options))
    except AuditError as error:
        complain(str(error))
        return ERROR
    failed = len(plans) < max(1, len(options.targets))
    if options.since:
        try:
            plans = [_compared(one, options.since) for one in plans]
        except (AuditError, OSError) as error:
            complain(f"--since {options.since}: {error}")
            return ERROR
    written = output.write("port", plans, chosen, options)
    if options.wrappers:
        from torch_abi_audit.commands.shared.wrappers import write_wrappers

        written &= write_wrappers(options.wrappers, plans, options.torch, quiet=options.quiet)
    unread = any(one.verdict is TorchLabel.ERROR for one in plans)
    return ERROR if failed or not written or unread else OK


def _plans(options: argparse.Namespace) -> Iterator[Plan]:
    """Yield a plan for each target in order: for its object files if it has any, else libraries."""
    from torch_abi_audit.commands.shared.targets import audited, load, search
    from torch_abi_audit.sources.files.build_tree import build_files

    looking = search(options, options.targets)
    if not options.targets:
        packages = load(options, looking).packages
        users = (one for one in packages if one.uses_torch or one.torch_verdict == "error")
        yield from _of_packages(users, options.torch)
    plain: list[str] = []
    for target in options.targets:
        files = build_files(target)
        if files:
            yield from _of_packages(audited(plain, looking), options.torch)
            plain = []
            yield _of_objects(target, files, options.torch, bar=looking.bar)
        else:
            plain.append(target)
    yield from _of_packages(audited(plain, looking), options.torch)


def _of_packages(packages: Iterable[PackageReport], torch: str) -> Iterator[Plan]:
    from torch_abi_audit.commands.shared.terminal import complain
    from torch_abi_audit.port.plan import plan, units_of

    for one in packages:
        if one.error is not None:
            complain(one.error)
        else:
            yield plan(one.name, str(one.root), units_of(one), target=torch, notes=one.notes)


def _of_objects(target: str, files: tuple[BuildFile, ...], torch: str, *, bar: bool) -> Plan:
    from pathlib import Path

    from torch_abi_audit.commands.shared.progress import activity
    from torch_abi_audit.port.plan import plan
    from torch_abi_audit.port.translation_units import units

    with activity(enabled=bar) as shown:
        if shown is not None:
            shown.expect(len(files))
        found, notes = units(files, None if shown is None else shown.step)
    root = str(Path(target).resolve())
    return plan(target, root, found, target=torch, objects=True, notes=notes)


def _compared(one: Plan, path: str) -> Plan:
    from pathlib import Path

    from torch_abi_audit.port.since import saved, since
    from torch_abi_audit.runtime.records import replace

    return replace(one, since=since(one, saved(Path(path).read_bytes(), one.name)))
