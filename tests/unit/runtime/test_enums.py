"""Our enumerations behave like those of the standard library."""

from __future__ import annotations

import copy
import enum
import json
import pickle
from typing import Any

import pytest

from torch_abi_audit.model.findings import Severity
from torch_abi_audit.runtime.enums import StrEnum


class Ours(StrEnum):
    """Colours."""

    RED = "red"
    """As a rose."""
    GREEN = "green"
    CRIMSON = "red"

    @property
    def loud(self) -> str:
        return f"{self}!"


class Theirs(enum.StrEnum):
    """Colours."""

    RED = "red"
    GREEN = "green"
    CRIMSON = "red"

    @property
    def loud(self) -> str:
        return f"{self}!"


@pytest.fixture(params=[Ours, Theirs])
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_members_are_few_ordered_and_found_by_value_or_name(kind: Any) -> None:
    assert list(kind) == ["red", "green"]
    assert list(reversed(kind)) == ["green", "red"]
    assert len(kind) == 2
    assert kind("green") is kind.GREEN is kind["GREEN"] is kind(kind.GREEN)
    assert kind.CRIMSON is kind.RED
    assert list(kind.__members__) == ["RED", "GREEN", "CRIMSON"]
    assert kind.RED in kind
    assert bool(kind)
    assert kind.__doc__ == "Colours."


def test_a_member_is_its_text(kind: Any) -> None:
    red = kind.RED
    assert (isinstance(red, kind), isinstance(red, str)) == (True, True)
    assert (red.name, red.value, str(red), f"{red:>5}") == ("RED", "red", "red", "  red")
    assert type(red.value) is type(str(red)) is str
    assert red == "red"
    assert hash(red) == hash("red")
    assert {red: 1}["red"] == 1
    assert json.dumps({red: [red]}) == '{"red": ["red"]}'
    assert red.loud == "red!"
    assert repr(red) == f"<{kind.__name__}.RED: 'red'>"
    assert repr(kind) == f"<enum '{kind.__name__}'>"


def test_there_is_one_of_each(kind: Any) -> None:
    for made in (
        copy.copy(kind.RED),
        copy.deepcopy(kind.RED),
        pickle.loads(pickle.dumps(kind.RED)),  # noqa: S301 - our own
        pickle.loads(pickle.dumps(kind.RED, protocol=0)),  # noqa: S301 - our own
    ):
        assert made is kind.RED


def test_nothing_can_be_added_or_changed(kind: Any) -> None:
    with pytest.raises(AttributeError):
        kind.RED = "blue"
    with pytest.raises(AttributeError):
        del kind.RED
    for name in ("name", "value"):
        with pytest.raises(AttributeError):
            setattr(kind.RED, name, "blue")
        with pytest.raises(AttributeError):
            delattr(kind.RED, name)
    with pytest.raises(TypeError):
        kind.__members__["BLUE"] = "blue"
    with pytest.raises(TypeError):

        class More(kind):  # type: ignore[misc]
            BLUE = "blue"


@pytest.mark.parametrize("value", ["blue", "RED", "", None, []])
def test_what_is_no_value(kind: Any, value: object) -> None:
    with pytest.raises(ValueError, match="is not a valid "):
        kind(value)
    with pytest.raises(KeyError):
        kind["red"]


def test_the_message_names_the_values() -> None:
    with pytest.raises(ValueError, match=r"^'bad' is not a valid Severity; valid are 'error', "):
        Severity("bad")


def test_a_value_is_a_text() -> None:
    with pytest.raises(TypeError, match="NUMBER is 1, which is not a string"):

        class Numbers(StrEnum):
            NUMBER = 1


def test_an_empty_text_is_a_value_too() -> None:
    class Empty(StrEnum):
        NOTHING = ""
        NONE = ""

    assert [repr(one) for one in Empty] == ["<Empty.NOTHING: ''>"]
    assert Empty("") is Empty.NONE


def test_matches() -> None:
    def said(severity: Severity) -> str:
        match severity:
            case Severity.ERROR:
                return "bad"
            case Severity.WARNING | Severity.NOTE:
                return "good"

    assert [said(each) for each in Severity] == ["bad", "good", "good"]
    match "error":
        case Severity():
            pytest.fail("a text is no member")
        case Severity.ERROR:
            pass
