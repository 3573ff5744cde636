"""``once`` calls a function once until ``forget``; ``cached_property`` once for each instance."""

from __future__ import annotations

from torch_abi_audit.runtime.once import cached_property, once


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


class Counted:
    """Counts how often its property is computed."""

    def __init__(self) -> None:
        self.calls = 0

    @cached_property
    def value(self) -> list[int]:
        """What it says."""
        self.calls += 1
        return [self.calls]


def test_a_property_is_computed_once_for_each_instance() -> None:
    first, second = Counted(), Counted()
    assert first.calls == 0
    assert first.value is first.value
    assert first.calls == 1
    assert second.value is not first.value
    assert Counted.value.__doc__ == "What it says."
