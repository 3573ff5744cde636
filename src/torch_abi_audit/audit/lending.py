"""Finds what the requirements of a package provide to its libraries, ahead of the findings.

The verdicts are given before and do not change. Only where a library imports a name, or is linked
to a library, that nothing else provides, the requirements are opened: they are looked for beside an
installed package, among the other TARGETs of the run and, with ``--with-requirements``, on the
index. ``facts.lending`` decides what follows.
"""

from __future__ import annotations

from torch_abi_audit import formats
from torch_abi_audit.audit.unprovided import unprovided
from torch_abi_audit.facts.lending import Lending
from torch_abi_audit.judges import JUDGES, TORCH
from torch_abi_audit.judges.torch_names import Kind
from torch_abi_audit.knowledge.names import variants
from torch_abi_audit.knowledge.names.distribution import canonical, required
from torch_abi_audit.knowledge.names.lending import lenders, python_names
from torch_abi_audit.knowledge.names.library_file import split_version
from torch_abi_audit.mangling import demangle
from torch_abi_audit.model.binary import Format, NotALibrary
from torch_abi_audit.model.errors import FormatError, TargetError
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.model.reports import Lent
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from torch_abi_audit.audit.reading import Contents, Image
    from torch_abi_audit.model.binary import Binary
    from torch_abi_audit.model.reports import ExtensionReport
    from torch_abi_audit.sources.found import Candidate, Found
    from torch_abi_audit.sources.requirements import Opener

_OTHERS = (Kind.FOREIGN, Kind.HEADER_ONLY, Kind.UNKNOWN_SHIM)
_MOST = 300
"""Requirements that are opened for one package: the closure of a large application has as many."""


class Requirement:
    """A requirement that was read; implements ``facts.lending.Opened``."""

    def __init__(self, found: Found, line: str) -> None:
        """Wrap what a ``Requires-Dist`` line resolved to."""
        self._candidates = (*found.candidates, *found.siblings)
        self._known: dict[tuple[str, Format], tuple[Candidate, ...]] = {}
        self.name = canonical(found.distribution or found.name)
        self.title = f"{self.name} {found.version}" if found.version else self.name
        self.requires = _wanted_lines(found.requires, line)
        self.is_empty = not self._candidates
        self._variants = variants.releases(one.relative for one in self._candidates)

    def holds(self, library: str, form: Format) -> bool:
        """Whether it contains a library, by the name of the file or the library's own name."""
        return bool(self._files(library, form))

    def exported(
        self, library: str, names: frozenset[bytes], binary: Binary, variant: str | None
    ) -> frozenset[bytes]:
        """Those of ``names`` that a library exports to an image; none if it cannot be read.

        Of several files with the name, those for the same torch count, else all.

        Args:
            library: As the image names it.
            names: Imports of the image.
            binary: The image.
            variant: The torch release that its path names.
        """
        files = self._files(library, binary.format)
        alike = [one for one in files if self._minor(one) == variant]
        return frozenset[bytes]().union(
            *(
                exported
                for candidate in alike or files
                for image, exported in _read(candidate, names)
                if image.arch == binary.arch
            )
        )

    def _minor(self, candidate: Candidate) -> str | None:
        release = self._variants.get(candidate.relative)
        return release.minor if release is not None else None

    def _files(self, library: str, form: Format) -> tuple[Candidate, ...]:
        known = self._known.get((library, form))
        if known is None:
            name = _spelled(file_name(library), form)
            here = [one for one in self._candidates if formats.detect(one.head) is form]
            known = tuple(one for one in here if _spelled(file_name(one.relative), form) == name)
            if not known and form is not Format.PE:
                known = tuple(one for one in here if _is_alias(one, name))
            self._known[library, form] = known
        return known


class _Requirements:
    """The requirements of one package, opened in two steps: first what is likely or near."""

    def __init__(
        self,
        found: Found,
        requires: Callable[[], Sequence[str]],
        sought: Iterable[str],
        opener: Opener,
    ) -> None:
        self._found, self._requires, self._opener = found, requires, opener
        self._sought = frozenset(sought)
        self._seen = {canonical(found.distribution or ""), "torch"}
        self._opened: list[Requirement] = []
        self._failed: dict[str, str] = {}

    def opened(self, *, everything: bool) -> tuple[list[Requirement], dict[str, str]]:
        """Those that were read, and why others could not be.

        Of a requirement's own requirements, the likely ones are opened; all of them if it has no
        libraries itself, since it may stand for them.
        """
        lines = list(self._requires())
        direct = len(lines)
        for at, line in enumerate(lines):
            name = required(line)
            if not name or name in self._seen or len(self._seen) > _MOST:
                continue
            fetch = everything and at < direct and "extra" not in line
            one = self._open(name, line, fetch=fetch or self._is_likely(name))
            if one is not None:
                self._opened.append(one)
                lines += [
                    each for each in one.requires if one.is_empty or self._is_likely(required(each))
                ]
        return list(self._opened), self._failed

    def _open(self, name: str, line: str, *, fetch: bool) -> Requirement | None:
        try:
            found = self._opener(self._found, line, fetch)
        except TargetError as error:
            self._seen.add(name)
            self._failed[name] = str(error)
            return None
        if found is None:
            return None
        self._seen.add(name)
        return Requirement(found, line)

    def _is_likely(self, name: str) -> bool:
        return any(lenders(library, (name,)) for library in self._sought)


def lending(
    found: Found,
    contents: Contents,
    opener: Opener | None,
    requires: Callable[[], Sequence[str]] | None = None,
) -> Lending:
    """What the requirements of a package lend; opened when it is first asked.

    Args:
        found: The package.
        contents: Its files, as read.
        opener: Opens a requirement; None if only names can tell.
        requires: Returns the ``Requires-Dist`` lines that apply; by default, all.
    """
    requires = requires or (lambda: found.requires)
    if opener is None or not found.requires:
        return Lending(requires)
    images = [image for one in contents.libraries.values() for image in one.images]
    sought = {name for image in images for name in image.linkage.needed}
    return Lending(requires, _Requirements(found, requires, sought, opener).opened)


def _wanted_lines(requires: Iterable[str], line: str) -> tuple[str, ...]:
    """The requirements of a distribution that is required by ``line``, with the extras it names."""
    named = line.partition(";")[0].partition("[")[2].partition("]")[0]
    extras = {canonical(each.strip()) for each in named.split(",") if each.strip()}
    return tuple(
        each
        for each in requires
        if "extra" not in (marker := each.partition(";")[2])
        or not extras.isdisjoint(map(canonical, marker.replace("'", '"').split('"')[1::2]))
    )


def served(
    libraries: Mapping[str, ExtensionReport], contents: Contents, found: Found, lending: Lending
) -> dict[str, ExtensionReport]:
    """The reports on libraries for which requirements export names, with these names.

    Args:
        libraries: The reports by path.
        contents: The files of the package, as read.
        found: The package.
        lending: What its requirements lend.
    """
    reports = {}
    for path, report in libraries.items():
        wanted = unprovided(report, found)
        if wanted and path in contents.libraries:
            lent: list[Lent] = []
            release = contents.variants.get(path)
            variant = release.minor if release is not None else None
            for image in contents.libraries[path].images:
                lent += _lent(image, variant, wanted, contents, lending)
            if lent:
                reports[path] = replace(report, lent=tuple(dict.fromkeys(lent)))
    return reports


def _lent(
    image: Image, variant: str | None, wanted: frozenset[str], contents: Contents, lending: Lending
) -> Iterator[Lent]:
    """What each library that an image is linked to exports for it, if a requirement contains it."""
    shown = _shown(image, wanted)
    if not shown:
        return
    binary = image.binary
    foreign = _foreign(image)
    for library in _linked(image, contents):
        names = frozenset(name for name in shown if _may_come_from(binary, name, library))
        if not names:
            continue
        holder = lending.holder(library, binary.format)
        read = isinstance(holder, Requirement)
        owner = holder.name if holder is not None else lending.expected(library)
        if owner is None:
            continue
        if isinstance(holder, Requirement):
            found = holder.exported(library, names, binary, variant)
        else:
            known = python_names(library, owner)
            found = frozenset(name for name in names if name in foreign or shown[name] in known)
        if found:
            yield Lent(owner, library, tuple(sorted({shown[name] for name in found})), read)
            for name in found:
                del shown[name]


def _shown(image: Image, wanted: frozenset[str]) -> dict[bytes, str]:
    """The raw names of an image that are wanted, and how the verdicts write them."""
    found: dict[bytes, str] = {}
    for judge, references in zip(JUDGES, image.references, strict=True):
        raw = sorted(_others(image) if judge is TORCH else references)
        texts = demangle(raw) if judge is TORCH else [name.decode() for name in raw]
        pairs = zip(raw, texts, strict=True)
        found.update((name, text) for name, text in pairs if text in wanted)
    return found


def _others(image: Image) -> list[bytes]:
    """The names over torch types that are not libtorch's own, by their kind."""
    kinds: Mapping[bytes, Kind] = image.references[JUDGES.index(TORCH)]  # type: ignore[assignment]
    return [name for name, kind in kinds.items() if kind in _OTHERS]


def _foreign(image: Image) -> frozenset[bytes]:
    """The names of other projects: those that an unread library may well export."""
    kinds: Mapping[bytes, Kind] = image.references[JUDGES.index(TORCH)]  # type: ignore[assignment]
    return frozenset(name for name, kind in kinds.items() if kind is Kind.FOREIGN)


def _linked(image: Image, contents: Contents) -> list[str]:
    """The libraries that an image is linked to, nearest first; on ELF through others, too.

    On ELF the loader looks a name up in all of them. Other formats state who provides a name.
    """
    found = [*image.linkage.needed, *image.linkage.delay_needed]
    if image.binary.format is not Format.ELF:
        return found
    own = {
        name: each.linkage.needed
        for one in contents.libraries.values()
        for each in one.images
        for name in (file_name(one.candidate.relative), each.linkage.soname)
        if name and each.linkage.arch == image.linkage.arch
    }
    for name in found:
        found += [each for each in own.get(name, ()) if each not in found]
    return found


def _may_come_from(binary: Binary, name: bytes, library: str) -> bool:
    """Whether a name may come from a library; for PE and two-level names, the stated one alone."""
    stated = binary.providers.get(name)
    if stated is None:
        return binary.format is not Format.PE
    return _spelled(file_name(stated), binary.format) == _spelled(file_name(library), binary.format)


def _spelled(name: str, form: Format) -> str:
    """A file's name as the loader compares it: on Windows, case does not count."""
    return name.lower() if form is Format.PE else name


def _is_alias(candidate: Candidate, name: str) -> bool:
    """Whether a library with a similar file name has ``name`` as its own name (its soname)."""
    if split_version(file_name(candidate.relative))[0] != split_version(name)[0]:
        return False
    return any(file_name(image.soname or "") == name for image, _ in _read(candidate, frozenset()))


def _read(candidate: Candidate, names: frozenset[bytes]) -> list[tuple[Binary, frozenset[bytes]]]:
    """The images of a file, each with those of ``names`` that it exports; none if unreadable."""
    try:
        with candidate.open() as source:
            images = formats.read(source)
            if isinstance(images, NotALibrary):
                return []
            return [(one, formats.exported(source, one, names)) for one in images]
    except (FormatError, OSError):
        return []
