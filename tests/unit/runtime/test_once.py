"""``once``: one call at the most, until it is told to forget."""

from __future__ import annotations

from torch_abi_audit.runtime.once import once


def test_calls_once_and_keeps_the_very_value() -> None:
    calls = []

    @once
    def made() -> list[int]:
        """What it says."""
        calls.append(1)
        return [len(calls)]

    assert made() is made()
    assert calls == [1]
    assert made.__doc__ == "What it says."


def test_a_value_of_nothing_is_kept_too() -> None:
    calls: list[int] = []

    @once
    def nothing() -> None:
        calls.append(1)

    nothing()
    nothing()
    assert calls == [1]


def test_makes_it_anew_once_told_to_forget() -> None:
    calls: list[int] = []

    @once
    def count() -> int:
        calls.append(1)
        return len(calls)

    assert count() == 1
    count.forget()
    assert count() == 2
