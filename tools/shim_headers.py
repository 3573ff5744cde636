"""Find the functions that torch's C headers export, without a compiler.

The shim headers are simple: declarations with ``AOTI_TORCH_EXPORT``, under ``#if``. No release so
far declares functions through a macro, but macros with several declarations are expanded.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from torch_abi_audit.model.releases import release_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class GeneratorError(Exception):
    """The table cannot be generated; the text names the release or header at fault."""


class Declaration(NamedTuple):
    """The declaration of one C function in one release's headers."""

    device: str
    """``generic``, or the function's device: ``cpu``, ``cuda``, ``mps``, ``xpu``."""
    deprecated: bool
    guard: str | None
    """The release with which the surrounding ``#if`` compares ``TORCH_FEATURE_VERSION``."""


class _Family(NamedTuple):
    parameters: list[str]
    body: str


_EXPORT = "AOTI_TORCH_EXPORT"
_LITERAL_OR_COMMENT = re.compile(
    r"""(?P<literal>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|//[^\n]*|/\*.*?\*/""", re.DOTALL
)
_DIRECTIVE = re.compile(r"\s*#\s*(\w+)\s*(.*)")
_MACRO = re.compile(r"(\w+)\(([^)]*)\)\s*(.*)")
_FUNCTION = re.compile(rf"(?P<before>[^;{{}}]*?)\b{_EXPORT}\b[^;({{}}]*?\b(?P<name>\w+)\s*\(")
_DEPRECATED = re.compile(r"\[\[\s*deprecated|\w*DEPRECATED|__attribute__\s*\(\(\s*_*deprecated")
_GUARD = re.compile(r"TORCH_FEATURE_VERSION\s*>=\s*TORCH_VERSION_(\d+)_(\d+)_(\d+)")
_DEVICE_MACRO = re.compile(r"\bUSE_(CUDA|MPS|XPU)\b")
_DEVICE_NAME = re.compile(r"aoti_torch_(cpu|cuda|mps|xpu)_")
_DEVICE_HEADERS = {"cpu": "cpu", "mkldnn": "cpu", "cuda": "cuda", "mps": "mps", "xpu": "xpu"}


def declarations(header: str, text: str) -> dict[str, Declaration]:
    """Every C function that a header exports; ``header`` is its path, which may name a device.

    Raises:
        GeneratorError: a version guard has an unknown form.
    """
    found: dict[str, Declaration] = {}
    families: dict[str, _Family] = {}
    for conditions, code in _segments(text, families):
        for function in _FUNCTION.finditer(_expand(code, families)):
            found[function["name"]] = Declaration(
                _device(header, conditions, function["name"]),
                "deprecated" in header or bool(_DEPRECATED.search(function["before"])),
                _guard(header, conditions),
            )
    return found


def _segments(text: str, families: dict[str, _Family]) -> Iterator[tuple[list[str], str]]:
    """Code between directives, each piece with the conditions around it.

    Macros whose bodies export functions are added to ``families``; a negated condition
    (``#ifndef``, ``#else``) becomes an empty one.
    """
    text = text.replace("\r\n", "\n").replace("\\\n", " ")
    conditions: list[str] = []
    code: list[str] = []
    for line in _LITERAL_OR_COMMENT.sub(_blank, text).splitlines():
        directive = _DIRECTIVE.match(line)
        if directive is None:
            code.append(line)
            continue
        word, rest = directive.groups()
        if word in {"if", "ifdef", "ifndef", "elif", "else", "endif"}:
            yield conditions[:], "\n".join(code)
            code = []
            if word in {"elif", "else", "endif"}:
                conditions.pop()
            if word != "endif":
                conditions.append("" if word in {"ifndef", "else"} else rest.strip())
        elif word == "define" and (macro := _MACRO.match(rest)) and _EXPORT in macro[3]:
            families[macro[1]] = _Family([p.strip() for p in macro[2].split(",")], macro[3])
    yield conditions, "\n".join(code)


def _blank(match: re.Match[str]) -> str:
    """Replace a literal by an empty one, and a comment by its line breaks."""
    return '""' if match["literal"] else " " + "\n" * match[0].count("\n")


def _expand(code: str, families: dict[str, _Family]) -> str:
    """The code with each use of a declaring macro replaced by its declarations."""
    for macro, family in families.items():

        def expansion(use: re.Match[str], family: _Family = family) -> str:
            body = family.body
            arguments = [argument.strip() for argument in use[1].split(",")]
            for parameter, argument in zip(family.parameters, arguments, strict=False):
                body = re.sub(rf"\b{re.escape(parameter)}\b", argument, body)
            return re.sub(r"\s*##\s*", "", body) + ";"

        code = re.sub(rf"\b{macro}\s*\(([^()]*)\)\s*;?", expansion, code)
    return code


def _device(header: str, conditions: Iterable[str], name: str) -> str:
    """A function's device: by the ``#if``, else the header, else the start of its name."""
    for condition in conditions:
        if macro := _DEVICE_MACRO.search(condition):
            return macro[1].lower()
    if device := _DEVICE_HEADERS.get(PurePosixPath(header).stem.rpartition("_")[2]):
        return device
    key = _DEVICE_NAME.match(name)
    return key[1] if key else "generic"


def _guard(header: str, conditions: Iterable[str]) -> str | None:
    guards = []
    for condition in conditions:
        if "TORCH_FEATURE_VERSION" in condition:
            version = _GUARD.fullmatch(condition)
            if version is None:
                raise GeneratorError(f"{header}: unknown version guard: {condition}")
            guards.append(".".join(version.groups()))
    return max(guards, key=release_key, default=None)
