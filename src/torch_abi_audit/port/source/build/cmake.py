"""What a ``CMakeLists.txt`` says, by its commands: variables and conditions are not followed."""

from __future__ import annotations

import re

from torch_abi_audit.port.source.build import target_macro
from torch_abi_audit.port.source.findings import BuildFinding, Edit
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TOKEN = re.compile(
    rb"""
    (?P<comment>\#\[(?P<c>=*)\[.*?\](?P=c)\]|\#[^\n]*)
  | (?P<bracket>\[(?P<b>=*)\[.*?\](?P=b)\])
  | (?P<quoted>"(?:[^"\\]|\\.)*")
  | (?P<open>\() | (?P<close>\))
  | (?P<word>(?:[^\s()#"\\]|\\.)+)
    """,
    re.VERBOSE | re.DOTALL,
)
_TORCH = re.compile(
    r"torch|torch_cpu|torch_cuda|torch::\w+|\$\{TORCH_LIBRAR(?:Y|IES)\}|\$\{TORCH_PYTHON_LIBRARY\}"
)
_PYTHON_PART = re.compile(r"torch_python|\$\{TORCH_PYTHON_LIBRARY\}")
_DEFINED = re.compile(rf"^(?:-D)?{target_macro.MACRO}(?:=(.*))?$", re.DOTALL)
_OLD_STANDARDS = frozenset({"98", "11", "14"})
_PLAIN_TARGET = re.compile(r"[\w.+-]+|\$\{\w+\}")
_ON = frozenset({"on", "true", "yes", "y", "1"})


@dataclass(frozen=True, slots=True)
class _Word:
    """An argument, without quotation marks."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Command:
    name: str
    """In lower case."""
    words: tuple[_Word, ...]
    start: int
    end: int
    """Behind the closing parenthesis."""


def examine(name: str, data: bytes, target: str) -> Iterator[BuildFinding]:
    """Yield what to change in a CMake file that builds something of torch.

    Args:
        name: Its name in the findings.
        data: Its contents.
        target: The oldest torch release to support.
    """
    commands = _commands(data)
    linked = _linked(commands)
    definition = target_macro.definition(target)
    defined = False
    for command in commands:
        for word in command.words:
            for part, start in _parts(word):
                found = _DEFINED.match(part)
                if found is None:
                    continue
                defined = True
                if found[1] and (wrong := target_macro.complaint(found[1], target)):
                    at = start + len(_bytes(part[: part.index(found[1])]))
                    edit = Edit(at, at + len(_bytes(found[1])), wrong[1])
                    edits = (edit,) if target_macro.is_mistaken(found[1]) else ()
                    line = _line(data, word.start)
                    write = f"{target_macro.MACRO}={wrong[1]}"
                    yield BuildFinding(name, line, wrong[0], write, edits)
    cuda = _uses_cuda(commands)
    use_cuda = any("USE_CUDA" in word.text for one in commands for word in one.words)
    for library, command in linked.items():
        line = _line(data, command.start)
        if not defined:
            what = (
                f"{target_macro.MISSING} for {library}: it would need about the "
                "torch that it is built with"
            )
            also = " $<$<COMPILE_LANGUAGE:CUDA>:USE_CUDA>" if cuda and not use_cuda else ""
            text = f"target_compile_definitions({library} PRIVATE {definition}{also})"
            yield BuildFinding(name, line, what, text, _after(data, command, text))
        elif cuda and not use_cuda:
            text = f"target_compile_definitions({library} PRIVATE USE_CUDA)"
            what = (
                "USE_CUDA is not defined: without it the CUDA functions of the stable ABI, such as "
                "that for the current stream, are not declared"
            )
            yield BuildFinding(name, line, what, text)
    if linked:
        yield from _properties(name, data, commands)


def _properties(name: str, data: bytes, commands: Sequence[_Command]) -> Iterator[BuildFinding]:
    """What else the commands set that matters: the standard, links, the device link."""
    for command in commands:
        texts = [word.text for word in command.words]
        line = _line(data, command.start)
        for key in ("CMAKE_CXX_STANDARD", "CMAKE_CUDA_STANDARD", "CXX_STANDARD", "CUDA_STANDARD"):
            if key in texts[:-1]:
                word = command.words[texts.index(key) + 1]
                if word.text in _OLD_STANDARDS:
                    yield BuildFinding(
                        name,
                        line,
                        f"{key} {word.text} is too old: the stable headers need C++17",
                        f"{key} 17",
                        (Edit(word.start, word.end, "17"),),
                    )
        if command.name == "target_link_libraries":
            for word in command.words[1:]:
                if _PYTHON_PART.fullmatch(word.text):
                    yield BuildFinding(
                        name,
                        _line(data, word.start),
                        f"links {word.text}, which has nothing of the stable ABI: drop it when "
                        "nothing uses pybind11 or torch's Python API any more",
                        late=True,
                    )
        if "CUDA_RESOLVE_DEVICE_SYMBOLS" in texts[:-1]:
            value = texts[texts.index("CUDA_RESOLVE_DEVICE_SYMBOLS") + 1]
            if value.lower() not in _ON:
                yield BuildFinding(
                    name,
                    line,
                    "CUDA_RESOLVE_DEVICE_SYMBOLS is off: relocatable device code that nothing "
                    "links leaves __cudaRegisterLinkedBinary symbols undefined",
                    "CUDA_RESOLVE_DEVICE_SYMBOLS ON",
                )


def _linked(commands: Sequence[_Command]) -> dict[str, _Command]:
    """Each library that links torch, and the last command that does so."""
    programs = {one.words[0].text for one in commands if one.name == "add_executable" and one.words}
    found = {}
    for command in commands:
        if command.name == "target_link_libraries" and command.words:
            library = command.words[0].text
            if library in programs or not _PLAIN_TARGET.fullmatch(library):
                continue
            if any(_TORCH.fullmatch(word.text) for word in command.words[1:]):
                found[library] = command
    return found


def _uses_cuda(commands: Sequence[_Command]) -> bool:
    """Whether CUDA sources are compiled: its language is enabled, or a source is named."""
    for command in commands:
        texts = [word.text for word in command.words]
        if command.name in {"project", "enable_language"} and "CUDA" in texts:
            return True
        if any(text.endswith((".cu", ".cu)")) for text in texts):
            return True
    return False


def _after(data: bytes, command: _Command, text: str) -> tuple[Edit, ...]:
    """``text`` on a line of its own behind a command, indented as that is."""
    line = data.rfind(b"\n", 0, command.start) + 1
    indent = data[line : command.start]
    end = data.find(b"\n", command.end)
    rest = data[command.end : end if end >= 0 else len(data)]
    if indent.strip(b" \t") or (rest.strip() and not rest.lstrip().startswith(b"#")):
        return ()  # other commands share its lines
    newline = "\r\n" if rest.endswith(b"\r") else "\n"
    at = command.end + len(rest.removesuffix(b"\r"))
    return (Edit(at, at, newline + indent.decode() + _bytes(text).decode("latin-1")),)


def _parts(word: _Word) -> Iterator[tuple[str, int]]:
    """The parts of an argument, as in a list, and the offset of each."""
    for match in re.finditer(r"[^\s;]+", word.text):
        yield match[0], word.start + len(_bytes(word.text[: match.start()]))


def _commands(data: bytes) -> list[_Command]:
    """The commands of a CMake file, in order; what is not closed is left out."""
    found: list[_Command] = []
    name: _Word | None = None
    words: list[_Word] = []
    depth = 0
    for match in _TOKEN.finditer(data):
        kind = match.lastgroup
        kind = "comment" if match["comment"] else "bracket" if match["bracket"] else kind
        if kind == "comment":
            continue
        inner = 1 if kind == "quoted" else 0
        start, end = match.start() + inner, match.end() - inner
        word = _Word(data[start:end].decode("utf-8", "surrogateescape"), start, end)
        if kind == "open":
            depth += 1
            if depth == 1:
                words = []
        elif kind == "close":
            depth -= 1
            if depth == 0 and name is not None:
                found.append(_Command(name.text.lower(), tuple(words), name.start, match.end()))
                name = None
            depth = max(depth, 0)
        elif depth == 0:
            name = word
        else:
            words.append(word)
    return found


def _line(data: bytes, offset: int) -> int:
    return data.count(b"\n", 0, offset) + 1


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
