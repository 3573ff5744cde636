"""Examines an environment: imports torch in a simulated process, then each package after it."""

from __future__ import annotations

import os

from torch_abi_audit.doctor import imports
from torch_abi_audit.doctor.copies import second_copies
from torch_abi_audit.doctor.diagnosis import Copies, Diagnosis, Examined, Problem, Status
from torch_abi_audit.doctor.engine import started, variables
from torch_abi_audit.doctor.process import Refusal
from torch_abi_audit.doctor.remedy import Place, elsewhere, with_remedy
from torch_abi_audit.doctor.torch_import import dll_directories, find_torch, import_torch
from torch_abi_audit.doctor.unopened import libraries_to_try
from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.runtime.records import replace
from torch_abi_audit.sources.files import lookup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch_abi_audit.doctor.imports import Attempt, Imported
    from torch_abi_audit.doctor.process import Failure, Process
    from torch_abi_audit.doctor.torch_import import TorchFailure
    from torch_abi_audit.doctor.tracing.values import Known
    from torch_abi_audit.explain.explanation import Installed
    from torch_abi_audit.model.reports import PackageReport
    from torch_abi_audit.sources.installed.python import Python


class Examination:
    """An environment in which torch has been imported."""

    def __init__(
        self,
        python: Python,
        environ: Mapping[str, str],
        installed: Installed | None,
    ) -> None:
        """Import torch.

        Args:
            python: The interpreter and its directories.
            environ: The variables of the environment.
            installed: The installed torch.

        Raises:
            TargetError: torch is not installed, or there is no simulation for the system.
        """
        torch = find_torch(python, installed.cuda if installed else None)
        if torch is None:
            raise TargetError(f"torch is not installed in {', '.join(python.sites) or 'any path'}")
        self.python, self.environ, self.torch = python, environ, torch
        self._installed = installed
        self._modules = imports.Modules(python)
        self._known: Mapping[str, Known] = imports.constants(python, torch.directory)
        self._process, failed = self._begun()
        self._failure = None if failed is None else failed.failure
        self.place = Place(python, torch, installed, environ)
        self.imported = self._torch(failed)
        self.copies: list[Copies] = []

    def _begun(self) -> tuple[Process, TorchFailure | None]:
        """A process that has imported torch, and why that failed."""
        python, torch = self.python, self.torch
        added: tuple[str, ...] = ()
        if python.system == "win32":
            added = dll_directories(torch, python, self.environ)
        process = started(python.system, python.executable, self.environ, added)
        self._known_before = len(process.unknown)
        return process, import_torch(torch, python, process, self.environ)

    def _torch(self, failed: TorchFailure | None) -> Examined:
        problem = None
        if failed is not None:
            one = failed.failure
            problem = Problem(one.text, one, library=one.file, raises=failed.raises)
            problem = with_remedy(problem, self.place)
        unknown = tuple(self._process.unknown)[self._known_before :]
        status = Status.FAILS if failed is not None else Status.LOADS
        return Examined(
            "torch",
            Status.UNKNOWN if status is Status.LOADS and unknown else status,
            "torch",
            self._installed.version if self._installed else None,
            problem,
            opened=tuple(self._process.opened),
            unknown=unknown,
        )

    def package(
        self, name: str, report: PackageReport | None, followed: frozenset[str]
    ) -> Examined:
        """Import a package after torch.

        Args:
            name: The name that is imported.
            report: The audit of its distribution; None if none is known.
            followed: The top-level modules whose sources are followed.
        """
        whose = (report.distribution, report.version) if report is not None else (None, None)
        if self._failure is not None:
            text = "torch, which is imported first, will not load"
            return Examined(name, Status.FAILS, *whose, Problem(text))
        process = self._process.fork()
        before, known = len(process.opened), len(process.unknown)
        done = imports.follow(
            name,
            self.python,
            self._modules,
            self.environ,
            lambda path, everywhere: process.open(path, everywhere=everywhere),
            self._known,
            followed,
        )
        notes = [*_order_notes(done, name)]
        problem = self._problem(done)
        unsure: list[str] = []
        if problem is not None and done.unresolved and self._may_be_open(problem.failure):
            source, line = done.unresolved[0]
            unsure = [
                f"{problem.text}: unless {source}, line {line}, opens it, by a computed path."
            ]
            problem = None
        parts = [self._part(one) for one in _optional(done.attempts)]
        if report is not None and problem is None:
            others = list(self._unopened(report, process, done.attempts))
            if done.unresolved:
                notes.append("the libraries that it opens are computed: each of them was tried")
                problem, parts = next(iter(others), None), parts + others[1:]
            else:
                parts += others
        unknown = (*tuple(process.unknown)[known:], *unsure)
        if done.cut:
            unknown = (*unknown, f"The sources of {name} were too many to follow to their end.")
        unknown = (*unknown, *_unread(report))
        added = tuple(process.opened)[before:]
        self.copies += second_copies(process.opened, added, name)
        return Examined(
            name,
            _status(problem, parts, unknown),
            *whose,
            problem,
            tuple(parts),
            done.attempts,
            done.ended,
            added,
            tuple(notes),
            unknown,
        )

    def finds(self, name: str) -> bool:
        """Whether the interpreter finds a top-level module."""
        return self._modules.find(name, None) is not None

    def file(self, path: str) -> Examined:
        """Open one library after torch."""
        process = self._process.fork()
        before, known = len(process.opened), len(process.unknown)
        failure = self._failure or process.open(path)
        problem = None if failure is None else self._refused(path, failure)
        unknown = tuple(process.unknown)[known:]
        return Examined(
            path,
            _status(problem, (), unknown),
            problem=problem,
            opened=tuple(process.opened)[before:],
            unknown=unknown,
        )

    def diagnosis(self, packages: Sequence[Examined]) -> Diagnosis:
        """The values that reports show."""
        return Diagnosis(
            self.python.release,
            self.python.executable,
            self.python.sites,
            self.imported,
            self.torch.directory,
            tuple(packages),
            tuple(self.copies),
            variables(self.python.system, self.environ),
            tuple(self._process.unknown)[: self._known_before],
        )

    def _problem(self, done: Imported) -> Problem | None:
        """Why an import ends."""
        ended = done.ended
        if ended is None:
            return None
        attempt = None if ended.attempt is None else done.attempts[ended.attempt]
        if attempt is None or attempt.failure is None:
            text = f"{ended.kind}: {ended.text}" if ended.text else ended.kind
            where = (ended.source, ended.line) if ended.source else None
            problem = with_remedy(Problem(text, opened_at=where), self.place)
            if ended.kind == "ModuleNotFoundError":
                module = ended.text.rpartition(" ")[2].strip("'")
                return replace(problem, advice=(f"install the package that provides {module}",))
            return self._after_others(problem, done)
        problem = self._part(attempt)
        if ended.text == attempt.failure.text:
            return problem
        return replace(problem, raises=f"{ended.kind}: {ended.text}" if ended.text else ended.kind)

    def _after_others(self, problem: Problem, done: Imported) -> Problem:
        """An exception of a source, with the libraries that were refused before it."""
        refused = [one for one in done.attempts if one.failure is not None and one.caught]
        if not refused:
            return problem
        first = self._part(refused[0])
        why = [f"before that, {os.path.basename(one.path)}: {_words(one)}" for one in refused[:4]]
        return replace(
            problem,
            causes=problem.causes or first.causes,
            why=(*why, *problem.why, *first.why),
            advice=problem.advice or first.advice,
        )

    def _part(self, attempt: Attempt) -> Problem:
        failure = attempt.failure
        text = failure.text if failure is not None else ""
        where = (attempt.source, attempt.line)
        return with_remedy(Problem(text, failure, where, attempt.path), self.place)

    def _refused(self, path: str, failure: Failure) -> Problem:
        return with_remedy(Problem(failure.text, failure, library=path), self.place)

    def _unopened(
        self, report: PackageReport, process: Process, attempts: Sequence[Attempt]
    ) -> Iterator[Problem]:
        """The libraries that the import does not open and that will not load by themselves."""
        tried = {lookup.real_path(one.path) for one in attempts}
        opened = {lookup.real_path(one.path) for one in process.opened}
        torch = self._installed.release if self._installed is not None else ""
        for group in libraries_to_try(report, self.python.suffixes, opened | tried, torch):
            failures = []
            for path in group:
                failure = process.fork().open(path)
                if failure is None or self._may_be_open(failure):
                    break
                failures.append(self._refused(path, failure))
            else:
                yield from failures[:1]

    def _may_be_open(self, failure: Failure | None) -> bool:
        """Whether what is missing is a file of a package, which may be opened before."""
        if failure is None or failure.kind is not Refusal.NO_LIBRARY or failure.library is None:
            return False
        return bool(elsewhere(file_name(failure.library), self.place))


def _words(attempt: Attempt) -> str:
    return "" if attempt.failure is None else attempt.failure.text


def _optional(attempts: Sequence[Attempt]) -> Iterator[Attempt]:
    """What failed and was passed over, unless the same line opened another library in its place."""
    fine = {(one.source, one.line) for one in attempts if one.failure is None}
    for one in attempts:
        if one.failure is not None and one.caught and (one.source, one.line) not in fine:
            yield one


def _status(problem: Problem | None, parts: Sequence[Problem], unknown: Sequence[str]) -> Status:
    if problem is not None:
        return Status.FAILS
    if unknown:
        return Status.UNKNOWN
    return Status.PARTLY if parts else Status.LOADS


def _order_notes(done: Imported, name: str) -> Iterator[str]:
    if done.before_torch:
        first = os.path.basename(done.before_torch[0])
        yield f"the sources of {name} open {first} before they import torch"


def _unread(report: PackageReport | None) -> Iterator[str]:
    for one in report.libraries if report is not None else ():
        if one.error is not None:
            yield f"{one.name} could not be read: {one.error}."
