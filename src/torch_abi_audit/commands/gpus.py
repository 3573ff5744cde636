"""``torch-abi-audit gpus TARGET…``: lists the GPUs that the code in compiled libraries runs on."""

from __future__ import annotations

from torch_abi_audit.commands import EMPTY, ERROR, FAILED, OK
from torch_abi_audit.commands.shared.options import DOCUMENT, INSPECTED, WHEELS, Syntax

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence

    from torch_abi_audit.commands.shared.targets import Search
    from torch_abi_audit.gpus.answer import Answer, Survey
    from torch_abi_audit.model.gpus import Gpu
    from torch_abi_audit.sources.files.build_tree import BuildFile

_EPILOG = """\
exit codes:
  0  success; with --check, every package runs on every GPU of --gpu
  1  --check was given, and a package does not run on one of these GPUs, or only part of it does
  2  operational error: unknown GPU or name, unreadable path, code that cannot be read, wrong usage
  3  --check was given, but no target contains code for GPUs
"""


def syntax() -> Syntax:
    """The options and help of the verb."""
    return Syntax(
        verb="gpus",
        description="List the GPUs that compiled libraries run on, by the architectures of the "
        "code that they contain:\nmachine code, and PTX that the driver compiles. Nothing is "
        "executed, and no GPU is needed.",
        epilog=_EPILOG,
        options=(
            *(*INSPECTED, "gpus", *WHEELS),
            *("json", "markdown", *DOCUMENT, "color", "all", "verbose", "quiet", "no_progress"),
            "gate",
        ),
        words={
            "targets": "an import or distribution name, a package directory, a library, an object "
            "file or archive of them, a build directory, a wheel or another archive, a directory "
            "of wheels, or pypi:NAME[==VERSION]",
            "all": "for an environment, also name packages without code for GPUs",
            "verbose": "list all libraries of several packages, and all that lack something",
            "gate": "exit with 1 unless every package runs on every GPU of --gpu, or of the "
            "configuration's require.gpus",
        },
    )


def run(words: list[str]) -> int:
    """Run the verb with the arguments ``words`` and return the exit code."""
    from torch_abi_audit.commands.shared.parsing import fail, parse

    options = parse(syntax(), words)
    from torch_abi_audit.commands.shared import modes, output
    from torch_abi_audit.commands.shared.terminal import complain
    from torch_abi_audit.model.errors import AuditError

    modes.refuse_mixed(syntax(), options)
    try:
        chosen = output.destinations("gpus", options)
        asked = _asked(options.gpus or (_required() if options.check else ()))
        if options.check and not asked:
            fail(
                syntax(),
                "--check needs a GPU to check: --gpu 8.9, --gpu 'RTX 4090' …, or gpus in the table "
                "[tool.torch-abi-audit.require] of the nearest pyproject.toml",
            )
        survey = _survey(options, asked)
    except AuditError as error:
        complain(str(error))
        return ERROR
    written = output.write("gpus", survey, chosen, options)
    unread = _unread(survey.packages)
    for line in unread:
        complain(line)
    broken = options.check and _gate(survey.packages)
    if not written or unread:
        return ERROR
    if options.check and not any(one.libraries for one in survey.packages):
        complain("nothing was checked: no target contains code for GPUs")
        return EMPTY
    return FAILED if broken else OK


def _asked(words: Iterable[str]) -> tuple[Gpu, ...]:
    """The GPUs that words name, each once.

    Raises:
        UnknownGpuError: a word names none.
    """
    from torch_abi_audit.knowledge.gpus import gpu

    return tuple(dict.fromkeys(map(gpu, words)))


def _required() -> tuple[str, ...]:
    """The GPUs that the configuration in force requires.

    Raises:
        SettingsError: the configuration cannot be read.
    """
    from torch_abi_audit.settings.in_force import Given, in_force

    settings = in_force(Given())
    return settings.required.gpus if settings is not None else ()


def _survey(options: argparse.Namespace, asked: Sequence[Gpu]) -> Survey:
    from torch_abi_audit.commands.shared.targets import load, search
    from torch_abi_audit.gpus.answer import Survey
    from torch_abi_audit.gpus.survey import answer
    from torch_abi_audit.judges.interface import Names

    looking = search(options, options.targets)
    if options.targets:
        return Survey(tuple(_answers(options.targets, looking, asked)))
    loaded = load(options, looking, names=Names.COUNTED)
    return Survey(tuple(answer(one, asked) for one in loaded.packages), loaded.directory)


def _answers(targets: Iterable[str], looking: Search, asked: Sequence[Gpu]) -> Iterator[Answer]:
    """Yield the answers for TARGETs in order; those for object files are read one by one."""
    from torch_abi_audit.commands.shared.targets import audited
    from torch_abi_audit.gpus.survey import answer
    from torch_abi_audit.judges.interface import Names
    from torch_abi_audit.runtime.records import replace
    from torch_abi_audit.sources.files.build_tree import build_files, is_directory

    plain: list[str] = []
    for target in targets:
        files = build_files(target, archives=True)
        if not files:
            plain.append(target)
            continue
        # a build directory often holds the finished libraries as well
        beside = [target] if is_directory(target) else []
        for one in audited(plain, looking, names=Names.RAW):
            yield answer(one, asked, has_names=True)
        plain = []
        libraries = [
            answer(one, asked, has_names=True) for one in audited(beside, looking, names=Names.RAW)
        ]
        yield from (one for one in libraries if _tells(one))
        objects = _of_objects(target, files, asked, bar=looking.bar)
        if not any(map(_tells, libraries)):
            yield objects
        elif objects.libraries or objects.unread:
            yield replace(objects, name=f"object files in {target}")
    for one in audited(plain, looking, names=Names.RAW):
        yield answer(one, asked, has_names=True)


def _tells(one: Answer) -> bool:
    """Whether an answer says something, be it that there is no code for GPUs."""
    return bool(one.libraries or one.others or one.unread)


def _of_objects(
    target: str, files: Sequence[BuildFile], asked: Sequence[Gpu], *, bar: bool
) -> Answer:
    import os

    from torch_abi_audit.commands.shared.progress import activity
    from torch_abi_audit.gpus.objects import of_objects

    with activity(enabled=bar) as shown:
        if shown is not None:
            shown.expect(len(files))
        return of_objects(
            target,
            os.path.abspath(target),
            files,
            asked,
            progress=None if shown is None else shown.step,
        )


def _unread(answers: Iterable[Answer]) -> list[str]:
    """What was not found or could not be read, one line each."""
    found = []
    for one in answers:
        if one.error is not None:
            found.append(one.error)
        problems = [
            (each.name, each.code.problem)
            for each in one.libraries
            if each.code.problem is not None
        ]
        for name, why in (*one.unread, *problems):
            where = one.name if one.name == name else f"{one.name}: {name}"
            found.append(f"{where}: {why}")
    return found


def _gate(answers: Iterable[Answer]) -> bool:
    """Whether a package does not run on a GPU; says which, and why."""
    from torch_abi_audit.commands.shared.terminal import announce_failures
    from torch_abi_audit.report.gpus.phrases import failures

    broken = [line for one in answers for line in failures(one)]
    announce_failures(broken)
    return bool(broken)
