"""A text as it was pasted, and the errors that are found in it."""

from __future__ import annotations

import time

import pytest

from torch_abi_audit.explain.question import explain
from torch_abi_audit.explain.reading.error_text import Clue, errors
from torch_abi_audit.explain.reading.pasted import read
from torch_abi_audit.explain.reading.phrases import landmarks, phrases

FILE = "/v/lib/python3.12/site-packages/pkg/_C.abi3.so"
SYMBOL = (
    "_ZN3c106detail23torchInternalAssertFailEPKcS2_jS2_"
    "RKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"
)
LINE = f"ImportError: {FILE}: undefined symbol: {SYMBOL}"


def last(text: str) -> Clue:
    return errors(read(text)).clues[-1]


def boxed(text: str, width: int) -> str:
    """A text in a panel of ``rich``, wrapped as rich wraps it."""
    lines, line = [], ""
    for word in text.split(" "):
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = ""
        line = f"{line} {word}".strip()
        while len(line) > width:
            lines.append(line[:width])
            line = line[width:]
    lines.append(line)
    rule = "─" * (width + 2)
    return "\n".join([f"╭{rule}╮", *(f"│ {one:<{width}} │" for one in lines), f"╰{rule}╯"])


def cut(text: str, width: int) -> str:
    """A text as a terminal of some width cuts it, in the middle of words."""
    return "\n".join(text[at : at + width] for at in range(0, len(text), width))


@pytest.mark.parametrize(
    "text",
    [
        LINE,
        LINE.replace("\n", "\r\n") + "\r\n",
        LINE.replace("undefined symbol", "\x1b[31mundefined\x1b[0m \x1b[1msymbol\x1b[m"),
        LINE.replace("undefined symbol", "[31mundefined[0m symbol"),
        LINE.replace(" ", "\u00a0"),
        LINE.replace(" ", "%20"),
        LINE.replace(": ", "%3A+").replace(" ", "+"),
        LINE.replace(": undefined", ":\n undefined"),
        LINE.replace("undefined symbol", "undefined\n   symbol"),
        LINE.replace("symbol: ", "symbol:\n  "),
        LINE.replace(SYMBOL, SYMBOL[:40] + "\n" + SYMBOL[40:]),
        LINE.replace("site-packages/", "site-pa\nckages/"),
        f"E   {LINE}",
        f"> > {LINE}",
        f"[rank0]: {LINE}",
        f"(EngineCore_DP0 pid=163) ERROR 04-24 07:04:06 [core.py:435] {LINE}",
        f"Aug 12 10:38:34 host unsloth[4073658]: {LINE}",
        f"2025-03-18T08:45:20.3678843Z {LINE}",
        f"[2025-11-06 15:26:47,069] - [WARNING] - {LINE}",
        f"W1106 15:26:47.069000 140 loader.py:12] {LINE}",
        f"web-1  | {LINE}",
        f"- {LINE}",
        f"* {LINE}",
        f"1. {LINE}",
        f"<pre>{LINE}</pre>",
        f"<code>{LINE.replace(': ', ':&nbsp;')}</code><br/>",
        f"RuntimeError('Traceback (most recent call last):\\n  File \"/v/x.py\"\\n{LINE}\\n')",
        f'{{"log": "start\\n{LINE}\\nend"}}',
        boxed(LINE, 24),
        boxed(LINE, 40),
        boxed(LINE, 60),
        boxed(LINE, 100),
        cut(LINE, 80),
        cut(LINE, 120),
        f"```\n{LINE}\n```",
        f"`{LINE}`",
    ],
)  # fmt: skip
def test_a_message_is_read_however_it_was_pasted(text: str) -> None:
    clue = last(text)
    assert (clue.symbol, clue.file) == (SYMBOL, FILE)


def test_paths_of_windows_keep_their_backslashes() -> None:
    path = "C:\\new\\nvidia\\torch_scatter\\_C.pyd"
    text = f"Could not find module '{path}' (or one of its dependencies)"
    assert last(text).library == path


def test_lines_of_different_errors_stay_apart() -> None:
    text = (
        "/v/a.so: undefined symbol: _ZN3c104cuda9SetDeviceEa\n"
        "/v/b.so: undefined symbol: my_name\n"
        "OSError: libx.so.1: cannot open shared object file: No such file or directory"
    )
    found = errors(read(text)).clues
    assert [one.symbol for one in found] == ["_ZN3c104cuda9SetDeviceEa", "my_name", None]
    assert found[-1].library == "libx.so.1"


def test_the_last_error_closest_to_the_cause_decides() -> None:
    text = (
        "OSError: libavutil.so.60: cannot open shared object file: No such file or directory\n"
        f"{LINE}\n"
        "ModuleNotFoundError: No module named 'pkg._C'\n"
    )
    answer = explain(text)
    assert answer.symbol == SYMBOL
    assert answer.others[0].startswith("libavutil.so.60: cannot open")


def test_the_attempt_that_got_furthest_decides() -> None:
    missing = (
        "OSError: libavutil.so.{}: cannot open shared object file: No such file or directory\n"
    )
    text = (
        "FFmpeg version 8:\n" + missing.format(60) + "FFmpeg version 7:\n" + LINE
        + "\nFFmpeg version 6:\n" + missing.format(58)
    )  # fmt: skip
    assert explain(text).symbol == SYMBOL


def test_several_symbols_of_one_file_have_one_answer() -> None:
    text = (
        "undefined symbol: _ZN3c104cuda9SetDeviceEa\t(./c_ops.so)\n"
        "undefined symbol: _ZN3c106detail14torchCheckFailEPKcS2_jS2_\t(./c_ops.so)\n"
    )
    answer = explain(text)
    assert answer.symbol == "_ZN3c104cuda9SetDeviceEa"
    assert answer.file == "./c_ops.so"
    assert len(answer.symbols) == 2
    assert answer.symbols[1].startswith("c10::detail::torchCheckFail(")
    assert "exports all 2 symbols" in answer.why[0]


def test_the_linker_of_macos_lists_every_symbol() -> None:
    text = (
        "Undefined symbols for architecture arm64:\n"
        '  "at::_ops::relu::call(at::Tensor const&)", referenced from:\n      f() in a.o\n'
        '  "c10::detail::torchCheckFail(char const*, char const*, unsigned int, char const*)", '
        "referenced from:\n      g() in b.o\nld: symbol(s) not found for architecture arm64\n"
    )
    answer = explain(text)
    assert len(answer.symbols) == 2
    assert answer.history is not None
    assert answer.history.platform == "macosx_arm64"


def test_a_name_that_was_cut_is_told() -> None:
    answer = explain("/v/x.so: undefined symbol: _ZN3c105ErrorC2ENS_14Source")
    assert "cut off" in answer.why[0]
    assert "c10::Error::Error(c10::SourceLocation" in answer.why[0]


def test_a_long_text_is_read_to_its_end() -> None:
    noise = "".join(f"2025-11-06 15:26:47,{at % 1000:03} INFO worker {at}\n" for at in range(40000))
    started = time.process_time()
    assert explain(noise + LINE + "\n").symbol == SYMBOL
    assert time.process_time() - started < 20


def test_what_is_left_unread_is_told() -> None:
    text = "".join(f"/v/{at}.so: undefined symbol: name_{at}\n" for at in range(8000))
    answer = explain(text)
    assert answer.symbol == "name_7999"
    assert any("more places that look like errors" in one for one in answer.unknown)
    assert len(answer.others) == 21


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        (r"(?:(?P<file>[^\s:]{1,9}): )?undefined symbol: ?(?P<symbol>\w+)", ("undefined symbol:",)),
        (r"a{0,3}(?:first one|second)", ("first one", "second")),
        (r"(?:maybe this)? and that\.", (" and that.",)),
        (r"[(]x", ()),
        (r"(?i:anything)", ()),
    ],
)
def test_landmarks(expression: str, words: tuple[str, ...]) -> None:
    assert landmarks(expression) == words


def test_phrases() -> None:
    assert "undefined symbol:" in phrases(r"(?:x: )?undefined symbol: ?(\w+)")
