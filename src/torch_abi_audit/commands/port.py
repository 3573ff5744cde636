"""``torch-abi-audit port TARGET…``: plans the migration to the LibTorch Stable ABI."""

from __future__ import annotations

from torch_abi_audit.commands import ERROR, OK
from torch_abi_audit.commands.shared.options import DOCUMENT, INSPECTED, WHEELS, Syntax

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence

    from torch_abi_audit.commands.shared.source_plans import Sources
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
        "unstable API\nthat a package or its sources use, the cost of each change, and the "
        "progress so far.",
        epilog="exit codes: 0 success, 2 operational error",
        options=(
            *(*INSPECTED, "torch", "target", "since", "wrappers"),
            *("source", "changes", "write_changes", *WHEELS),
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

    _refuse_unfit(options)
    if options.source is None or options.targets:
        modes.refuse_mixed(syntax(), options)
    try:
        options.torch = oldest(options.torch or _OLDEST)
    except TargetError as error:
        fail(syntax(), str(error))
    try:
        chosen = output.destinations("port", options)
        sources, plans = _answers(options)
    except AuditError as error:
        complain(str(error))
        return ERROR
    plans = [_with_target(one) for one in plans]
    failed = len(plans) < max(1, len(options.targets))
    if options.changes or options.write_changes:
        return ERROR if failed or not _changed(sources, options) else OK
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


def _refuse_unfit(options: argparse.Namespace) -> None:
    """Exit with a usage error where options contradict each other."""
    from torch_abi_audit.commands.shared.options import OPTIONS
    from torch_abi_audit.commands.shared.parsing import fail

    for name in ("env", "site_packages"):
        if options.source is not None and getattr(options, name):
            fail(syntax(), f"--source and {OPTIONS[name].flags[0]} cannot be used together")
    if options.source is not None and len(options.targets) > 1:
        fail(syntax(), "--source takes one TARGET beside it: the binary of the same sources")
    asked = next((name for name in ("changes", "write_changes") if getattr(options, name)), None)
    if asked is None:
        return
    flag = OPTIONS[asked].flags[0]
    if options.source is None and not options.targets:
        fail(syntax(), f"{flag} needs --source PATH")
    for name in ("since", "wrappers", "json", "markdown", "format", "output"):
        if getattr(options, name):
            other = OPTIONS[name].flags[0]
            fail(syntax(), f"{flag} prints no plan: {other} cannot be used with it")


def _changed(sources: Sequence[Sources], options: argparse.Namespace) -> bool:
    """Show or make the mechanical changes; report an error and return False if that fails."""
    from torch_abi_audit.commands.shared.source_plans import change
    from torch_abi_audit.commands.shared.terminal import complain

    if not sources:
        complain("only sources can be changed, and none were given: add --source PATH")
        return False
    return change(sources, write=options.write_changes, quiet=options.quiet)


def _answers(options: argparse.Namespace) -> tuple[list[Sources], list[Plan]]:
    """The sources that were read, and the plan for each target, or for the sources alone."""
    sources: list[Sources] = []
    if options.source is None:
        return sources, list(_plans(options, sources))
    from torch_abi_audit.commands.shared.source_plans import read_sources
    from torch_abi_audit.commands.shared.targets import wants_bar
    from torch_abi_audit.model.errors import TargetError
    from torch_abi_audit.port.source.joined import joined

    given = read_sources(options.source, options.torch, bar=wants_bar(options))
    if not options.targets or options.changes or options.write_changes:
        return [given], [given.plan()]
    plans = list(_plans(options, sources))
    if sources:
        raise TargetError(f"{options.targets[0]} holds sources as well: give it with --source")
    return [given], [joined(one, given.view) for one in plans]


def _plans(options: argparse.Namespace, sources: list[Sources]) -> Iterator[Plan]:
    """Yield a plan for each target in order: of its object files, or libraries, or sources.

    Sources are added to ``sources``.
    """
    from torch_abi_audit.commands.shared.targets import audited, load, search
    from torch_abi_audit.commands.shared.terminal import complain
    from torch_abi_audit.port.plan import is_torch_itself
    from torch_abi_audit.sources.files.build_tree import build_files
    from torch_abi_audit.sources.files.source_tree import is_source_file

    looking = search(options, options.targets)
    if not options.targets:
        packages = load(options, looking).packages
        users = [
            one
            for one in packages
            if (one.uses_torch or one.torch_verdict == "error") and not is_torch_itself(one)
        ]
        if not users:
            complain("no package there uses torch, torch itself aside: there is nothing to port")
        yield from _of_packages(users, options.torch)
    plain: list[str] = []
    for target in options.targets:
        files = build_files(target)
        if not files and not is_source_file(target):
            plain.append(target)
            continue
        yield from _of_targets(audited(plain, looking), options, sources)
        plain = []
        if files:
            yield _of_objects(target, files, options.torch, bar=looking.bar)
        else:
            yield _of_sources(target, options, sources)
    yield from _of_targets(audited(plain, looking), options, sources)


def _of_packages(packages: Iterable[PackageReport], torch: str) -> Iterator[Plan]:
    from torch_abi_audit.commands.shared.terminal import complain
    from torch_abi_audit.port.call_sites import with_sites
    from torch_abi_audit.port.plan import plan, units_of

    for one in packages:
        if one.error is not None:
            complain(one.error)
        else:
            units = with_sites(units_of(one), one)
            yield plan(one.name, str(one.root), units, target=torch, notes=one.notes)


def _of_targets(
    packages: Iterable[PackageReport], options: argparse.Namespace, sources: list[Sources]
) -> Iterator[Plan]:
    """Yield a plan for each package; a path without libraries is read as sources, or an error."""
    from torch_abi_audit.commands.shared.terminal import complain
    from torch_abi_audit.port.plan import is_torch_itself
    from torch_abi_audit.sources.files.source_tree import Contents, contents

    for one in packages:
        held = Contents.OTHER
        if one.error is None and not one.libraries and one.distribution is None:
            held = contents(one.root_text)
        if is_torch_itself(one):
            complain(
                f"{one.root_text} is torch itself, and there is nothing to port: give an extension "
                "that is built against it"
            )
        elif held is Contents.SOURCES:
            yield _of_sources(one.root_text, options, sources)
        elif held is Contents.NEITHER:
            complain(
                f"{one.root_text} holds neither a compiled library nor a C++ or CUDA source: give "
                "a package, a library, a build directory, or sources with --source"
            )
        elif held is Contents.ARCHIVE:
            complain(
                f"{one.root_text} holds no compiled library, and sources in an archive are not "
                "read: unpack it, and give its directory with --source"
            )
        else:
            yield from _of_packages((one,), options.torch)


def _of_sources(target: str, options: argparse.Namespace, sources: list[Sources]) -> Plan:
    from torch_abi_audit.commands.shared.source_plans import read_sources
    from torch_abi_audit.commands.shared.targets import wants_bar

    sources.append(read_sources((target,), options.torch, bar=wants_bar(options)))
    return sources[-1].plan()


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


def _with_target(one: Plan) -> Plan:
    """A plan with a note on its target, if that is newer than every known release."""
    from torch_abi_audit.port.compile_options import unknown_target
    from torch_abi_audit.runtime.records import replace

    note = unknown_target(one.target)
    return one if note is None else replace(one, notes=(note, *one.notes))


def _compared(one: Plan, path: str) -> Plan:
    from pathlib import Path

    from torch_abi_audit.port.since import saved, since
    from torch_abi_audit.runtime.records import replace

    return replace(one, since=since(one, saved(Path(path).read_bytes(), one.name)))
