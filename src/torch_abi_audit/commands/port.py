"""``torch-abi-audit port TARGET…``: the way from the unstable API to the stable one."""

from __future__ import annotations

import argparse

from torch_abi_audit.commands import ERROR, OK
from torch_abi_audit.commands.shared.options import add_target_options, refuse_mixed_modes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.port.migration import Plan
    from torch_abi_audit.sources.files.build_tree import BuildFile


def run(words: list[str]) -> int:
    """Plan the migration of what ``words`` name and return the exit code."""
    made = parser()
    options = made.parse_args(words)
    refuse_mixed_modes(parser, options)
    from torch_abi_audit.commands.shared.terminal import complain
    from torch_abi_audit.model.errors import TargetError

    try:
        options.target = _release(options.target)
    except ValueError:
        made.error(f"--target {options.target}: not a torch release such as 2.10")
    try:
        plans = list(_plans(options))
    except TargetError as error:
        complain(str(error))
        return ERROR
    failed = len(plans) < max(1, len(options.targets))
    if options.since:
        from torch_abi_audit.model.errors import AuditError

        try:
            plans = [_compared(one, options.since) for one in plans]
        except (AuditError, OSError) as error:
            complain(f"--since {options.since}: {error}")
            return ERROR
    _show(plans, options)
    return ERROR if failed or any(one.verdict == "ERROR" for one in plans) else OK


def parser() -> argparse.ArgumentParser:
    """The verb's options."""
    made = argparse.ArgumentParser(
        prog="torch-abi-audit port",
        description="Say what stands in the LibTorch Stable ABI for each unstable API that is "
        "used, what is cheap to replace, and how far a package is.",
        epilog="exit codes: 0 planned, 2 operational error",
        allow_abbrev=False,
    )
    add_target_options(made)
    made.add_argument(
        "--target",
        metavar="RELEASE",
        default="2.10",
        help="the oldest torch release that the package is to run on (default: 2.10)",
    )
    made.add_argument(
        "--since", metavar="REPORT.json", help="say what went away since a report saved as JSON"
    )
    form = made.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument("--markdown", action="store_true", help="print Markdown")
    made.add_argument(
        "-v", "--verbose", action="store_true", help="list every symbol and where it is used"
    )
    return made


def _release(text: str) -> str:
    """``2.10`` as ``2.10.0``."""
    from torch_abi_audit.model.releases import release_key

    parts = text.removeprefix("torch").lstrip("=").split(".")
    release_key(".".join(parts))
    if not 2 <= len(parts) <= 3:
        raise ValueError(text)
    return ".".join(parts + ["0"] * (3 - len(parts)))


def _plans(options: argparse.Namespace) -> Iterator[Plan]:
    """A plan for each target in order: object files where it names any, else libraries."""
    from torch_abi_audit.sources.files.build_tree import build_files

    plain: list[str] = []
    for target in options.targets:
        files = build_files(target)
        if files:
            yield from _of_libraries(options, plain)
            plain = []
            yield _of_objects(target, files, options)
        else:
            plain.append(target)
    if plain or not options.targets:
        yield from _of_libraries(options, plain)


def _of_libraries(options: argparse.Namespace, targets: list[str]) -> Iterator[Plan]:
    from torch_abi_audit.commands.shared.targets import load
    from torch_abi_audit.commands.shared.terminal import complain
    from torch_abi_audit.port.plan import plan, units_of

    if options.targets and not targets:
        return
    chosen = argparse.Namespace(**{**vars(options), "targets": targets})
    for one in load(chosen).packages:
        if one.error is not None:
            complain(one.error)
        elif targets or one.uses_torch or one.torch_verdict == "error":
            root = str(one.root)
            yield plan(one.name, root, units_of(one), target=options.target, notes=one.notes)


def _of_objects(target: str, files: tuple[BuildFile, ...], options: argparse.Namespace) -> Plan:
    from pathlib import Path

    from torch_abi_audit.commands.shared.progress import activity
    from torch_abi_audit.port.plan import plan
    from torch_abi_audit.port.translation_units import units

    with activity(enabled=not options.no_progress) as bar:
        if bar is not None:
            bar.expect(len(files))
        found, notes = units(files, None if bar is None else bar.step)
    root = str(Path(target).resolve())
    return plan(target, root, found, target=options.target, objects=True, notes=notes)


def _compared(one: Plan, path: str) -> Plan:
    from pathlib import Path

    from torch_abi_audit.port.since import saved, since
    from torch_abi_audit.runtime.records import replace

    return replace(one, since=since(one, saved(Path(path).read_bytes(), one.name)))


def _show(plans: list[Plan], options: argparse.Namespace) -> None:
    if options.json:
        from torch_abi_audit.report.port.json import format_port_json

        print(format_port_json(plans))
    elif options.markdown:
        from torch_abi_audit.report.port.markdown import format_port_markdown

        print("\n\n".join(map(format_port_markdown, plans)))
    elif plans:
        from torch_abi_audit.commands.shared.terminal import style
        from torch_abi_audit.report.port.text import format_port

        shown = [format_port(one, verbose=options.verbose, style=style()) for one in plans]
        print("\n\n".join(shown))
