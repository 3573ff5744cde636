"""Which includes of a source are torch's unstable headers."""

from __future__ import annotations

from torch_abi_audit.knowledge import spellings
from torch_abi_audit.port.migration import Way
from torch_abi_audit.port.source.findings import Edit, Kind, SourceUse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_abi_audit.port.source.tokens import Tokens

_TORCHS = ("ATen/", "c10/", "torch/", "caffe2/")
_NOTES = {
    "torch/extension.h": "also brings pybind11's casters of tensors, and Python.h",
    "torch/python.h": "also brings pybind11's casters of tensors, and Python.h",
}


def include_uses(
    toks: Tokens, lines: object, headers: Sequence[str]
) -> Iterator[tuple[int, SourceUse]]:
    """The unstable includes, with their offsets.

    Args:
        toks: The source.
        lines: Where an offset is, by ``place``.
        headers: The stable headers of names that the source may keep, which the first of the
            includes brought so far.
    """
    given = {one.path for one in toks.includes}
    wanted = [one for one in headers if one not in given]
    for include in toks.includes:
        path = include.path
        if not path.startswith(_TORCHS) or spellings.open_header(path):
            continue
        line, column = lines.place(include.at)  # type: ignore[attr-defined]
        text = "\n".join(f"#include <{one}>" for one in wanted)
        wanted = []
        yield (
            include.start,
            SourceUse(
                line,
                column,
                Kind.INCLUDE,
                path,
                None,
                Way.NOW,
                "the headers of what replaces its names",
                note=_NOTES.get(path, ""),
                edits=(Edit(include.start, include.end, text),),
            ),
        )
