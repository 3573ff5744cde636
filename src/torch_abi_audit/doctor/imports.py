"""What ``import NAME`` opens after ``import torch``, and whether the import fails.

The sources of the package are followed from the top, without running them: see ``tracing``. What
cannot be seen: modules that extension modules import by themselves, code that is computed, and
conditions that hold only where the program runs, such as whether there is a GPU. Both ways of such
a condition are followed, and what fails there does not count as a failure of the import.
"""

from __future__ import annotations

import ast
import os
import sys

from torch_abi_audit.doctor.tracing.imports import import_module
from torch_abi_audit.doctor.tracing.modules import Modules
from torch_abi_audit.doctor.tracing.run import Attempt, Broken, Exhausted, Raised, Returned, Run
from torch_abi_audit.doctor.tracing.values import Flags, TorchRelease
from torch_abi_audit.runtime.records import dataclass, field
from torch_abi_audit.sources.files import lookup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch_abi_audit.doctor.process import Failure
    from torch_abi_audit.doctor.tracing.values import Known
    from torch_abi_audit.sources.installed.python import Python

__all__ = ["Attempt", "Ended", "Imported", "Modules", "constants", "follow"]

_DEEPEST = 3000
"""Frames of this program while it follows sources: a dozen for each import within another."""
_OS_NAMES = {"win32": "nt"}
_SYSTEMS = {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}


@dataclass(frozen=True, slots=True)
class Ended:
    """The exception that ends an import."""

    kind: str
    """The class: ``ImportError``."""
    text: str
    """Its message; empty if that is not known."""
    source: str
    line: int
    attempt: int | None = None
    """Index of the attempt that failed; None if a source raises by itself."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did."""

    attempts: tuple[Attempt, ...] = ()
    """The libraries that it opened or tried to open, in order."""
    ended: Ended | None = None
    """How it failed; None if nothing shows that it fails."""
    unresolved: tuple[tuple[str, int], ...] = ()
    """Source and line where a library is opened whose path could not be worked out."""
    before_torch: tuple[str, ...] = ()
    """Libraries that it opens before its sources import torch."""
    possible: tuple[Ended, ...] = ()
    """Exceptions that sources raise under conditions that are not known."""
    homes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The packages that were imported, and their directories."""
    cut: bool = False
    """Whether the sources were too many to follow to the end."""


def follow(
    name: str,
    python: Python,
    modules: Modules,
    environ: Mapping[str, str],
    opener: Callable[[str, bool], Failure | None],
    known: Mapping[str, Known],
    followed: frozenset[str],
) -> Imported:
    """Follow ``import name``.

    Args:
        name: A dotted name.
        python: The interpreter.
        modules: The modules that it finds.
        environ: The variables of its environment.
        opener: Opens a library, for all if so asked, and returns why it is refused.
        known: ``constants``.
        followed: The top-level modules whose sources are followed.
    """
    top = name.partition(".")[0]
    run = Run(python, modules, environ, opener, known, followed | {top})
    ended = None
    cut = False
    deepest = sys.getrecursionlimit()
    sys.setrecursionlimit(max(deepest, _DEEPEST))
    try:
        import_module(name, ("", 0), run)
    except Raised as raised:
        ended = _ended(raised)
    except (Returned, Broken):
        pass
    except (Exhausted, RecursionError):
        cut = True
    finally:
        sys.setrecursionlimit(deepest)
    return Imported(
        tuple(run.attempts),
        ended,
        tuple(dict.fromkeys(run.unresolved)),
        tuple(one.path for one in run.before_torch),
        tuple(_ended(one) for one in run.possible),
        dict(run.directories),
        cut,
    )


def _ended(raised: Raised) -> Ended:
    return Ended(raised.kind, raised.text, raised.source, raised.line, raised.attempt)


def constants(python: Python, torch_directory: str) -> dict[str, Known]:
    """The values of names that the interpreter, the system and torch decide."""
    version = (*python.version, 0, 0)[:3]
    found: dict[str, Known] = {
        "os.name": _OS_NAMES.get(python.system, "posix"),
        "os.sep": "\\" if python.system == "win32" else "/",
        "sys.platform": python.system,
        "sys.version_info": version,
        "sys.prefix": python.prefix,
        "sys.base_prefix": python.base_prefix,
        "sys.path": list(python.path),
        "sys.maxsize": 2**63 - 1,
        "typing.TYPE_CHECKING": False,
        "importlib.machinery.EXTENSION_SUFFIXES": list(python.suffixes),
        "platform.system()": _SYSTEMS.get(python.system, python.system),
        "platform.machine()": python.machine,
    }
    flags = ("RTLD_GLOBAL", "RTLD_LOCAL", "RTLD_LAZY", "RTLD_NOW", "RTLD_NOLOAD")
    for name in flags if python.system != "win32" else ():
        found[f"os.{name}"] = Flags(frozenset({name}))
    for name in ("RTLD_GLOBAL", "RTLD_LOCAL"):
        found[f"ctypes.{name}"] = Flags(frozenset({name}))
    for name, value in _literals(os.path.join(torch_directory, "version.py")).items():
        found[f"torch.version.{name}"] = value
    release = found.get("torch.version.__version__")
    if isinstance(release, str):
        found["torch.__version__"] = found["torch.version.__version__"] = TorchRelease(release)
    return found


def _literals(path: str) -> dict[str, Known]:
    """The names that a source binds to literals at its top."""
    found: dict[str, Known] = {}
    try:
        tree = ast.parse(lookup.source_text(path) or "")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return found
    for node in tree.body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=value))
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=value))
            ):
                found[name] = value
    return found
