"""``torch-abi-audit compat TARGET…``: lists the torch releases that libraries load on."""

from __future__ import annotations

from torch_abi_audit.commands import EMPTY, ERROR, FAILED, OK
from torch_abi_audit.commands.shared.options import DOCUMENT, INSPECTED, WHEELS, Syntax

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from torch_abi_audit.commands.shared.targets import Loaded
    from torch_abi_audit.commands.shared.torch_choice import Asked
    from torch_abi_audit.model.reports import PackageReport
    from torch_abi_audit.report.loads.answers import Answers

_EPILOG = """\
exit codes:
  0  success; with --check, every package loads on every requested release
  1  --check was given, and a package does not load, or is not known to load, on a requested release
  2  operational error: unknown name, unreadable path, damaged library, wrong usage
  3  --check was given, but no target contains a compiled library
"""


def syntax() -> Syntax:
    """The options and help of the verb."""
    return Syntax(
        verb="compat",
        description="List the torch releases that compiled libraries load on, by comparing the "
        "symbols they\nneed with those that torch's libraries export. Audited code is never "
        "imported or executed.",
        epilog=_EPILOG,
        options=(
            *(*INSPECTED, "torch", *WHEELS),
            *("json", "markdown", *DOCUMENT, "color", "all", "verbose", "quiet", "no_progress"),
            "gate",
        ),
        words={
            "torch": "only these releases ('>=2.10,<2.13'), or only this torch: the path of an "
            "installed torch directory or of a torch wheel",
            "gate": "exit with 1 unless every package loads on every requested release",
        },
    )


def run(words: list[str]) -> int:
    """Run the verb with the arguments ``words`` and return the exit code."""
    from torch_abi_audit.commands.shared.parsing import parse

    options = parse(syntax(), words)
    from torch_abi_audit.commands.shared import modes, output, targets
    from torch_abi_audit.commands.shared.loads import answered
    from torch_abi_audit.commands.shared.terminal import complain
    from torch_abi_audit.commands.shared.torch_choice import asked
    from torch_abi_audit.model.errors import AuditError

    modes.refuse_mixed(syntax(), options)
    try:
        chosen = output.destinations("compat", options)
        question = asked(options.torch)
        loaded = targets.load(options, targets.search(options, options.targets))
        packages = answered(loaded.packages, question, explain="all" if options.verbose else "some")
    except AuditError as error:
        complain(str(error))
        return ERROR
    answers = _shown(packages, loaded, question, options)
    written = output.write("compat", answers, chosen, options)
    for one in answers.packages:
        if one.error is not None:
            complain(one.error)
    broken = options.check and _gate(packages)
    if not written or any(one.torch_verdict == "error" for one in packages):
        return ERROR
    if options.check and not any(one.libraries for one in packages):
        complain("nothing was checked: no target contains a compiled library")
        return EMPTY
    return FAILED if broken else OK


def _shown(
    packages: tuple[PackageReport, ...],
    loaded: Loaded,
    question: Asked,
    options: argparse.Namespace,
) -> Answers:
    """The packages to report; for an environment without ``--all``, only those that use torch."""
    from torch_abi_audit.report.loads.answers import Answers

    if loaded.directory is not None and not options.all:
        packages = tuple(
            one for one in packages if one.error or (one.loads and one.loads.uses_torch)
        )
    return Answers(packages, loaded.directory, question.given)


def _gate(packages: Iterable[PackageReport]) -> bool:
    from torch_abi_audit.commands.shared.terminal import announce_failures
    from torch_abi_audit.model.loads import Loads
    from torch_abi_audit.model.releases import release_runs
    from torch_abi_audit.report.loads.summary import loads_on

    broken = []
    for package in packages:
        matrix = package.loads
        if matrix is None:
            continue
        for state, words in (
            (Loads.NO, "does not load on"),
            (Loads.UNKNOWN, "is not known to load on"),
        ):
            releases = [
                one
                for one, each in matrix.loads_on.items()
                if each is state and not (state is Loads.UNKNOWN and _promised(package, one))
            ]
            if releases:
                runs = release_runs(releases, matrix.releases)
                broken.append(
                    f"{package.name}: {words} torch {runs} (loads on: {loads_on(matrix)})"
                )
    announce_failures(broken)
    return bool(broken)


def _promised(package: PackageReport, release: str) -> bool:
    """Whether the stable ABI guarantees loading on a release that is newer than the index."""
    from torch_abi_audit.model.releases import release_key

    matrix = package.loads
    return (
        matrix is not None
        and matrix.open_upwards
        and matrix.known_to is not None
        and release_key(release) > release_key(matrix.known_to)
    )
