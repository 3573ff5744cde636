"""The table of error texts: every form has a text, and every text its row and its answer."""

from __future__ import annotations

import re
import time
import unicodedata
from pathlib import Path

import pytest

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.kinds import KINDS, windows_words
from torch_abi_audit.explain.kinds.kind import (
    DEPENDENCY,
    LIBRARY,
    LINK,
    REPAIR,
    SYMBOL,
    VERSION,
    ErrorKind,
    Form,
    Rank,
)
from torch_abi_audit.explain.question import explain


def read(path: Path) -> tuple[tuple[str, str, str], ...]:
    """Row, source and text of each entry of the file of texts."""
    found = []
    for part in path.read_text(encoding="utf-8").split("\n=== ")[1:]:
        row, *entries = part.removesuffix("\n").split("\n--- ")
        for entry in entries:
            source, _, text = entry.partition("\n")
            found.append((row, source, text))
    return tuple(found)


TEXTS = read(Path(__file__).with_name("kind_texts.txt"))
FORMS = [(kind, form) for kind in KINDS for form in kind.forms]
DELEGATED = {SYMBOL, LINK, VERSION, LIBRARY, DEPENDENCY, REPAIR}
"""Rows that are answered for the names in the text."""


def compiled(form: Form) -> re.Pattern[str]:
    return re.compile(form.expression, re.DOTALL if form.system == "macos" else re.MULTILINE)


def first(text: str) -> tuple[ErrorKind, Form]:
    """The first row of the table that recognises a text, and its form."""
    return next((kind, form) for kind, form in FORMS if compiled(form).search(text))


@pytest.mark.parametrize(("row", "source", "text"), TEXTS)
def test_a_text_is_recognised_by_its_row(row: str, source: str, text: str) -> None:
    assert source
    kind, _ = first(text)
    assert kind.name == row


def test_every_form_of_every_row_has_a_text() -> None:
    seen = {(kind.name, form) for kind, form in map(first, [text for *_, text in TEXTS])}
    missing = [(kind.name, form) for kind, form in FORMS if (kind.name, form) not in seen]
    assert not missing


@pytest.mark.parametrize(
    ("row", "text"), [(row, text) for row, _, text in TEXTS if row not in DELEGATED]
)
def test_a_row_answers_in_full(row: str, text: str) -> None:
    kind, _ = first(text)
    answer = explain(text)
    assert answer.causes == kind.causes
    assert answer.subject
    assert answer.is_a
    assert answer.why
    assert answer.advice
    said = "\n".join((answer.subject, *answer.is_a, *answer.why, *answer.advice, *answer.unknown))
    assert not re.search(r"{\w+}|None", said)
    assert not answer.advice[0].startswith("or "), row


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_row_says_where_its_words_are_from(kind: ErrorKind) -> None:
    assert kind.source
    assert kind.causes or kind.name in DELEGATED
    assert Cause.UNKNOWN not in kind.causes
    if Cause.EARLIER in kind.causes:
        assert kind.rank is Rank.CONSEQUENCE


def test_names_of_rows_differ() -> None:
    names = [kind.name for kind in KINDS if kind.name not in DELEGATED]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("language", sorted({*windows_words.MODULE, *windows_words.PROCEDURE}))
def test_windows_in_every_language(language: str) -> None:
    for sentences, row in (
        (windows_words.MODULE, "module"),
        (windows_words.PROCEDURE, "procedure"),
    ):
        if (sentence := sentences.get(language)) is None:
            continue
        for text in (
            f"ImportError: DLL load failed while importing _C: {sentence}.",
            f"ImportError: DLL load failed: {sentence}。",
        ):
            kind, form = first(text)
            assert kind.name == row, text
            assert compiled(form).search(text)
        assert not set(sentence) & set(".*+?()[]{}|\\^$")
        assert unicodedata.is_normalized("NFC", sentence)


def test_the_same_sentence_is_not_both() -> None:
    assert not {*windows_words.MODULE.values()} & {*windows_words.PROCEDURE.values()}


HARMLESS = (
    "ERROR: operator does not exist: integer = text",
    "This user has already been registered!",
    "psycopg2.errors.UndefinedFunction: operator does not exist",
    "ModuleNotFoundError: No module named 'pandas'",
    "FileNotFoundError: [Errno 2] No such file or directory: 'data.csv'",
    "RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB",
    "RuntimeError: Expected all tensors to be on the same device",
    "ValueError: Unknown type name 'str'",
    "torch.cuda.is_available() is True; Python 3.11.4 and torch 2.9.0 with CUDA version 12.8",
    "cannot find the file config.yaml",
    "the build of torch 2.4 is not found in the cache",
)


@pytest.mark.parametrize("text", HARMLESS)
def test_other_texts_are_not_recognised(text: str) -> None:
    found = [kind.name for kind, form in FORMS if compiled(form).search(text)]
    assert found == []


@pytest.mark.slow
@pytest.mark.parametrize(("row", "text"), [(row, text) for row, _, text in TEXTS])
def test_hostile_repetitions_of_a_text_end(row: str, text: str) -> None:
    """Beginnings of a text, repeated, and long words take each pattern a bounded time."""
    kind, form = first(text)
    pattern = compiled(form)
    words = re.split(r"(?<=\W)", text)
    half = "".join(words[: len(words) // 2])
    pieces = (text[:-1].rstrip(".!'\""), half, half[: len(half) // 2], "a", "' ", "/a")
    for piece in filter(None, pieces):
        hostile = (piece * (200_000 // len(piece) + 1))[:200_000]
        started = time.process_time()
        for _ in pattern.finditer(hostile):
            pass
        assert time.process_time() - started < 3, (row, kind.name, piece[:80])
