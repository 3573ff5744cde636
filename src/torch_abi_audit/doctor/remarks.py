"""What is said beside an answer: what could not be followed, and in which order libraries open."""

from __future__ import annotations

import os
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_abi_audit.doctor.imports import Imported

_LIBRARY = re.compile(r"[\w./+-]{1,400}\.(?:so|dylib|dll|pyd)\b")


def notes(done: Imported, name: str, own: Sequence[tuple[str, int]]) -> Iterator[str]:
    """What else is known of an import.

    Args:
        done: What it did.
        name: The name that is imported.
        own: Where its own sources open libraries by paths that could not be worked out.
    """
    if done.before_torch:
        first = os.path.basename(done.before_torch[0])
        yield f"the sources of {name} open {first} before they import torch"
    if own:
        yield "the libraries that it opens are computed: each of them was tried"


def limits(done: Imported, own: Sequence[tuple[str, int]]) -> Iterator[str]:
    """What was neither followed nor tried: libraries that others open by computed paths."""
    for source, line in done.unresolved:
        if (source, line) not in own:
            yield f"{source}, line {line}, opens a library by a path that could not be worked out"


def uncertain(done: Imported, name: str) -> Iterator[str]:
    """Sentences on what may end an import, although that is not known."""
    if done.cut:
        yield f"The sources of {name} were too many to follow to their end."
    for one in done.possible:
        if one.attempt is None and _LIBRARY.search(one.text) and is_within(one.source, name, done):
            text = one.text.partition("\n")[0]
            yield f"{one.source}, line {one.line}, may raise {one.kind}: {text}"
            return


def is_within(source: str, name: str, done: Imported) -> bool:
    """Whether a source is part of the package that is imported."""
    top = name.partition(".")[0]
    return any(source.startswith(home) for home in done.homes.get(top, ()))
