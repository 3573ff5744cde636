"""What ``compile_commands.json`` and ``build.ninja`` say: how each file is really compiled."""

from __future__ import annotations

import json
import re

from torch_abi_audit.port.source.build import target_macro
from torch_abi_audit.port.source.findings import BuildFinding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_TORCH_HEADERS = re.compile(r"torch[/\\]include\b|torch[/\\]csrc[/\\]api[/\\]include\b")
_DEFINED = re.compile(rf"[-/]D\s*\"?{target_macro.MACRO}=([^\s\"'\\]+(?:\s*\)+)?)")
_CUDA_SUFFIXES = (".cu", ".cuh")
_VARIABLE = re.compile(r"([\w.]+)\s*=\s*(.*)")
_REFERENCE = re.compile(r"\$\{(\w+)\}|\$(\w+)")
_SHOWN = 8


def examine(name: str, data: bytes, target: str) -> Iterator[BuildFinding]:
    """Yield which files a compilation database compiles without the macros, or with wrong ones.

    Args:
        name: Its name in the findings.
        data: Its contents.
        target: The oldest torch release to support.
    """
    try:
        entries = json.loads(data)
        commands = [(str(one["file"]), _command(one)) for one in entries]
    except (ValueError, KeyError, TypeError, RecursionError):
        yield BuildFinding(name, None, "not understood: it is no compilation database")
        return
    yield from _judged(name, commands, target)


def examine_ninja(name: str, data: bytes, target: str) -> Iterator[BuildFinding]:
    """Yield the same for a ninja file, as CMake and torch's ``BuildExtension`` write it."""
    yield from _judged(name, _ninja_commands(data.decode("utf-8", "replace")), target)


def _judged(name: str, commands: list[tuple[str, str]], target: str) -> Iterator[BuildFinding]:
    missing: list[str] = []
    cuda: list[str] = []
    wrong: dict[tuple[str, str], list[str]] = {}
    for file, command in commands:
        if not _TORCH_HEADERS.search(command):
            continue
        found = _DEFINED.search(command)
        if found is None:
            missing.append(file)
        elif complaint := target_macro.complaint(found[1], target):
            wrong.setdefault(complaint, []).append(file)
        if file.endswith(_CUDA_SUFFIXES) and not re.search(r"[-/]D\s*\"?USE_CUDA\b", command):
            cuda.append(file)
    flag = f"-D{target_macro.definition(target)}"
    if missing:
        yield BuildFinding(name, None, f"{target_macro.MISSING} for {_several(missing)}", flag)
    for (said, right), files in wrong.items():
        write = f"-D{target_macro.MACRO}={right}"
        yield BuildFinding(name, None, f"{said}: {_several(files)}", write)
    if cuda:
        yield BuildFinding(
            name, None, f"CUDA sources compiled without USE_CUDA: {_several(cuda)}", "-DUSE_CUDA"
        )


def _command(entry: dict[str, object]) -> str:
    arguments = entry.get("arguments")
    if isinstance(arguments, list):
        return " ".join(map(str, arguments))
    return str(entry.get("command", ""))


def _ninja_commands(text: str) -> list[tuple[str, str]]:
    """Each source of a build statement, and the values of the variables that it can use."""
    shared: dict[str, str] = {}
    rules: dict[str, dict[str, str]] = {}
    builds: list[tuple[str, str, dict[str, str]]] = []
    scope = shared
    for line in re.sub(r"\$\r?\n[ \t]*", "", text).splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0] not in " \t":
            scope = shared
            head, _, rest = line.partition(" ")
            if head == "rule":
                scope = rules.setdefault(rest.strip(), {})
                continue
            if head == "build":
                words = rest.partition(": ")[2].split()
                scope = {}
                if len(words) > 1:
                    builds.append((words[0], words[1].replace("$:", ":"), scope))
                continue
        if match := _VARIABLE.fullmatch(line.strip()):
            scope[match[1]] = match[2]
    return [
        (source, _expanded(rules.get(rule, {}).get("command", ""), shared | own))
        for rule, source, own in builds
    ]


def _expanded(text: str, values: dict[str, str], depth: int = 0) -> str:
    def known(match: re.Match[str]) -> str:
        value = values.get(match[1] or match[2], "")
        return _expanded(value, values, depth + 1) if depth < 4 else value

    return _REFERENCE.sub(known, text)[: 1 << 16]


def _several(files: list[str]) -> str:
    more = f" and {len(files) - _SHOWN} more" if len(files) > _SHOWN else ""
    return ", ".join(files[:_SHOWN]) + more
