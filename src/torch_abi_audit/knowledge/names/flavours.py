"""The flavour in a library's path: which CUDA, ROCm, XPU … or C++ ABI it was built for.

Published wheels have ``libbitsandbytes_cuda126.so`` beside ``libbitsandbytes_rocm64.so``,
``…_preload_cu12.abi3.so``, ``cpu/_C.so``, ``torch29-cxx11-cu126-x86_64-linux/x.so``. That such
files stand in each other's place is not said by one name alone: see ``alternatives``.
"""

from __future__ import annotations

from torch_abi_audit.knowledge.names.library_file import split_version
from torch_abi_audit.knowledge.names.repair_mark import without_mark
from torch_abi_audit.runtime.once import once
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re

_HINTS = ("cu", "cpu", "gpu", "rocm", "hip", "xpu", "sycl", "musa", "npu", "hpu", "cxx")
_SAME = {"cuda": "cu", "gpu": "cu", "hip": "rocm", "sycl": "xpu"}
"""Words for one kind of flavour."""
_MAJORS = {"cu": range(10, 16), "rocm": range(4, 9)}
"""Major releases: of CUDA since 10, and of ROCm since 4, and some that may follow."""


@dataclass(frozen=True, slots=True)
class Flavour:
    """One flavour in a path."""

    text: str
    """As written, in lower case: ``cu126``, ``cuda``, ``cxx11``."""
    kind: str
    """``cu``, ``rocm``, ``xpu``, ``cpu`` …; ``abi`` for a C++ ABI and ``on`` for a platform."""
    number: str
    """The digits after it, without separators; empty if it has none."""


def flavours(path: str, *, platform: bool = False) -> tuple[Flavour, ...]:
    """The flavours that a path names, from left to right; not those in the file's version.

    Of ``_cuda_cu118``, only the second, which says more, counts.

    Args:
        path: The path.
        platform: Whether words for a platform count, too.
    """
    found = [_flavour(match) for match in _found(path, platform=platform)]
    numbered = {one.kind for one in found if one.number}
    return tuple(one for one in found if one.number or one.kind not in numbered)


def without_flavour(path: str, *, platform: bool = False) -> str:
    """A path without its flavours and the separators before them; directories may vanish.

    Args:
        path: The path.
        platform: Whether to remove words for a platform, too.
    """
    rest, at = [], 0
    for match in _found(path, platform=platform):
        rest.append(path[at : match.start()])
        at = match.end()
    return _joined("".join([*rest, path[at:]]))


def _joined(path: str) -> str:
    """A path without empty components, separators at the ends of components, and repair marks."""
    parts = [part.rstrip("-_+") for part in path.split("/")]
    parts[-1] = without_mark(parts[-1])[0]
    return "/".join(part for part in parts if part)


def _found(path: str, *, platform: bool) -> list[re.Match[str]]:
    lowered = path.lower()
    if not platform and not any(hint in lowered for hint in _HINTS):
        return []
    head, slash, file = lowered.rpartition("/")
    stem, version = split_version(file)
    known = len(head) + len(slash) + len(stem)
    pattern = _pattern()
    return [
        each
        for each in pattern.finditer(lowered)
        if (platform or each["platform"] is None)
        and (each.end() <= known or _is_word(version))
        and _is_release(each)
    ]


def _is_release(match: re.Match[str]) -> bool:
    """Whether the number after a word, if any, can be a release: ``cuda_256`` is no CUDA."""
    digits = "".join(each for each in match["number"] or "" if each.isdecimal())
    if not digits:
        return True
    majors = _MAJORS.get(_SAME.get(match["word"], match["word"]))
    return majors is None or int(digits[: 2 if majors[0] > 9 else 1]) in majors


def _is_word(version: str) -> bool:
    """Whether what follows ``.so.`` is no version: ``pt112cu116``."""
    return version[:1].isalpha()


def _flavour(match: re.Match[str]) -> Flavour:
    text = match["abi"] or match["platform"] or match["flavour"]
    if match["abi"] or match["platform"]:
        return Flavour(text, "abi" if match["abi"] else "on", text)
    word = match["word"] or match["bare"]
    digits = "".join(each for each in match["number"] or "" if each.isdecimal())
    return Flavour(text, _SAME.get(word, word), digits)


@once
def _pattern() -> re.Pattern[str]:
    import re  # rarely needed

    words = "cuda|cu|rocm|hip|xpu|sycl|musa|npu|hpu"
    return re.compile(
        r"(?:(?:^|(?<=/))|[-_.+]|(?<=[12]\d)|(?<=[12]\d\d)|(?<=\.\d))"
        r"(?:(?P<abi>(?:pre)?cxx(?:11|98)(?:-?abi)?(?:true|false|[01](?!\d))?)"
        r"|(?P<platform>x86_64|aarch64|arm64|amd64|linux|darwin|macos|windows|win)"
        rf"|(?P<flavour>(?P<word>{words})[-_]?(?P<number>\d{{1,2}}(?:[._]\d(?!\d)){{0,2}}x?|\d{{3,4}})"
        rf"|(?P<bare>{words}|cpu|gpu)))"
        r"(?=[-_.+/]|cxx|torch|pt\d|$)"
    )
