"""Examines an environment: imports torch in a simulated process, then each package after it."""

from __future__ import annotations

import os

from torch_abi_audit.doctor import imports
from torch_abi_audit.doctor.backends import VARIABLE, backends
from torch_abi_audit.doctor.copies import second_copies
from torch_abi_audit.doctor.diagnosis import (
    AFTER_TORCH,
    Copies,
    Diagnosis,
    Examined,
    Problem,
    Status,
)
from torch_abi_audit.doctor.engine import started, variables
from torch_abi_audit.doctor.process import Failure, Refusal
from torch_abi_audit.doctor.remarks import is_within, limits, notes, uncertain
from torch_abi_audit.doctor.remedy import Place, with_remedy, without_variant
from torch_abi_audit.doctor.torch_import import dll_directories, find_torch, import_torch
from torch_abi_audit.doctor.unopened import may_be_open, other_releases, refused
from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.runtime.records import replace
from torch_abi_audit.sources.files import lookup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch_abi_audit.doctor.imports import Attempt, Imported
    from torch_abi_audit.doctor.process import Process
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
        if failed is None:
            self.imported = self._with_backends(self.imported)
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

    def _with_backends(self, imported: Examined) -> Examined:
        """The import of torch, which ends by loading device extensions."""
        for one in backends(self.torch, self.python, self.environ):
            done = self._follow(one.module, self._process, frozenset())
            problem = self._problem(done)
            if problem is None:
                continue
            self._failure = problem.failure or Failure(
                problem.text, Refusal.OTHER, self.torch.directory
            )
            first = (
                f"set {VARIABLE}=0, so that torch does not load {one.distribution}",
                f"or uninstall {one.distribution}",
            )
            others = tuple(f"or {each.removeprefix('or ')}" for each in problem.advice)
            problem = replace(problem, raises=one.raises, advice=(*first, *others))
            kind, _, text = one.raises.partition(": ")
            ended = None if done.ended is None else replace(done.ended, kind=kind, text=text)
            return replace(
                imported,
                status=Status.FAILS,
                problem=problem,
                attempts=done.attempts,
                ended=ended,
                opened=tuple(self._process.opened),
            )
        return imported

    def _follow(self, name: str, process: Process, followed: frozenset[str]) -> Imported:
        return imports.follow(
            name,
            self.python,
            self._modules,
            self.environ,
            lambda path, everywhere: process.open(path, everywhere=everywhere),
            self._known,
            followed,
        )

    def package(
        self,
        name: str,
        report: PackageReport | None,
        followed: frozenset[str],
        *,
        every: bool = False,
    ) -> Examined:
        """Import a package after torch.

        Args:
            name: The name that is imported.
            report: The audit of its distribution; None if none is known.
            followed: The top-level modules whose sources are followed.
            every: Whether all its libraries are tried, not only those that use torch.
        """
        whose = (report.distribution, report.version) if report is not None else (None, None)
        if self._failure is not None:
            return Examined(name, Status.FAILS, *whose, Problem(AFTER_TORCH))
        process = self._process.fork()
        before, known = len(process.opened), len(process.unknown)
        done = self._follow(name, process, followed)
        problem, unsure = self._certain(done)
        parts = [self._part(one) for one in _optional(done.attempts)]
        own = [where for where in done.unresolved if is_within(where[0], name, done)]
        if report is not None and problem is None:
            using, others = self._unopened(report, process, done.attempts, every=every)
            if own and using:
                problem = using.pop(0)
            parts += [*using, *others]
        unknown = (*tuple(process.unknown)[known:], *unsure, *_unread(report))
        if problem is None:
            unknown = (*unknown, *uncertain(done, name))
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
            tuple(notes(done, name, own)),
            unknown,
            tuple(limits(done, own)) if problem is None else (),
        )

    def _certain(self, done: Imported) -> tuple[Problem | None, list[str]]:
        """Why an import ends, and a sentence instead where something may keep it from that."""
        problem = self._problem(done)
        if problem is None or not done.unresolved:
            return problem, []
        if not may_be_open(problem.failure, self.place):
            return problem, []
        source, line = done.unresolved[0]
        return None, [
            f"{problem.text}: unless {source}, line {line}, opens it, by a computed path."
        ]

    def finds(self, name: str) -> bool:
        """Whether the interpreter finds a top-level module."""
        return self._modules.find(name, None) is not None

    def has_file(self, name: str) -> bool:
        """Whether a top-level module is a file, or a package with a source."""
        found = self._modules.find(name, None)
        return found is not None and found.file is not None

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
        self,
        report: PackageReport,
        process: Process,
        attempts: Sequence[Attempt],
        *,
        every: bool,
    ) -> tuple[list[Problem], list[Problem]]:
        """What the import does not open and will not load: what uses torch, and the rest."""
        paths = [*(one.path for one in attempts), *(one.path for one in process.opened)]
        seen = set(map(lookup.real_path, paths))
        using: list[Problem] = []
        others: list[Problem] = []
        for path, failure, uses in refused(report, process, seen, self.place, every=every):
            (using if uses else others).append(self._refused(path, failure))
        torch = self._installed.release if self._installed is not None else ""
        releases = other_releases(report, torch, seen)
        if releases:
            others.insert(0, without_variant(releases, torch))
        return using, others


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


def _unread(report: PackageReport | None) -> Iterator[str]:
    for one in report.libraries if report is not None else ():
        if one.error is not None:
            yield f"{one.name} could not be read: {one.error}."
