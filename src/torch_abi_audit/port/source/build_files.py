"""What the build files of a project say about the stable ABI, and what to change in them."""

from __future__ import annotations

import re

from torch_abi_audit.port.source.build import (
    cmake,
    compile_commands,
    meson,
    project_table,
    setup_script,
    target_macro,
)
from torch_abi_audit.port.source.findings import BuildFinding, Edit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_IN_SOURCE = re.compile(
    rf"^[ \t]*#[ \t]*define[ \t]+{target_macro.MACRO}[ \t]+([^\r\n]*?)[ \t]*(?://[^\r\n]*)?\r?$".encode(),
    re.MULTILINE,
)


def examine(
    name: str, data: bytes, target: str, *, in_sources: bool = False
) -> tuple[BuildFinding, ...]:
    """What to change in a build file; nothing if it builds no extension of torch.

    Args:
        name: Its path, which decides how it is read.
        data: Its contents.
        target: The oldest torch release to support, such as ``2.10.0``.
        in_sources: Whether the sources define ``TORCH_TARGET_VERSION`` themselves.
    """
    found = _examined(name, data, target)
    if in_sources:
        found = (one for one in found if not one.what.startswith(target_macro.MISSING))
    return tuple(found)


def _examined(name: str, data: bytes, target: str) -> Iterable[BuildFinding]:
    base = name.rpartition("/")[2].lower()
    if base == "setup.py":
        return setup_script.examine(name, data, target)
    if base == "cmakelists.txt" or base.endswith(".cmake"):
        return cmake.examine(name, data, target)
    if base == "compile_commands.json":
        return compile_commands.examine(name, data, target)
    if base == "build.ninja":
        return compile_commands.examine_ninja(name, data, target)
    if base == "pyproject.toml":
        return project_table.examine(name, data)
    return meson.examine(name, data, target) if base == "meson.build" else ()


def unread(name: str, why: str) -> BuildFinding:
    """The finding for a build file that could not be read."""
    return BuildFinding(name, None, f"{why}: look in it for {target_macro.MACRO} yourself")


def defined_in(name: str, data: bytes, target: str) -> tuple[bool, tuple[BuildFinding, ...]]:
    """Whether a source defines ``TORCH_TARGET_VERSION`` itself, and what is wrong with its value.

    Args:
        name: The source's path.
        data: Its contents.
        target: The oldest torch release to support.
    """
    found = list(_IN_SOURCE.finditer(data))
    return bool(found), tuple(_wrong(name, data, target, found))


def _wrong(
    name: str, data: bytes, target: str, found: list[re.Match[bytes]]
) -> Iterator[BuildFinding]:
    for match in found:
        text = match[1].decode("utf-8", "replace")
        if complaint := target_macro.complaint(text, target):
            line = data.count(b"\n", 0, match.start()) + 1
            edit = Edit(match.start(1), match.end(1), complaint[1])
            edits = (edit,) if target_macro.is_mistaken(text) else ()
            write = f"#define {target_macro.MACRO} {complaint[1]}"
            yield BuildFinding(name, line, complaint[0], write, edits)
