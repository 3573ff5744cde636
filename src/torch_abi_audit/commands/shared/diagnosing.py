"""Examines the selected environment for ``doctor`` and ``explain --doctor``."""

from __future__ import annotations

import os

from torch_abi_audit.audit.pipeline import audit_packages
from torch_abi_audit.commands.shared.environment import meant
from torch_abi_audit.commands.shared.progress import activity
from torch_abi_audit.doctor.examination import Examination
from torch_abi_audit.doctor.unopened import uses_torch
from torch_abi_audit.explain.explanation import Installed
from torch_abi_audit.judges.interface import Names
from torch_abi_audit.knowledge.names.distribution import canonical, required
from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.model.paths import file_name, relative_path
from torch_abi_audit.sources import environments
from torch_abi_audit.sources.installed import python as pythons
from torch_abi_audit.sources.installed.torch_version import importable

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from torch_abi_audit.doctor.diagnosis import Diagnosis, Examined
    from torch_abi_audit.model.reports import PackageReport
    from torch_abi_audit.sources.found import Found
    from torch_abi_audit.sources.installed.python import Python


class Patient:
    """An environment, the audit of its packages, and the process in which torch is imported."""

    def __init__(self, options: argparse.Namespace) -> None:
        """Read the environment that the options select.

        Raises:
            TargetError: there is no such environment, or no torch in it.
        """
        python = _python(options)
        version = importable(python.path)
        installed = (
            None
            if version is None
            else Installed(version.text, version.cuda, stated=version.known_build)
        )
        self.python = python
        self.installed = installed
        self.examination = Examination(python, os.environ, installed)
        inventory = environments.inventory(python.sites)
        others = [one for one in inventory.packages if not one.is_torch and one.candidates]
        self._pure = [one for one in inventory.packages if not one.is_torch and not one.candidates]
        bar = not (options.no_progress or options.quiet)
        with activity(enabled=bar) as shown:
            self.packages = audit_packages(others, shown, names=Names.RAW)
        using = [one for one in self.packages if any(map(uses_torch, one.libraries))]
        self.using = using
        self.followed = _followed(using, self.packages, inventory.packages)

    def examined(self, names: Sequence[str]) -> tuple[Examined, ...]:
        """Import each of the names after torch; without names, all packages that use torch.

        Raises:
            TargetError: a name is not installed.
        """
        if not names:
            return tuple(
                self._package(name, one, every=False)
                for one in self.using
                for name in self._imported(one)
            )
        return tuple(one for name in names for one in self._named(name))

    def diagnosis(self, names: Sequence[str]) -> Diagnosis:
        """The diagnosis of the packages with these names, or of all.

        Raises:
            TargetError: a name is not installed.
        """
        return self.examination.diagnosis(self.examined(names))

    def finds(self, name: str) -> bool:
        """Whether a module is installed, as a package other than torch."""
        return name != "torch" and self.owner(name) is not None

    def owner(self, name: str) -> PackageReport | None:
        """The package that an import name or the name of a distribution means."""
        top = name.partition(".")[0]
        key = canonical(name)
        for one in self.packages:
            if top in one.import_names or canonical(one.distribution or one.name) == key:
                return one
        return None

    def _named(self, name: str) -> list[Examined]:
        if name == "torch":
            return []
        report = self.owner(name)
        top = name.partition(".")[0]
        names: Sequence[str] = (name,)
        if report is not None and top not in report.import_names:
            names = self._imported(report) or names
        elif report is None:
            pure = next((one for one in self._pure if canonical(one.name) == canonical(name)), None)
            if pure is not None and pure.import_names and top not in pure.import_names:
                names = pure.import_names[:1]
            elif not self.examination.finds(top):
                where = ", ".join(self.python.sites) or "any path"
                raise TargetError(f"{name} is not installed in {where}")
        return [self._package(each, report, every=True) for each in names]

    def _imported(self, report: PackageReport) -> tuple[str, ...]:
        """The names to import: the distribution's own, and those with libraries that use torch.

        Private modules count only where there are no others, and folders without a source only
        where they are all there is.
        """
        using = [one for one in report.libraries if uses_torch(one)]
        below = [relative_path(one, report) for one in using]
        modules = [relative_path(one, report) for one in using if one.entry_points]
        public = [name for name in report.import_names if not name.startswith("_")]
        names = public or report.import_names
        own = {canonical(report.distribution or report.name), canonical(report.name)}
        named = [name for name in names if canonical(name) in own][:1]
        holding = [
            name
            for name in names
            if (
                any(path.startswith(f"{name}/") for path in below)
                or any(path.startswith(f"{name}.") for path in modules)
            )
            and self.examination.has_file(name)
        ]
        return tuple(dict.fromkeys([*named, *holding])) or tuple(names[:1])

    def _package(self, name: str, report: PackageReport | None, *, every: bool) -> Examined:
        return self.examination.package(name, report, self.followed, every=every)


def _followed(
    using: Sequence[PackageReport], packages: Sequence[PackageReport], every: Sequence[Found]
) -> frozenset[str]:
    """The modules whose sources are followed.

    They are those of packages that use torch, of those whose libraries these need, and of those
    that require one of the former, directly or not.
    """
    libraries = [each for one in using for each in one.libraries]
    needed = {file_name(name) for each in libraries for name in each.needed}
    lending = [one for one in packages if any(each.name in needed for each in one.libraries)]
    names = {name for one in (*using, *lending) for name in one.import_names}
    requires = {one: {required(line) for line in one.requires} for one in every}
    reached = {canonical(one.distribution or one.name) for one in using}
    while True:
        more = [one for one, lines in requires.items() if lines & reached and not one.is_torch]
        new = {canonical(one.name) for one in more} - reached
        if not new:
            return frozenset(names.union(*(one.import_names for one in more)))
        reached |= new


def _python(options: argparse.Namespace) -> Python:
    """The interpreter that the options select.

    Raises:
        TargetError: there is none, or it does not answer.
    """
    if getattr(options, "site_packages", None) is not None:
        return pythons.of_directory(options.site_packages)
    place = options.python or meant(quiet=bool(options.quiet))
    return pythons.running() if place is None else pythons.asked(place)
