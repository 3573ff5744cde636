"""The tools that repair wheels, one for each system, and their command lines.

From the sources of the tools:

- auditwheel (``lddtree.ldd``, 6.8): ``--exclude`` is matched by ``fnmatch`` against the name in
  ``DT_NEEDED``, and what is excluded is not followed. Before 6.0 its dependencies were bundled;
  wildcards are understood since 6.2.
- delocate (``cmd.common``, 0.13): ``--exclude`` is a part of the library's resolved path, which
  must exist: a library that is not found is an error even if it is excluded. Since 0.10.6.
- delvewheel (``__main__``, ``_dll_utils``, 1.13): ``--exclude`` is a name, in any case; several may
  be joined by ``os.pathsep``, which depends on the system, so the option is repeated here, which
  1.8 and later allow. What is excluded is neither sought nor followed. Before 1.8: ``--no-dll``.
"""

from __future__ import annotations

from shlex import quote

from torch_abi_audit.knowledge.platforms import LINUX, MACOS, WINDOWS
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_TORCH_LIB = "\"$(python -c 'import torch; print(torch.__path__[0])')/lib\""
"""The directory of torch's libraries, as a word of a shell."""
_DOUBTFUL = frozenset("\"'`$%&|<>;^!*?\\\n\r\t ")
"""Characters that mean something to some shell of Windows, or that file names cannot contain."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that copies the libraries that a wheel needs into the wheel."""

    name: str
    since: str
    """The oldest release that understands the command."""
    search: str
    """How it is told where to look for the libraries that it copies."""
    start: tuple[str, ...]
    """The words before the options."""
    ci: tuple[str, ...]
    """The words before the options in ``repair-wheel-command`` of cibuildwheel."""


TOOLS = {
    LINUX.word: Tool(
        "auditwheel",
        "6.0",
        "LD_LIBRARY_PATH",
        ("auditwheel", "repair"),
        ("auditwheel", "repair", "-w", "{dest_dir}", "{wheel}"),
    ),
    MACOS.word: Tool(
        "delocate",
        "0.10.6",
        "DYLD_LIBRARY_PATH",
        ("delocate-wheel", "-w", "wheelhouse"),
        (
            *("delocate-wheel", "--require-archs", "{delocate_archs}"),
            *("-w", "{dest_dir}", "-v", "{wheel}"),
        ),
    ),
    WINDOWS.word: Tool(
        "delvewheel",
        "1.8",
        "--add-path",
        ("delvewheel", "repair"),
        ("delvewheel", "repair", "-w", "{dest_dir}", "{wheel}"),
    ),
}
"""The tool of each system, by its word."""
_PATTERNS = "6.2"
"""The first auditwheel that understands patterns."""


def command(word: str, excluded: Iterable[str], wheel: str, *, finds_torch: bool) -> str:
    """The command that repairs a wheel, for the shell of its system.

    Args:
        word: The word of the system.
        excluded: The names to exclude, as the tool compares them.
        wheel: The path of the wheel; a pattern such as ``dist/*.whl`` is not quoted.
        finds_torch: Whether the tool must be able to find torch's libraries to exclude them.
    """
    last = wheel if wheel == ANY_WHEEL else _quoted(word, wheel)
    return " ".join(
        [*_before(word, finds_torch), *TOOLS[word].start, *options(word, excluded), last]
    )


def ci_command(word: str, excluded: Iterable[str], *, finds_torch: bool) -> str:
    """The value of ``repair-wheel-command`` for cibuildwheel; see ``command``."""
    return " ".join([*_before(word, finds_torch), *TOOLS[word].ci, *options(word, excluded)])


ANY_WHEEL = "dist/*.whl"
"""Stands for the wheels of a project where no wheel was given."""


def options(word: str, excluded: Iterable[str]) -> list[str]:
    """``--exclude NAME`` for each name, quoted for the shell of the system."""
    return [f"--exclude {_quoted(word, name)}" for name in excluded]


def since(word: str, excluded: Iterable[str]) -> str:
    """The oldest release of the tool that understands a command."""
    has_pattern = any(set(name) & set("*?[") for name in excluded)
    return _PATTERNS if has_pattern and word == LINUX.word else TOOLS[word].since


def is_sayable(word: str, name: str) -> bool:
    """Whether a name can be given to the tool: on Windows, no quoting is safe in every shell."""
    return name.isprintable() and (word != WINDOWS.word or _DOUBTFUL.isdisjoint(name))


def _before(word: str, finds_torch: bool) -> tuple[str, ...]:  # noqa: FBT001
    return (f"DYLD_LIBRARY_PATH={_TORCH_LIB}",) if finds_torch and word == MACOS.word else ()


def _quoted(word: str, text: str) -> str:
    if word != WINDOWS.word:
        return quote(text)
    return text if _DOUBTFUL.isdisjoint(text.replace("\\", "/")) else f'"{text}"'
