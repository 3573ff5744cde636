"""What a wheel repair must leave out of a package's wheel, what it must copy, and what to check.

Pure: it reads a report and tables. The command is for the wheel as it was built; a wheel that was
repaired before may contain copies of what it must leave out, under other names.
"""

from __future__ import annotations

from torch_abi_audit.facts.torch_range import declared_range, installable
from torch_abi_audit.knowledge.names.distribution import is_torch
from torch_abi_audit.knowledge.names.library import Kind, kind_of
from torch_abi_audit.knowledge.names.library_file import split_version
from torch_abi_audit.knowledge.names.repair_mark import without_mark
from torch_abi_audit.knowledge.names.torch import Build, build_of, is_runtime
from torch_abi_audit.knowledge.platforms import LINUX, MACOS, SYSTEM_OF, WINDOWS, index_platform
from torch_abi_audit.model.declared import Declared
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.repair.origin import LEFT_OUT, Brought, Origin, Project, brought, usual
from torch_abi_audit.repair.tools import ANY_WHEEL, TOOLS, ci_command, command, is_sayable, since
from torch_abi_audit.rules.context import Context
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from torch_abi_audit.model.reports import PackageReport

_ORDER = tuple(Origin)
_XPU = ("sycl", "ze_loader")
"""The libraries of oneAPI that only code for Intel's devices is linked to."""
_WITHOUT_DIGITS = str.maketrans("", "", "0123456789")


@dataclass(frozen=True, slots=True)
class Excluded:
    """A library that the wheel must not contain."""

    library: str
    """Its name as the tool compares it."""
    origin: Origin
    by: str
    """Who brings it."""
    needed_by: tuple[str, ...] = ()
    """The package's libraries that are linked to it, by path; empty if only a library that is
    copied may be."""
    copy: str | None = None
    """The copy that the wheel contains already, by path."""


@dataclass(frozen=True, slots=True)
class Copied:
    """A library that nobody else brings: the tool copies it into the wheel."""

    library: str
    needed_by: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Repair:
    """The repair of a package's wheel for one system."""

    system: str
    """The word of the system."""
    tool: str
    since: str
    """The oldest release of the tool that understands the command."""
    command: str
    ci_command: str
    """The value of ``repair-wheel-command`` in the configuration of cibuildwheel."""
    excluded: tuple[Excluded, ...]
    copied: tuple[Copied, ...]
    checks: tuple[str, ...]
    """What to check, because the command alone is not enough; as sentences."""


@dataclass(frozen=True, slots=True)
class RepairPlan:
    """The repairs of a package's wheels: one for each system that its libraries are for."""

    name: str
    root: str
    repairs: tuple[Repair, ...]
    notes: tuple[str, ...] = ()


def plan(report: PackageReport, wheel: str | None = None) -> RepairPlan:
    """Plan the repair of a package's wheels.

    Args:
        report: The report on the wheel, on an installed package or on a build tree.
        wheel: The path of the wheel; None if the target is none, or is not on disk.

    Raises:
        IndexFileError: the export index is missing or damaged.
    """
    notes = [
        f"{one.name} could not be read, so what it needs is not in the command: {one.error}"
        for one in report.libraries
        if one.error is not None
    ]
    root = report.root_text
    if is_torch(report.distribution):
        notes.append("this is torch itself, whose own build repairs its wheels")
        return RepairPlan(report.name, root, (), tuple(notes))
    context = Context(report, report.declared or Declared(is_python_distribution=False))
    words = {SYSTEM_OF[image.format].word for one in report.libraries for image in one.linkage}
    promised = {one.system for one in context.platforms}.intersection(words)
    repairs = tuple(_repair(context, word, wheel) for word in TOOLS if word in (promised or words))
    return RepairPlan(report.name, root, repairs, tuple(notes))


@dataclass(frozen=True, slots=True)
class _Linked:
    """What the libraries for one system are linked to."""

    needed: Mapping[str, tuple[str, ...]]
    """Each library that is not in the wheel, with the paths of those linked to it."""
    files: Mapping[str, str]
    """Each library in the wheel: path and name."""
    rpaths: frozenset[str]


def _repair(context: Context, word: str, wheel: str | None) -> Repair:
    linked = _linked(context, word)
    project = _project(context, word, linked)
    excluded: dict[str, Excluded] = {}
    copied: list[Copied] = []
    alternatives = _alternatives(linked.needed)
    for name, users in linked.needed.items():
        who = brought(name, project)
        if who.origin is Origin.WHEEL and name in alternatives:
            who = Brought(Origin.USER, "the user: the wheel is built for several of its versions")
        if who.origin is Origin.WHEEL:
            copied.append(Copied(file_name(name), users, who.note))
        elif who.origin in LEFT_OUT and not _is_left_to_the_tool(who.origin, word):
            told = _told(name, word, linked.needed)
            excluded[told] = Excluded(told, who.origin, who.by, users)
    for path, name in linked.files.items():
        found = _of_copy(name, word, project)
        if found is not None:
            told, origin, by = found
            before = excluded.get(told)
            users = before.needed_by if before is not None else ()
            excluded[told] = Excluded(told, origin, by, users, path)
    if project.uses_torch and copied:
        with_cuda = any(one.origin is Origin.CUDA for one in excluded.values()) or any(
            kind_of(name) is Kind.TORCH and build_of(name) is Build.CUDA for name in excluded
        )
        said = {name.lower() for name in excluded}
        for name in usual(word, cuda_too=with_cuda):
            if name.lower() not in said:
                excluded[name] = Excluded(name, Origin.TORCH, brought(name, project).by)
    listed = tuple(
        sorted(excluded.values(), key=lambda one: (_ORDER.index(one.origin), one.library))
    )
    copies = any(one.copy is not None for one in listed)
    names = [one.library for one in listed if is_sayable(word, one.library)]
    last = ANY_WHEEL if wheel is None or copies else wheel
    with_torch = any(one.origin is Origin.TORCH for one in listed)
    return Repair(
        system=word,
        tool=TOOLS[word].name,
        since=since(word, names),
        command=command(word, names, last, finds_torch=with_torch),
        ci_command=ci_command(word, names, finds_torch=with_torch),
        excluded=listed,
        copied=tuple(sorted(copied, key=lambda one: one.library)),
        checks=tuple(_checks(context, word, linked, listed, copied)),
    )


def _linked(context: Context, word: str) -> _Linked:
    needed: dict[str, list[str]] = {}
    files: dict[str, str] = {}
    rpaths: set[str] = set()
    shipped = context.shipped_names
    if word == WINDOWS.word:
        shipped = frozenset(map(str.lower, shipped))
    for path, library in context.libraries:
        for image in library.linkage:
            if SYSTEM_OF[image.format].word != word:
                continue
            files[path] = library.name
            rpaths.update(image.rpaths)
            for name in (*image.needed, *image.delay_needed):
                base = file_name(name)
                if (base.lower() if word == WINDOWS.word else base) not in shipped:
                    users = needed.setdefault(name, [])
                    if path not in users:
                        users.append(path)
    return _Linked(
        {name: tuple(users) for name, users in sorted(needed.items())}, files, frozenset(rpaths)
    )


def _project(context: Context, word: str, linked: _Linked) -> Project:
    names = linked.needed
    uses_torch = (
        context.package.uses_torch
        or "torch" in context.required_names
        or any(kind_of(name) in (Kind.TORCH, Kind.TORCH_COPY) for name in names)
    )
    for_xpu = any(
        (kind_of(name) is Kind.TORCH and build_of(name) is Build.XPU)
        or (kind_of(name) is Kind.ONEAPI and file_name(name).removeprefix("lib").startswith(_XPU))
        for name in names
    )
    platforms = {
        index_platform(image.format, image.arch)
        for one in context.package.libraries
        for image in one.linkage
        if SYSTEM_OF[image.format].word == word
    }
    return Project(
        word=word,
        uses_torch=uses_torch,
        for_xpu=for_xpu,
        requirements=context.required_names - {"torch"},
        releases=_releases(context),
        platform=min(filter(None, platforms), default=None),
    )


def _releases(context: Context) -> tuple[str, ...] | None:
    """The torch releases that may be installed beside the package; None if all may."""
    said = declared_range(context.declared, context.environments)
    return installable(context.needed_torch, said, context.environments) or None


def _alternatives(needed: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """The libraries of which like files need different versions: users install one of them.

    ``libavutil.so.58`` of ``core6.so`` and ``libavutil.so.59`` of ``core7.so``, or CUDA libraries
    of several releases. No file needs two of them.
    """
    versions: dict[str, list[str]] = {}
    for name in needed:
        stem, version = split_version(file_name(name))
        if not version:  # avutil-58.dll
            stem, _, version = stem.rpartition("-")
        if version.replace(".", "").isdecimal():
            versions.setdefault(stem, []).append(name)
    return frozenset(
        name
        for names in versions.values()
        if len(names) > 1 and _are_alternatives(names, needed)
        for name in names
    )


def _are_alternatives(names: Sequence[str], needed: Mapping[str, Sequence[str]]) -> bool:
    every = [path for name in names for path in needed[name]]
    if len(set(every)) < len(every):
        return False
    likes = {frozenset(path.translate(_WITHOUT_DIGITS) for path in needed[name]) for name in names}
    return len(likes) == 1 or all(kind_of(name) is Kind.CUDA for name in names)


def _is_left_to_the_tool(origin: Origin, word: str) -> bool:
    """Whether the tool itself knows what to do with a library, and should not exclude it.

    auditwheel cuts the link to libpython; delvewheel never copies Python's DLLs.
    """
    return origin is Origin.PYTHON and word != MACOS.word


def _told(name: str, word: str, others: Collection[str]) -> str:
    """A needed library as its tool compares it."""
    if word == LINUX.word:
        return "".join(f"[{char}]" if char in "[*?" else char for char in name)
    base = file_name(name)
    if word == MACOS.word:
        if "." not in base:
            return f"/{base}.framework/"
        if any(other.endswith(base) and file_name(other) != base for other in others):
            return f"/{base}"
    return base


def _of_copy(name: str, word: str, project: Project) -> tuple[str, Origin, str] | None:
    """What to exclude so that a repair does not make this copy: name, origin, who brings it.

    None for a file that may be in the wheel. auditwheel names a copy after the file, which may have
    more numbers after ``.so`` than the name in ``DT_NEEDED``: all versions are excluded.
    """
    plain, mark = without_mark(name)
    keeps_its_name = word != LINUX.word and is_runtime(plain)
    if not mark and kind_of(plain) is not Kind.TORCH and not keeps_its_name:
        return None
    stem, so, version = plain.partition(".so.")
    short = f"{stem}{so}{version.partition('.')[0]}"
    if is_runtime(short):
        plain = short
    who = brought(plain, project)
    if who.origin not in (Origin.TORCH, Origin.CUDA, Origin.DRIVER):
        return None
    return f"{stem}.so.*" if plain != short else plain, who.origin, who.by


def _checks(
    context: Context,
    word: str,
    linked: _Linked,
    excluded: Sequence[Excluded],
    copied: Sequence[Copied],
) -> Iterator[str]:
    strange = [one.library for one in excluded if not is_sayable(word, one.library)]
    if strange:
        yield f"{_some(strange)} has no name that every shell understands: exclude it by hand"
    copies = [one.copy for one in excluded if one.copy is not None]
    if copies:
        yield (
            f"the wheel was repaired without this: it contains {_some(copies)}; repair the wheel "
            "as it was built"
        )
    of_torch = [one for one in excluded if one.origin is Origin.TORCH and one.needed_by]
    required = "torch" in context.required_names
    if of_torch and context.declared.is_python_distribution and not required:
        yield "the wheel does not require torch, which brings what is excluded: declare it"
    if of_torch and not any(_leads_to_torch(one) for one in linked.rpaths):
        if word == LINUX.word:
            yield (
                "no RPATH leads to torch/lib, so torch must be imported before the extension; or "
                f"link with {_rpath(context, of_torch)}"
            )
        else:
            yield "torch must be imported before the extension"
    if of_torch and word == MACOS.word:
        yield (
            "delocate must find a library before it excludes it: the command needs a Python that "
            "has torch"
        )
    python = [name for name in linked.needed if kind_of(name) is Kind.PYTHON]
    if python and word == LINUX.word:
        yield (
            f"do not link to {file_name(python[0])}: auditwheel 6.4 and later remove the link, "
            "earlier ones copy the library"
        )
    if python and word == MACOS.word:
        yield f"do not link to {file_name(python[0])}: extensions find Python in their process"
    if copied:
        yield (
            f"{TOOLS[word].name} must find {_some([one.library for one in copied])} to copy it "
            f"({TOOLS[word].search}); exclude what users must install themselves"
        )


def _leads_to_torch(rpath: str) -> bool:
    return rpath.replace("\\", "/").rstrip("/").endswith("torch/lib")


def _rpath(context: Context, excluded: Sequence[Excluded]) -> str:
    """The linker's option for the first library that is linked to torch."""
    path = excluded[0].needed_by[0]
    root = context.package.root.name
    depth = path.count("/") + (root in context.package.import_names)
    return f"-Wl,-rpath,'$ORIGIN/{'../' * depth}torch/lib'"


def _some(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
