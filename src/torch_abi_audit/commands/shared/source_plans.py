"""Plans of sources: reads them, and shows or makes the mechanical changes to them."""

from __future__ import annotations

import os
import sys
from functools import partial

from torch_abi_audit.commands.shared.progress import activity
from torch_abi_audit.commands.shared.terminal import complain, say
from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.port.source import build_files, joined
from torch_abi_audit.port.source.contexts import NOTHING, contexts
from torch_abi_audit.port.source.edits import diff, edited, edited_build, without_carried
from torch_abi_audit.port.source.findings import SourceFile
from torch_abi_audit.port.source.reading import read
from torch_abi_audit.report.wording import plural, several
from torch_abi_audit.runtime.records import dataclass, replace
from torch_abi_audit.sources.files import source_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch_abi_audit.port.migration import Plan
    from torch_abi_audit.port.source.contexts import Context
    from torch_abi_audit.port.source.edits import Edited
    from torch_abi_audit.port.source.findings import BuildFinding, SourceView
    from torch_abi_audit.sources.files.source_tree import SourcePath, SourceTree

_OF_TORCH = (b"torch/", b"ATen/", b"c10/", b"aoti_torch_")
"""What a source of a torch extension has in it."""
_MOST_BYTES = 256 << 20
"""Of all sources together."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Sources and build files that have been read."""

    name: str
    """What was asked for, for the report."""
    tree: SourceTree
    view: SourceView
    contents: Mapping[str, bytes]
    """The files that have mechanical changes, by name."""
    around: Mapping[str, Context]
    """What the headers that each source includes declare."""
    target: str
    torch: bool
    """Whether any source names something of torch."""

    def plan(self) -> Plan:
        """The plan of these sources without a binary."""
        return joined.of_sources(self.name, self.view, self.target, torch=self.torch)


def read_sources(paths: Sequence[str], target: str, *, bar: bool) -> Sources:
    """Read sources and build files.

    Args:
        paths: Files and directories, as typed.
        target: The oldest torch release to support.
        bar: Whether a progress bar may be drawn.

    Raises:
        TargetError: a path cannot be read, or there is no source at any of them.
    """
    tree = source_tree.source_tree(paths)
    if not tree.sources:
        skipped = f" (skipped: {_skipped(tree)})" if tree.skipped else ""
        raise TargetError(f"no C++ or CUDA source in {' and '.join(paths)}{skipped}")
    texts, unread = _texts(tree)
    around = contexts(texts)
    files: list[SourceFile] = []
    build: list[BuildFinding] = []
    contents: dict[str, bytes] = {}
    in_sources = False
    with activity(enabled=bar) as shown:
        if shown is not None:
            shown.expect(len(texts))
        for name, data in texts.items():
            if shown is not None:
                shown.step(name)
            found = read(name, data, target, around.get(name, NOTHING))
            files.append(without_carried(data, found))
            defines, wrong = build_files.defined_in(name, data, target)
            in_sources = in_sources or defines
            build += wrong
            if any(use.edits for use in found.uses) or any(one.edits for one in wrong):
                contents[name] = data
    files = sorted((*files, *unread), key=lambda one: one.name)
    for one in tree.build_files:
        try:
            data = one.read()
        except TargetError as error:
            build.append(build_files.unread(one.name, str(error)))
            continue
        findings = build_files.examine(one.name, data, target, in_sources=in_sources)
        build += findings
        if any(each.edits for each in findings):
            contents[one.name] = data
    view = joined.view(tree.root, files, build, target, _notes(tree))
    torch = any(word in data for data in texts.values() for word in _OF_TORCH)
    alone = len(paths) == 1 and source_tree.is_source_file(paths[0])
    name = os.path.basename(paths[0] if alone else tree.root)
    return Sources(name, tree, view, contents, around, target, torch)


def change(found: Sequence[Sources], *, write: bool, quiet: bool) -> bool:
    """Show the mechanical changes as a patch on standard output, or make them.

    Args:
        found: The sources.
        write: Whether to make them.
        quiet: Whether to leave out how many there were.

    Returns:
        Whether all could be made.
    """
    whole = True
    sys.stdout.flush()
    for sources in found:
        made = files = 0
        left = sum(not use.edits for file in sources.view.files for use in file.uses)
        points = sum(not one.edits for one in sources.view.build)
        for file, old, new in _changed(sources):
            if write:
                try:
                    source_tree.replace(sources.tree, file, old, new.data)
                except TargetError as error:
                    complain(f"cannot write {file.path}: {error}")
                    whole = False
                    continue
            else:
                sys.stdout.buffer.write(diff(file.name, old, new.data))
            made, files = made + new.made, files + 1
        sys.stdout.buffer.flush()
        if not quiet:
            verb = "made" if write else "shown"
            say(
                f"{plural(made, 'change')} in {plural(files, 'file')} {verb}; left to do by hand: "
                f"{plural(left, 'use')} in the sources and {plural(points, 'point')} of the build"
            )
    return whole


def _changed(sources: Sources) -> Iterator[tuple[SourcePath, bytes, Edited]]:
    """Each file whose contents change, with what it was."""

    def read_again(name: str, data: bytes) -> SourceFile:
        return read(name, data, sources.target, sources.around.get(name, NOTHING))

    uses = {file.name: file for file in sources.view.files}
    for file in (*sources.tree.build_files, *sources.tree.sources):
        old = sources.contents.get(file.name)
        if old is None:
            continue
        new = edited_build(old, [one for one in sources.view.build if one.name == file.name])
        if file.name in uses:
            found = uses[file.name] if new.data == old else read_again(file.name, new.data)
            rest = edited(new.data, found, partial(read_again, file.name))
            new = replace(rest, made=new.made + rest.made)
        if new.data != old:
            yield file, old, new


def _texts(tree: SourceTree) -> tuple[dict[str, bytes], list[SourceFile]]:
    """The contents of each source by its name, and an entry for each that cannot be read.

    Raises:
        TargetError: they are too large together.
    """
    texts: dict[str, bytes] = {}
    unread = [SourceFile(name, error=f"cannot be listed: {why}") for name, why in tree.unread]
    size = 0
    for source in tree.sources:
        try:
            texts[source.name] = source.read()
        except TargetError as error:
            unread.append(SourceFile(source.name, error=str(error)))
            continue
        size += len(texts[source.name])
        if size > _MOST_BYTES:
            raise TargetError(
                f"the sources in {tree.root} are larger than {_MOST_BYTES >> 20} MiB together: "
                "give the directories of the extension's own sources"
            )
    return texts, unread


def _notes(tree: SourceTree) -> Iterator[str]:
    if tree.skipped:
        yield f"skipped: {_skipped(tree)}; give one as --source to read it"
    if not tree.build_files:
        yield (
            "no build file there: give the directory of setup.py or CMakeLists.txt as --source to "
            "have it checked"
        )


def _skipped(tree: SourceTree) -> str:
    return several([f"{name} ({what})" for name, what in tree.skipped], "directory")
