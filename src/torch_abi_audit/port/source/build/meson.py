"""What a ``meson.build`` says, by the names that it mentions."""

from __future__ import annotations

import re

from torch_abi_audit.port.source.build import target_macro
from torch_abi_audit.port.source.findings import BuildFinding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_DEFINED = re.compile(rf"-D{target_macro.MACRO}(?:=([^'\s]+))?")
_COMMENT = re.compile(r"'(?:[^'\\\n]|\\.)*'|(#[^\n]*)")
_MODULE = re.compile(r"\b(?:extension_module|shared_module|shared_library)\s*\(")
_TORCH = re.compile(r"torch", re.IGNORECASE)


def examine(name: str, data: bytes, target: str) -> Iterator[BuildFinding]:
    """Yield what to change in a ``meson.build`` that builds a module of torch.

    Args:
        name: Its name in the findings.
        data: Its contents.
        target: The oldest torch release to support.
    """
    text = _COMMENT.sub(
        lambda one: " " * len(one[0]) if one[1] else one[0], data.decode("utf-8", "replace")
    )
    module = _MODULE.search(text)
    if module is None or not _TORCH.search(text):
        return
    flag = f"-D{target_macro.definition(target)}"
    found = _DEFINED.search(text)
    if found is None:
        yield BuildFinding(
            name,
            text.count("\n", 0, module.start()) + 1,
            f"{target_macro.MISSING}: the library would need about the torch that it is built with",
            f"cpp_args: ['{flag}']",
        )
    elif found[1] and (wrong := target_macro.complaint(found[1], target)):
        line = text.count("\n", 0, found.start()) + 1
        yield BuildFinding(name, line, wrong[0], f"-D{target_macro.MACRO}={wrong[1]}")
