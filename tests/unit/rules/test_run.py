"""The rules on finished reports about unreadable libraries and empty packages."""

from __future__ import annotations

from tests.support.reports import library, package, reported


def test_what_was_not_read() -> None:
    torn = reported(package(library("_C.so", error="cut short")))
    assert [(one.rule, one.library, one.message) for one in torn] == [
        ("E001", "_C.so", "cut short")
    ]
    gone = reported(package(error="no such file"))
    assert [(one.rule, one.library, one.message) for one in gone] == [
        ("E001", None, "no such file")
    ]


def test_an_empty_package() -> None:
    assert [one.rule for one in reported(package())] == ["N001"]
    assert reported(package(), may_be_empty=True) == []
