"""Finds a GPU by what its driver or its owner calls it.

A name is compared word by word, without the words for the vendor, the form of the board and the
size of the memory, and also without the name of its series where that leaves no doubt: ``4090`` is
the GeForce RTX 4090, but ``RTX 6000`` may be of three generations.
"""

from __future__ import annotations

import re
from itertools import combinations

from torch_abi_audit.knowledge import tables
from torch_abi_audit.model.errors import UnknownGpuError
from torch_abi_audit.model.gpus import Gpu
from torch_abi_audit.runtime.once import once

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PART = re.compile(r"\bmig \d+g\.\d+gb.*|-\d+[abcq]$|-pg\d+-\d+|\((?:r|tm)\)|[®™]")
"""Slices and virtual GPUs (``MIG 1g.5gb``, ``-16Q``), numbers of boards, and trade marks."""
_APART = re.compile(r"[\s()_,+-]+")
_SAYS_NOTHING = re.compile(
    r"nvidia|amd|ati|corporation|tesla|grid|tegra|nvgpu|integrated|gpu|graphics|generation|edition"
    r"|workstation|server|laptop|mobile|notebook|desktop|embedded|refresh|oem|with|max|q|design"
    r"|accelerator|\d+g[bi]?b?|sxm\d?|pcie|hbm\d?e?|3e|nvl\d*|oam|vf|hf|mxgpu|fhhl|dgxs|ls"
    r"|ac|lc|lp|dual|slot|active"
)
"""Words of the vendor, of the form of the board, and the size of its memory."""
_SERIES = re.compile(
    r"geforce|quadro|rtx|gtx|gt|nvs|jetson|agx|dgx|radeon|instinct|rx|pro|ai|ada|blackwell|pascal"
)
"""Words that people leave out."""
_SHORT = re.compile(r"Tesla |Instinct |GeForce (?=RTX|GTX|GT )|Radeon (?=RX |PRO )")


def find(text: str) -> Gpu | None:
    """The GPU of a name; None if no known one has it.

    Several names with slashes between them, such as ``H100/H200``, are one generation.

    Raises:
        UnknownGpuError: GPUs of several architectures have this name.
    """
    found: dict[str, str] = {}
    for part in text.split("/"):
        named = _names().get(_key(_words(part)))
        if named is None:
            return None
        found |= named
    if len(set(found.values())) > 1:
        choices = ", ".join(f"{name} ({target})" for name, target in found.items())
        raise UnknownGpuError(f"{text!r} may be one of several GPUs: {choices}")
    name = next(iter(found)) if len(found) == 1 or "/" not in text else "/".join(found)
    return Gpu(name, next(iter(found.values())))


def nearest(text: str) -> str:
    """The names that look like a text, as the end of a sentence; empty if none do."""
    near = close(text)
    return f" (nearest: {', '.join(near)})" if near else ""


def close(text: str) -> tuple[str, ...]:
    """At most three names or architectures that look like a text, the most similar first."""
    from difflib import get_close_matches  # only for mistakes

    names = {target: {target: target} for target in tables.read("gpus").sections["names"]} | dict(
        _names()
    )
    near: dict[str, None] = {}
    for key in get_close_matches(_key(_words(text)), names, n=12, cutoff=0.6):
        near |= dict.fromkeys(names[key])
    return tuple(near)[:3]


def _words(text: str) -> list[str]:
    plain = _PART.sub(" ", text.strip().lower())
    return [word for word in _APART.split(plain) if word and not _SAYS_NOTHING.fullmatch(word)]


def _key(words: list[str]) -> str:
    return "".join(words)


@once
def _names() -> Mapping[str, Mapping[str, str]]:
    """Each way to write a name, to the names that it may stand for, with their architectures.

    A name that is written in full stands for itself alone. Generations are written in full: ``10``
    is not ``GTX 10``.
    """
    sections = tables.read("gpus").sections
    full: dict[str, dict[str, str]] = {}
    short: dict[str, dict[str, str]] = {}
    for target, names in sections["names"].items():
        for name in names.split(", "):
            words, shown = _words(name), _SHORT.sub("", name)
            full.setdefault(_key(words), {})[shown] = target
            for key in _shortened(words):
                short.setdefault(key, {})[shown] = target
    for section in ("always", "on_demand"):
        for target, label in sections[section].items():
            for name in label.split("/"):
                full.setdefault(_key(_words(name)), {}).setdefault(name, target)
    return short | full


def _shortened(words: list[str]) -> Iterator[str]:
    """A name without one or more of the words for its series."""
    series = [index for index, word in enumerate(words) if _SERIES.fullmatch(word)]
    for count in range(1, len(series) + 1):
        for left_out in combinations(series, count):
            yield _key([word for index, word in enumerate(words) if index not in left_out])
