"""The version of a torch, from its ``torch/version.py`` or from a word such as ``2.13.0+cu126``."""

from __future__ import annotations

import os
import re
import zipfile

from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_NAMED = re.compile(r"(?:torch)?=*(\d+(?:\.\d+){1,2})((?:[a-z]+\d*|\.dev\d+)?(?:\+[\w.]+)?)")
_VERSION = re.compile(r"^__version__[^=\n]*=\s*['\"](\d+(?:\.\d+)*)([^'\"]*)['\"]", re.MULTILINE)
_CUDA = re.compile(r"^cuda\b[^=\n]*=\s*['\"]([\d.]+)['\"]", re.MULTILINE)
_KNOWN_BUILDS = ("cpu", "cu", "rocm", "xpu")
"""How the local part of a version begins that names a build; others are the hash of a commit."""
_LARGEST = 1 << 16


@dataclass(frozen=True, slots=True)
class TorchVersion:
    """A torch version and its build."""

    release: str
    """The release number, such as ``2.13.0``."""
    local: str = ""
    """The rest of the version: ``+cpu``, ``a0+git1234567``."""
    cuda: str | None = None
    """The CUDA version that torch was built for; None for a build without CUDA."""
    known_build: bool = True
    """Whether ``cuda`` is known: a plain release number does not name a build."""

    @property
    def text(self) -> str:
        """The full version, as in ``torch.__version__``."""
        return self.release + self.local


def named(word: str) -> TorchVersion | None:
    """The version in ``2.13``, ``2.13.0+cu126`` or ``torch==2.13.0``; None for other words."""
    match = _NAMED.fullmatch(word.strip())
    if match is None:
        return None
    release = match[1] if match[1].count(".") == 2 else f"{match[1]}.0"
    build = match[2].partition("+")[2]
    digits = build.removeprefix("cu")
    cuda = f"{digits[:-1]}.{digits[-1]}" if digits != build and digits.isdecimal() else None
    known = build.startswith(_KNOWN_BUILDS)
    return TorchVersion(release, match[2], cuda, known_build=known)


def place(path: str) -> str:
    """The location of torch at a path: the path itself, or the directory ``torch`` in it."""
    inner = os.path.join(path, "torch")
    if not os.path.isfile(os.path.join(path, "version.py")) and os.path.isdir(inner):
        return inner
    return path


def stated(where: str) -> TorchVersion:
    """The version of the torch at ``where``, a directory or a wheel.

    Raises:
        TargetError: there is no torch, or its version cannot be read.
    """
    try:
        if os.path.isdir(where):
            text = _read(os.path.join(where, "version.py"))
        else:
            with zipfile.ZipFile(where) as wheel:
                member = wheel.getinfo("torch/version.py")
                if member.file_size > _LARGEST:
                    raise TargetError(f"torch/version.py in {where} is too large to be torch's")
                text = wheel.read(member).decode("utf-8", "replace")
    except (OSError, KeyError, zipfile.BadZipFile, NotImplementedError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise TargetError(
            f"{where} is neither a torch directory nor a torch wheel"
            f"{f' ({reason})' if reason else ''}"
        ) from error
    found = _parsed(text)
    if found is None:
        raise TargetError(f"{where} does not state its torch version: no __version__ in version.py")
    return found


def importable(path: Iterable[str]) -> TorchVersion | None:
    """The torch that ``import torch`` would find on a search path; does not import it."""
    for directory in path:
        try:
            found = _parsed(_read(os.path.join(directory, "torch", "version.py")))
        except OSError:
            continue
        if found is not None:
            return found
    return None


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read(_LARGEST)


def _parsed(text: str) -> TorchVersion | None:
    version, cuda = _VERSION.search(text), _CUDA.search(text)
    if version is None:
        return None
    return TorchVersion(version[1], version[2], cuda[1] if cuda else None)
