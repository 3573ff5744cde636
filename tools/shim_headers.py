"""Text of torch's C headers to the functions that they export, without a compiler.

The headers of the shim are plain: declarations marked ``AOTI_TORCH_EXPORT`` under ``#if``. No
release declares any through a macro so far; families of declarations in a macro are expanded.
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
    """What one release's headers say of one C function."""

    device: str
    """``generic``, or the device that it is for: ``cpu``, ``cuda``, ``mps``, ``xpu``."""
    deprecated: bool
    guard: str | None
    """The release that ``TORCH_FEATURE_VERSION`` is compared with around it."""


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
    """Every C function that a header exports; ``header`` is its path, for the device it is for.

    Raises:
        GeneratorError: a version guard has a form that is not known here.
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
    """Code between directives, each piece with the conditions that hold around it.

    Macros whose bodies export functions are added to ``families`` on the way; a negated condition
    (``#ifndef``, ``#else``) is an empty one.
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
    """A literal as an empty one, a comment as its line breaks."""
    return '""' if match["literal"] else " " + "\n" * match[0].count("\n")


def _expand(code: str, families: dict[str, _Family]) -> str:
    """The code with each use of a declaring macro replaced by what it declares."""
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
    """By the section, else by the header, else by the dispatch key that opens the name."""
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
