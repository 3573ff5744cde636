"""Names that are nearly the one that was asked about: what may have been meant."""

from __future__ import annotations

from torch_abi_audit.explain.labels import labels
from torch_abi_audit.explain.names.build_macros import build_macros
from torch_abi_audit.knowledge import (
    nvidia_functions,
    replacements,
    spellings,
    torch_names,
    torch_shims,
)
from torch_abi_audit.rules import rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST = 3
_LONGEST = 100
"""Characters of a name from which on nothing is compared."""
_SHARE = 5
"""One difference is allowed in so many characters after the namespaces, but always one."""
_WORST = 3
_LEAST = 5
"""Characters of a name without a namespace from which on it is compared with last parts."""
_ALONE = ("at::Tensor::", "at::TensorBase::", "torch::stable::Tensor::", "at::k", "c10::k")
WHOLE_HEADERS: frozenset[str] = frozenset(
    {"torch/extension.h", "torch/torch.h", "torch/all.h", "ATen/ATen.h", "torch/script.h"}
)
"""Headers that only include others."""


def near(asked: str) -> tuple[str, ...]:
    """At most three known names that differ little from a text, the most similar first.

    Case counts half: ``torch_check`` is near ``TORCH_CHECK``. It takes a tenth of a second at most.
    """
    plain = asked.strip()
    if not 3 <= len(plain) <= _LONGEST or not plain.isprintable() or " " in plain:
        return ()
    wanted = plain.lower()
    most = min(_WORST, max(1, len(plain.rpartition("::")[2]) // _SHARE))
    found: dict[str, tuple[int, int]] = {}
    for name in _names(plain):
        lower = name.lower()
        if abs(len(lower) - len(wanted)) <= most and _shared(wanted, lower, most):
            distance = _distance(wanted, lower, most)
            if distance <= most and name != plain:
                found[name] = (distance, sum(a != b for a, b in zip(name, plain, strict=False)))
    best = min((distance for distance, _ in found.values()), default=0)
    close = [name for name, (distance, _) in found.items() if distance <= best + 1]
    return tuple(sorted(close, key=lambda name: (found[name], name))[:_MOST])


def _names(asked: str) -> Iterator[str]:
    """The known names of the asked one's form."""
    if asked[:1].isalpha() and asked[1:].isdigit():
        yield from (one.id for one in rules().values())
        return
    yield from (one.name for one in rules().values())
    yield from labels()
    yield from build_macros()
    yield from torch_names.every()
    yield from (name.decode() for name in torch_shims.shim_names())
    if asked.startswith(("cu", "nccl", "nvrtc")):
        yield from nvidia_functions.functions()
    yield from _by_other_scopes(asked)
    for row in replacements.rows():
        yield from (one for one in row.api.split(", ") if " " not in one)


def _by_other_scopes(asked: str) -> Iterator[str]:
    """Names as the asked one is spelled: ``at::kFloat`` for c10's, a tensor's methods alone."""
    scope, _, _ = asked.rpartition("::")
    if not scope:
        if len(asked) >= _LEAST:
            yield from (one.rpartition("::")[2] for one in _every() if one.startswith(_ALONE))
        return
    for other in torch_names.opened(scope):
        start = f"{other}::"
        for one in torch_names.every():
            if one.startswith(start) and "::" not in one[len(start) :]:
                yield f"{scope}::{one[len(start) :]}"


def _every() -> Iterator[str]:
    for name, one in torch_names.every().items():
        if one.kind in ("method", "type", "constant"):
            yield name


def near_header(path: str) -> tuple[str, ...]:
    """At most three headers of torch whose paths differ little from one that torch does not have.

    Two differences are allowed only in a long file name.
    """
    found: list[tuple[int, str]] = []
    for known in {*torch_names.headers(), *spellings.open_headers(), *WHOLE_HEADERS}:
        if abs(len(known) - len(path)) > _WORST or known == path:
            continue
        distance = _distance(path.lower(), known.lower(), 2)
        stem = known.rpartition("/")[2].partition(".")[0]
        if distance <= (2 if len(stem) >= 2 * _SHARE else 1):
            found.append((distance, known))
    return tuple(name for _, name in sorted(found)[:_MOST])


def _shared(one: str, other: str, most: int) -> bool:
    """Whether two texts can differ in so few characters: by the characters they contain."""
    counts: dict[str, int] = {}
    for character in one:
        counts[character] = counts.get(character, 0) + 1
    lacking = 0
    for character in other:
        left = counts.get(character, 0)
        counts[character] = left - 1
        lacking += left <= 0
    return lacking <= most


def _distance(one: str, other: str, most: int) -> int:
    """The number of characters to insert, remove, replace or swap; ``most + 1`` if more."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for at, character in enumerate(one, 1):
        older, before, row = before, row, [at]
        for to, wanted in enumerate(other, 1):
            cost = min(row[-1] + 1, before[to] + 1, before[to - 1] + (character != wanted))
            swapped = to > 1 and character == other[to - 2] and wanted == one[at - 2]
            if at > 1 and swapped:
                cost = min(cost, older[to - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return row[-1]
