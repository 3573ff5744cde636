"""The torch release that is learned from what libraries load on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from torch_abi_audit.judges.learned import learned
from torch_abi_audit.model.loads import Loads

if TYPE_CHECKING:
    from collections.abc import Mapping

RELEASES = ("2.9.0", "2.9.1", "2.10.0", "2.11.0", "2.12.0", "2.12.1")
LETTERS = {"y": Loads.YES, "n": Loads.NO, "c": Loads.NEEDS_CUDA, "u": Loads.UNKNOWN}


def found(libraries: Mapping[str, str]) -> dict[str, str]:
    """What is learned of libraries by path, each with a letter for each release."""
    answers = {
        path: {one: LETTERS[each] for one, each in zip(RELEASES, letters, strict=True)}
        for path, letters in libraries.items()
        if letters
    }
    result = learned(libraries, lambda paths: {at: answers[at] for at in paths if at in answers})
    return {path: one.release.text for path, one in result.items()}


@pytest.mark.parametrize(
    ("first", "second", "releases"),
    [
        ("ep_2_10_0.cpython-312.so", "ep_2_11_0.cpython-312.so", ("2.10.0", "2.11.0")),
        ("p/2.10/_C.so", "p/2.11/_C.so", ("2.10", "2.11")),
        ("p/v2_10/_C.so", "p/v2_11/_C.so", ("2.10", "2.11")),
        ("p/x_210.so", "p/x_211.so", ("2.10", "2.11")),
        ("p/ops210cu126.so", "p/ops211cu126.so", ("2.10", "2.11")),
        ("p/libops2.10.so", "p/libops2.11.so", ("2.10", "2.11")),
        ("p/x_2100.so", "p/x_2110.so", ("2.10.0", "2.11.0")),
        ("p/libx-2.10.0.dylib.so", "p/libx-2.11.0.dylib.so", ("2.10.0", "2.11.0")),
    ],
)
def test_numbers_that_say_where_each_loads(
    first: str, second: str, releases: tuple[str, str]
) -> None:
    assert found({first: "nnynnn", second: "nnnynn"}) == dict(
        zip((first, second), releases, strict=True)
    )
    assert found({first: "nnyynn", second: "nnncnn"}) != {}, "about just that one"


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        ("nnyyyy", "nnyyyy", "both load on both"),
        ("nnnynn", "nnynnn", "each loads on the release of the other alone"),
        ("nnnnnn", "nnnynn", "one loads nowhere"),
        ("", "nnnynn", "one does not use torch"),
        ("uuuuuu", "uuuuuu", "nothing is known"),
    ],
)
def test_numbers_that_are_not_shown_to_be_releases(first: str, second: str, why: str) -> None:
    assert found({"x_2_10_0.so": first, "x_2_11_0.so": second}) == {}, why


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("libx.so.2.10", "libx.so.2.11"),
        ("libx.2.10.dylib", "libx.2.11.dylib"),
        ("x_2_10_0.so", "y_2_11_0.so"),
        ("x_2_10_7.so", "x_2_11_0.so"),
        ("x.cpython-310.so", "x.cpython-311.so"),
        ("a2.10x/x.so", "a2.11x/x.so"),
        ("x_1.2.10.so", "x_1.2.11.so"),
        ("sm_100/x.so", "sm_110/x.so"),
    ],
)
def test_other_numbers_are_not_asked_about(first: str, second: str) -> None:
    assert found({first: "nnynnn", second: "nnnynn"}) == {}


def test_a_release_that_the_index_does_not_know_is_taken_with_the_others() -> None:
    libraries = {"x_2_10_0.so": "nnynnn", "x_2_11_0.so": "nnnynn", "x_2_3_1.so": "nnnnnn"}
    assert found(libraries)["x_2_3_1.so"] == "2.3.1"


def test_patch_releases_that_load_on_each_other() -> None:
    libraries = {"x_2_11_0.so": "nnnynn", "x_2_12_0.so": "nnnnyy", "x_2_12_1.so": "nnnnyy"}
    assert list(found(libraries).values()) == ["2.11.0", "2.12.0", "2.12.1"]
