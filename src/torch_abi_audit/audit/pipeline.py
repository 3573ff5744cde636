"""The pipeline: from what a TARGET turned into to its report. It alone knows all stages."""

from __future__ import annotations

from torch_abi_audit import formats, mangling
from torch_abi_audit.audit.findings import asks_for_releases, with_findings
from torch_abi_audit.audit.siblings import Provider, provided
from torch_abi_audit.judges import python_abi, torch_abi
from torch_abi_audit.judges.torch_abi import Names
from torch_abi_audit.knowledge import cpython_abi, torch_shims
from torch_abi_audit.knowledge.names import variants
from torch_abi_audit.knowledge.names.library_file import named_as_library
from torch_abi_audit.knowledge.names.python import is_python
from torch_abi_audit.knowledge.names.torch import is_libtorch
from torch_abi_audit.mangling import escape
from torch_abi_audit.model.binary import Binary, Format, NotALibrary
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.model.reports import (
    ExtensionReport,
    Linkage,
    PackageReport,
    Skipped,
    SliceReport,
)
from torch_abi_audit.model.verdicts import Label
from torch_abi_audit.runtime.records import late_path
from torch_abi_audit.runtime.workers import together

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from torch_abi_audit.model.errors import TargetError
    from torch_abi_audit.rules.context import LoadsOn
    from torch_abi_audit.runtime.workers import Team
    from torch_abi_audit.sources.found import Candidate, Found

    _Part = tuple[dict[str, ExtensionReport], tuple[Skipped, ...], tuple[str, ...], tuple[str, ...]]
    """Reports by path, what was skipped, notes, and the torch releases of variants."""

_POINTER = "Git LFS pointer"
_WORST_TORCH = ("UNSTABLE", "STABLE", "NO-TORCH")
_WORST_CPYTHON = (Label.VIOLATIONS, Label.PRIVATE, Label.NO_CAPI, Label.NOT_ABI3, Label.OK)


class _Image:
    """One image of a readable file, with what is asked of it computed once."""

    __slots__ = ("binary", "candidate", "exports", "kinds", "python", "sought")

    def __init__(
        self, candidate: Candidate, binary: Binary, found: Found, exports: frozenset[bytes] | None
    ) -> None:
        self.candidate, self.binary, self.exports = candidate, binary, exports
        names = binary.imports + binary.weak_imports
        self.kinds = torch_abi.classify(names, binary, in_torch=found.is_torch)
        self.python = python_abi.references(binary)
        self.sought: Collection[bytes] = self.kinds
        """Those of its names that another library may provide, in which case they count no more.
        In the torch distribution none of those that are libtorch's own by name: its libraries,
        which have them from each other, are no siblings."""
        if found.is_torch:
            self.sought = [name for name, kind in self.kinds.items() if kind not in torch_abi.USES]

    @property
    def filename(self) -> str:
        return self.candidate.relative.rpartition("/")[2]

    def exported(self, sought: frozenset[bytes]) -> frozenset[bytes]:
        if self.exports is not None:
            return self.exports & sought
        with self.candidate.open() as source:
            return formats.exported(source, self.binary, sought)

    def provider(self) -> Provider:
        binary = self.binary
        return Provider(
            self.candidate.path, self.filename, binary.format, binary.arch, binary.soname
        )


class _Scope:
    """What one process read of a package, by path below its root."""

    __slots__ = ("errors", "images", "notes", "skipped")

    def __init__(self) -> None:
        self.images: dict[str, list[_Image]] = {}
        self.errors: dict[str, ExtensionReport] = {}
        self.skipped: list[Skipped] = []
        self.notes: list[str] = []

    def wanted(self) -> set[bytes]:
        """The names that another library of the distribution may provide."""
        wanted: set[bytes] = set()
        for images in self.images.values():
            for image in images:
                wanted.update(image.sought, image.python)
        return wanted


def audit(
    found: Found,
    progress: Callable[[str], None] | None = None,
    *,
    names: Names = Names.ALL,
    loads_on: LoadsOn | None = None,
    hands: int = 1,
) -> PackageReport:
    """Read every candidate of a package and judge what was read; a failure stays on its library.

    Args:
        found: What a TARGET turned into.
        progress: Told the name of each file before it is read.
        names: Which names of what libtorch provides the verdicts hold at least.
        loads_on: Which torch releases an unstable package loads on; see ``with_findings``.
        hands: Processes at the most that share the work.
    """
    if (
        names is Names.COUNTED
        and found.distribution is not None
        and (loads_on is not None or asks_for_releases(found))
    ):
        names = Names.RAW
    order: Sequence[int] = range(len(found.candidates))
    if hands > 1:
        _prepare(found)
        # the largest first, so that all processes end at about the same time
        order = sorted(order, key=lambda at: found.candidates[at].size, reverse=True)

    def work(team: Team) -> _Part:
        mine = (found.candidates[order[number]] for number in team.numbers)
        return _part(found, mine, team, progress, names)

    parts = together(len(order), work, hands)
    return with_findings(_package(found, parts), found, loads_on)


def _prepare(found: Found) -> None:
    """Load what every process would load for itself, had they parted before."""
    formats.prepare(candidate.head for candidate in found.candidates)
    mangling.prepare()
    torch_shims.shim_names()
    cpython_abi.stable_python_names()


def _part(
    found: Found,
    candidates: Iterable[Candidate],
    team: Team,
    progress: Callable[[str], None] | None,
    names: Names,
) -> _Part:
    """What one of the processes that share a package makes of it."""
    scope = _Scope()
    for candidate in candidates:
        if progress is not None and team.first:
            progress(candidate.relative)
        _read(candidate, scope, found)
    for unread in found.errors if team.first else ():
        if unread.dangling:
            scope.notes.append(f"{unread.relative} is {unread.message}")
            continue
        scope.errors[unread.relative] = ExtensionReport(
            late_path(unread.path), error=unread.message
        )
    wanted = scope.wanted()
    told = team.exchange((b"\0".join(wanted), (*scope.errors, *scope.images)))
    sought = frozenset(wanted.union(*(theirs.split(b"\0") for theirs, _ in told[1:] if theirs)))
    releases = variants.releases([relative for _, some in told for relative in some])
    neighbours = _Scope()
    for candidate in team.portion(found.siblings) if sought else ():
        if not _is_libtorch(candidate, found):
            _read(candidate, neighbours, found)
    offers: dict[bytes, list[Provider]] = {}
    offered = (*_offers(scope, found, sought), *_offers(neighbours, found, sought))
    for provider, offer in (each for some in team.exchange(offered) for each in some):
        for name in offer:
            offers.setdefault(name, []).append(provider)
    reports = dict(scope.errors)
    for relative, images in scope.images.items():
        if relative not in reports:
            variant = variants.torch_release(relative) if releases else None
            reports[relative] = _judge(images, offers, variant, names)
    return reports, tuple(scope.skipped), tuple(scope.notes), releases


def _offers(
    scope: _Scope, found: Found, sought: frozenset[bytes]
) -> tuple[tuple[Provider, tuple[bytes, ...]], ...]:
    """The images that export names that a library of the distribution asks others for, and which.

    A library whose exports cannot be read is an error, and offers nothing.
    """
    offers: list[tuple[Provider, tuple[bytes, ...]]] = []
    for relative, images in scope.images.items() if sought else ():
        candidate = images[0].candidate
        if _is_libtorch(candidate, found):
            continue
        try:
            names = [tuple(image.exported(sought)) for image in images]
        except (FormatError, OSError) as error:
            scope.errors[relative] = _unread(candidate, error)
            continue
        offers += [
            (image.provider(), each) for image, each in zip(images, names, strict=True) if each
        ]
    return tuple(offers)


def _is_libtorch(candidate: Candidate, found: Found) -> bool:
    """Whether it is one of torch's own libraries, which count as libtorch, not as siblings."""
    return found.is_torch and is_libtorch(candidate.relative)


def _read(candidate: Candidate, scope: _Scope, found: Found) -> None:
    named = named_as_library(candidate.relative)
    try:
        with candidate.open() as source:
            images = formats.read(source)
            if isinstance(images, NotALibrary):
                if named and images.kind == "empty file":
                    error = FormatError("empty file: cut short or never written")
                    scope.errors[candidate.relative] = _unread(candidate, error)
                else:
                    scope.skipped.append(Skipped(candidate.relative, images.kind))
                if named and images.kind == _POINTER:
                    scope.notes.append(
                        f"{candidate.relative} is a {_POINTER}: the library was not fetched"
                    )
                return
            at_once = candidate.identity is None  # an archive member: dear to open a second time
            scope.images[candidate.relative] = [
                _Image(candidate, each, found, formats.exports(source, each) if at_once else None)
                for each in images
            ]
    except FormatError as error:
        if not named and formats.detect(candidate.head) is Format.PE:
            # two letters are no proof: data may begin with MZ, a damaged library would be named
            scope.skipped.append(Skipped(candidate.relative, "data that begins with MZ"))
            return
        scope.errors[candidate.relative] = _unread(candidate, error)
    except OSError as error:
        scope.errors[candidate.relative] = _unread(candidate, error)


def _judge(
    images: list[_Image], offers: dict[bytes, list[Provider]], variant: str | None, names: Names
) -> ExtensionReport:
    slices = [_judge_image(image, offers, names) for image in images]
    torch = min(slices, key=lambda one: _WORST_TORCH.index(one.torch.label)).torch
    cpython = min(slices, key=lambda one: _WORST_CPYTHON.index(one.cpython.label)).cpython
    first = images[0].binary
    return ExtensionReport(
        path=late_path(images[0].candidate.path),
        cpython=cpython,
        torch=torch,
        format=first.format,
        arch=first.arch if len(images) == 1 else "universal",
        needed=tuple(dict.fromkeys(name for image in images for name in image.binary.needed)),
        entry_points=tuple(
            sorted({escape(name) for image in images for name in image.binary.entry_points})
        ),
        variant=variant,
        slices=tuple(slices) if len(slices) > 1 else (),
        linkage=tuple(_linkage(image.binary) for image in images),
    )


def _linkage(binary: Binary) -> Linkage:
    return Linkage(
        binary.format,
        binary.arch,
        binary.needed,
        binary.delay_needed,
        binary.soname,
        binary.version_needs,
        binary.rpaths,
        binary.min_os,
        # who registers device code with a runtime elsewhere imports the function that does
        static_cuda=binary.device_code and b"__cudaRegisterFatBinary" not in binary.imports,
    )


def _judge_image(image: _Image, offers: dict[bytes, list[Provider]], names: Names) -> SliceReport:
    asked = offers.keys() & {*image.sought, *image.python}
    offered = {name: offers[name] for name in asked}
    resolved = provided(image.binary, image.candidate.path, offered)
    return SliceReport(
        arch=image.binary.arch,
        cpython=python_abi.judge(image.binary, image.python, resolved, image.filename),
        torch=torch_abi.judge(
            image.binary, image.kinds, resolved, _exported_by_torch(image.binary), names=names
        ),
    )


def _exported_by_torch(binary: Binary) -> Callable[[bytes], bool]:
    """Whether some torch release exports a name: opens the export index when it is asked."""

    def exported(name: bytes) -> bool:
        from torch_abi_audit.knowledge import export_index  # dear, and rarely asked

        platform = export_index.platform_of(binary.format, binary.arch)
        return platform is not None and export_index.exported(platform, name)

    return exported


def failed(target: str, error: TargetError) -> PackageReport:
    """The report on a TARGET that names nothing."""
    return PackageReport(name=target, root=late_path(target), error=str(error))


def _unread(candidate: Candidate, error: FormatError | OSError) -> ExtensionReport:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return ExtensionReport(late_path(candidate.path), error=text)


def _package(found: Found, parts: list[_Part]) -> PackageReport:
    reports: dict[str, ExtensionReport] = {}
    skipped: list[Skipped] = []
    notes: list[str] = []
    for part, passed, noted, _ in parts:
        reports |= part
        skipped += passed
        notes += noted
    notes = [*found.notes, *sorted(notes)]
    if releases := parts[0][-1]:
        notes.append(f"ships variants for torch {', '.join(releases)}")
    ordered = sorted(reports)
    modules = [one for one in ordered if _is_extension_module(one, reports[one])]
    others = [one for one in ordered if not _is_extension_module(one, reports[one])]
    return PackageReport(
        name=found.name,
        root=late_path(found.root),
        extensions=tuple(reports[one] for one in modules),
        bundled_libs=tuple(reports[one] for one in others),
        distribution=found.distribution,
        version=found.version,
        import_names=found.import_names,
        notes=tuple(notes),
        skipped=tuple(sorted(skipped, key=lambda one: one.path)),
    )


def _is_extension_module(relative: str, report: ExtensionReport) -> bool:
    """Whether it exports an entry point and is not CPython itself, which has built-in modules."""
    return bool(report.entry_points) and not is_python(relative.rpartition("/")[2])
