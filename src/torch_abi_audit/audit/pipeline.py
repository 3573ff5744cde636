"""The pipeline: from a resolved TARGET to its report. Read this module first.

``sources`` has resolved each TARGET to a ``Found``: a package and its candidates, the files that
may be libraries. ``audit`` turns it into a ``PackageReport`` in five stages:

1. **Read** (``reading``). ``formats`` parses each candidate: it is a library with one or several
   images (several in a universal file), another kind of file, or damaged. Each of ``JUDGES``
   selects the imports of an image that concern its ABI; the others are dropped.
2. **Resolve** (``siblings``). An import that another library of the same distribution exports
   belongs to that library, not to torch or CPython. This stage therefore looks up the selected
   imports of all libraries in every library of the distribution.
3. **Judge** (``judging``). Each judge gives its verdict on each image, from the imports that it
   selected, without those that a sibling provides. The worst image decides the verdict on a file.
4. **Lend** (``lending``). What nothing provides may come from a requirement. The verdicts stay as
   they are, but the names that a linked library of a requirement exports are no findings.
5. **Find** (``findings``). The rules are applied to the verdicts and to the metadata of the
   distribution.

For example, ``_C.so`` imports ``at::add``, ``at::mul`` and ``PyLong_AsLong``, and ``libhelper.so``
beside it exports ``at::mul``. The torch judge calls ``_C.so`` UNSTABLE, only because of
``at::add``.

The first three stages are maps over the files of a package: the result for one file does not depend
on the other results of the same stage. Several processes can therefore divide a stage without
changing its result; ``sharing`` decides whether they do. A file that cannot be read gets an error
in place of its verdicts; the other files are still judged.
"""

from __future__ import annotations

from torch_abi_audit.audit import judging, reading, sharing, siblings
from torch_abi_audit.audit.findings import (
    applying_requirements,
    asks_for_releases,
    with_findings,
)
from torch_abi_audit.audit.unprovided import unprovided
from torch_abi_audit.judges.interface import Names
from torch_abi_audit.knowledge.names.python import is_python
from torch_abi_audit.model.releases import release_key
from torch_abi_audit.model.reports import ExtensionReport, PackageReport
from torch_abi_audit.runtime.once import once
from torch_abi_audit.runtime.records import late_path
from torch_abi_audit.sources import requirements

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from torch_abi_audit.audit.reading import Contents
    from torch_abi_audit.audit.sharing import Bar, Step
    from torch_abi_audit.facts.lending import Lending
    from torch_abi_audit.model.errors import TargetError
    from torch_abi_audit.rules.context import LoadsOn
    from torch_abi_audit.sources.found import Found
    from torch_abi_audit.sources.requirements import Opener


def audit(
    found: Found,
    progress: Step | None = None,
    *,
    names: Names = Names.ALL,
    loads_on: LoadsOn | None = None,
    shared: bool = False,
    opener: Opener | None = None,
) -> PackageReport:
    """Read and judge every candidate of a package.

    Args:
        found: The package.
        progress: Called with the name of each file before it is read.
        names: The names provided by libtorch that the verdicts must contain.
        loads_on: Determines which torch releases an unstable package loads on; see
            ``with_findings``.
        shared: Whether other processes may do part of the work.
        opener: Opens requirements that are not installed beside the package.
    """
    names = _needed(names, found, loads_on)
    contents = reading.contents(found, progress, shared=shared)
    offers = siblings.offers(contents, found, shared=shared)
    libraries = judging.judged(contents, offers, found, names, shared=shared)
    report = _report(found, contents, libraries)
    requires = applying_requirements(found, report)

    @once
    def lent() -> Lending:
        from torch_abi_audit.audit.lending import lending  # most packages lack nothing

        return lending(found, contents, requirements.beside(found, opener), requires)

    if any(unprovided(one, found) for one in libraries.values()):
        from torch_abi_audit.audit.lending import served

        report = _report(
            found, contents, {**libraries, **served(libraries, contents, found, lent())}
        )
    return with_findings(report, found, loads_on, lent)


def audit_packages(
    packages: Sequence[Found | PackageReport],
    bar: Bar | None,
    *,
    names: Names = Names.ALL,
    shared: bool = True,
    opener: Opener | None = None,
) -> tuple[PackageReport, ...]:
    """Return the reports on several packages.

    Args:
        packages: The packages that TARGETs resolved to, and the reports on TARGETs that were not
            found.
        bar: Shows the progress of the run.
        names: As for ``audit``.
        shared: As for ``audit``.
        opener: As for ``audit``; asked for requirements that are none of the packages.
    """
    given = requirements.among(
        lambda: (each for each in packages if not isinstance(each, PackageReport)), opener
    )

    def one(found: Found, step: Step | None, within: bool) -> PackageReport:  # noqa: FBT001
        return audit(found, step, names=names, shared=within, opener=given)

    return tuple(sharing.each_package(one, packages, bar, shared=shared))


def audit_targets(
    targets: Sequence[str],
    resolve: Callable[[str], Iterable[Found | PackageReport]],
    bar: Bar | None,
    *,
    names: Names = Names.ALL,
    search_path: Sequence[str],
) -> tuple[PackageReport, ...]:
    """Return the reports on the packages that TARGETs resolve to.

    Args:
        targets: As typed.
        resolve: Yields the packages of a TARGET, or the report on one that was not found.
        bar: Shows the progress of the run.
        names: As for ``audit``.
        search_path: Directories that names are looked up in.
    """
    if sharing.are_small(targets[1:]):
        return audit_packages([one for each in targets for one in resolve(each)], bar, names=names)

    def every_found() -> Iterator[Found]:
        for each in targets:
            yield from (one for one in resolve(each) if not isinstance(one, PackageReport))

    given = requirements.among(every_found)

    def reports(target: str, step: Step | None) -> tuple[PackageReport, ...]:
        return tuple(
            one
            if isinstance(one, PackageReport)
            else audit(one, step, names=names, shared=True, opener=given)
            for one in resolve(target)
        )

    every = sharing.each_target(reports, targets, bar, search_path)
    return tuple(one for each in every for one in each)


def failed(target: str, error: TargetError) -> PackageReport:
    """Return the report on a TARGET that was not found."""
    return PackageReport(name=target, root=late_path(target), error=str(error))


def _needed(names: Names, found: Found, loads_on: LoadsOn | None) -> Names:
    """Return the names that the verdicts must contain; computing ``loads_on`` needs raw names."""
    if names is not Names.COUNTED or found.distribution is None:
        return names
    return Names.RAW if loads_on is not None or asks_for_releases(found) else names


def _report(
    found: Found, contents: Contents, libraries: Mapping[str, ExtensionReport]
) -> PackageReport:
    notes = [*found.notes, *sorted(contents.notes)]
    if contents.variants:
        named = sorted({one.minor for one in contents.variants.values()}, key=release_key)
        notes.append(f"ships variants for torch {', '.join(named)}")
    ordered = sorted(libraries)
    modules = [path for path in ordered if _is_extension_module(path, libraries[path])]
    others = [path for path in ordered if not _is_extension_module(path, libraries[path])]
    return PackageReport(
        name=found.name,
        root=late_path(found.root),
        extensions=tuple(libraries[path] for path in modules),
        bundled_libs=tuple(libraries[path] for path in others),
        distribution=found.distribution,
        version=found.version,
        import_names=found.import_names,
        notes=tuple(notes),
        skipped=tuple(sorted(contents.skipped, key=lambda one: one.path)),
    )


def _is_extension_module(relative: str, report: ExtensionReport) -> bool:
    """Whether it exports an entry point and is not libpython, which exports those of built-ins."""
    return bool(report.entry_points) and not is_python(relative.rpartition("/")[2])
