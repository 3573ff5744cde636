"""Packages that ship one library per torch release: the release of each file, by its path.

Published wheels and build systems write it into a directory or a file name, after a word for torch:
``torch-2.10/_C.so``, ``libtorch-2.5.X/x.so``, ``x_torch211.so``, ``x.so.pt112cu116``,
``libx_pytorch_2.2.1.so``, ``x+cu124torch2.4.so``, ``build/torch29-cxx11-cu126-x86_64-linux/x.so``.
One such name proves nothing, since it may be a library's own version; two releases in names that
are otherwise equal do.
"""

from __future__ import annotations

from torch_abi_audit.knowledge.names.library_file import split_version
from torch_abi_audit.model.releases import minor_of
from torch_abi_audit.runtime.once import once
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Mapping, Sequence

_WORDS = ("torch", "pt", "pyt")
_BETWEEN = "-_v="
_DIGITS = frozenset("12")
_AFTER = _DIGITS.union(_BETWEEN)
_LAST = {1: 13, 2: 39}
"""The largest minor release of torch 1, and one that torch 2 will not reach for years."""


@dataclass(frozen=True, slots=True)
class Release:
    """The torch release that a library was built for."""

    minor: str
    """Such as ``2.10``."""
    patch: str | None = None
    """Such as ``2.10.0``, where the path states it."""

    def serves(self, release: str) -> bool:
        """Whether a package would choose it for a torch release."""
        return self.patch == release if self.patch else self.minor == minor_of(release)

    @property
    def text(self) -> str:
        """The release as stated: ``2.10`` or ``2.10.0``."""
        return self.patch or self.minor


@dataclass(frozen=True, slots=True)
class Mark:
    """A torch release in a path; ``path[start:end]`` is the word and the number."""

    start: int
    end: int
    dotted: tuple[str, ...]
    """The parts of a number with separators: major, minor and perhaps patch release."""
    packed: str
    """The digits of a number without separators: ``29``, ``211``, ``251`` or ``2100``."""


def mark(path: str) -> Mark | None:
    """The last torch release after a word for torch in a path; None if there is none."""
    if not _may_say(path.lower()):
        return None
    found = None
    for match in _mark().finditer(path):
        parts = tuple(each for each in match.group("major", "minor", "patch") if each)
        if parts and int(parts[1]) > _LAST[int(parts[0])]:
            continue
        if _is_libtorch(path, match.start(), match.end()):
            continue
        found = Mark(match.start(), match.end(), parts, match["packed"] or "")
    return found


def releases(paths: Iterable[str]) -> Mapping[str, Release]:
    """The torch release of each path that names one; empty unless the paths are of variants.

    That they are shows in two names that are equal but for the release.
    """
    marks = {path: found for path in paths if (found := mark(path)) is not None}
    if len(marks) < 2:
        return {}
    read = readings({path: (one.dotted, one.packed) for path, one in marks.items()})
    stated = {path: one for path, one in read.items() if one is not None}
    alike: dict[str, set[Release]] = {}
    for path, one in stated.items():
        alike.setdefault(_place(path, marks[path]), set()).add(one)
    if all(len(found) == 1 for found in alike.values()):
        return {}
    return stated


def readings(
    numbers: Mapping[str, tuple[Sequence[str], str]], *, patches: bool | None = None
) -> dict[str, Release | None]:
    """The release that each number means: its parts, or its digits if it has no separators.

    Whether three digits end with a patch release (``251``) or not (``211``) shows in the other
    numbers of the package. None where a number can be no release of torch.

    Args:
        numbers: The numbers by path.
        patches: How to read three digits; by default, as the other numbers suggest.
    """
    if patches is None:
        packed = [digits for _, digits in numbers.values() if digits]
        patches = not any(len(one) == 2 for one in packed) and any(
            len(one) == 4 or (len(one) == 3 and not _is_minor(one)) for one in packed
        )
    return {
        path: _release(dotted, digits, patches=patches)
        for path, (dotted, digits) in numbers.items()
    }


def _release(dotted: Sequence[str], digits: str, *, patches: bool) -> Release | None:
    parts = [str(int(each)) if each.isdecimal() else each for each in dotted]
    if digits:
        split = len(digits) - 1 if patches and len(digits) > 2 else len(digits)
        parts = [digits[0], digits[1:split], *digits[split:]]
        if not parts[1] or (len(parts[1]) > 1 and parts[1][0] == "0"):
            return None
    if len(parts) < 2 or int(parts[0]) not in _LAST or int(parts[1]) > _LAST[int(parts[0])]:
        return None
    minor = ".".join(parts[:2])
    exact = len(parts) > 2 and parts[2].isdecimal()
    return Release(minor, f"{minor}.{parts[2]}" if exact else None)


def _is_minor(digits: str) -> bool:
    """Whether three digits can be a minor release: ``211``, but not ``251`` or ``201``."""
    return digits[1] != "0" and int(digits[1:]) <= _LAST[int(digits[0])]


def _place(path: str, one: Mark) -> str:
    """A path up to the end of its component with the mark, without mark and flavour."""
    from torch_abi_audit.knowledge.names.flavours import without_flavour  # rarely needed

    end = path.find("/", one.end)
    end = len(path) if end < 0 else end
    return without_flavour(path[: one.start] + path[one.end : end], platform=True)


def _is_libtorch(path: str, start: int, end: int) -> bool:
    """Whether ``path[start:end]`` is the file ``libtorch-2.5.so`` itself."""
    rest = path[end:]
    whole = (start == 0 or path[start - 1] == "/") and "/" not in rest
    return (
        whole and path[start : start + 3].lower() == "lib" and not split_version(f"x{rest}")[0][1:]
    )


def _may_say(path: str) -> bool:
    """Whether a release may follow one of the words; rejects most paths without ``re``."""
    for word in _WORDS:
        at = path.find(word)
        while at >= 0:
            after = at + len(word)
            if path[after : after + 1] in _AFTER and path[after:].lstrip(_BETWEEN)[:1] in _DIGITS:
                return True
            at = path.find(word, after)
    return False


@once
def _mark() -> re.Pattern[str]:
    import re  # rarely needed

    return re.compile(
        r"(?:(?<![^-_./+])|(?<=cu\d\d)|(?<=cu\d\d\d)|(?<=cu\d\d\.\d))"
        r"(?:py|lib)?(?:torch|pt|pyt)(?:[-_]?v|==|[-_])?"
        r"(?:(?P<major>[12])(?P<by>[-._p])(?P<minor>\d{1,2})(?:(?P=by)(?P<patch>\d{1,2}|x))?"
        r"(?:\.\d+)*|(?P<packed>[12]\d{1,3}))"
        r"(?=[-_./+]|cu\d|cpu|rocm|xpu|cxx|a\d|rc\d|$)",
        re.IGNORECASE,
    )
