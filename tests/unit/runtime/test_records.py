"""Our frozen classes behave like those of ``dataclasses``."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import json
import pickle
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

import pytest

from torch_abi_audit import (
    CPythonABIVerdict,
    EnvironmentReport,
    ExtensionReport,
    PackageReport,
    TorchABIVerdict,
)
from torch_abi_audit.model.paths import relative_path
from torch_abi_audit.report import format_environment_table, format_json, format_package_table
from torch_abi_audit.runtime.records import dataclass, field, given_path, late_path, replace


@dataclass(frozen=True, slots=True)
class Ours:
    """A value."""

    a: int
    b: str = "b"
    c: list[int] = field(default_factory=list)
    d: int = field(default=0, compare=False, repr=False)

    @property
    def double(self) -> int:
        return 2 * self.a


@dataclasses.dataclass(frozen=True, slots=True)
class Theirs:
    """A value."""

    a: int
    b: str = "b"
    c: list[int] = dataclasses.field(default_factory=list)
    d: int = dataclasses.field(default=0, compare=False, repr=False)


def test_construction_and_defaults() -> None:
    assert (Ours(1).a, Ours(1).b, Ours(1).c, Ours(1).d) == (1, "b", [], 0)
    assert Ours(1).c is not Ours(1).c
    assert Ours(a=2, d=3).double == 4
    assert Ours(1, "x", [2], 4).d == 4


@pytest.mark.parametrize(
    ("args", "kwargs"), [((), {}), ((1, 2, 3, 4, 5), {}), ((1,), {"a": 2}), ((1,), {"z": 2})]
)
def test_wrong_arguments(args: tuple[int, ...], kwargs: dict[str, int]) -> None:
    for cls in (Ours, Theirs):
        with pytest.raises(TypeError):
            cls(*args, **kwargs)  # type: ignore[arg-type]


def test_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Ours(1).a = 2  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        del Ours(1).a
    assert not hasattr(Ours(1), "__dict__")


def test_equality_and_hash() -> None:
    assert Ours(1) == Ours(1, d=9)
    assert Ours(1) != Ours(2)
    assert Ours(1) != Theirs(1)  # type: ignore[comparison-overlap]
    with pytest.raises(TypeError):
        hash(Ours(1))  # it contains a list, so neither class is hashable
    assert hash(Ours(1, c=())) == hash(Ours(1, c=()))  # type: ignore[arg-type]


def test_text_and_signature() -> None:
    assert repr(Ours(1)) == repr(Theirs(1)).replace("Theirs", "Ours")
    assert str(inspect.signature(Ours)).startswith("(a: ")
    assert list(inspect.signature(Ours).parameters) == list(inspect.signature(Theirs).parameters)
    assert Ours.__doc__ == "A value."
    assert Ours.__match_args__ == Theirs.__match_args__


def test_what_the_standard_library_asks_for() -> None:
    assert dataclasses.is_dataclass(Ours)
    assert [one.name for one in dataclasses.fields(Ours)] == ["a", "b", "c", "d"]
    assert dataclasses.replace(Ours(1), a=5) == Ours(5)
    assert dataclasses.asdict(Ours(1)) == dataclasses.asdict(Theirs(1))
    assert pickle.loads(pickle.dumps(Ours(1, "x"))) == Ours(1, "x")  # noqa: S301 - our own
    assert copy.copy(Ours(1)) == copy.deepcopy(Ours(1)) == Ours(1)


@dataclass(frozen=True, slots=True)
class Placed:
    path: PurePath
    other: PurePath | None = None
    text: str = ""


def test_a_path_may_be_given_as_a_text_and_is_read_as_a_path() -> None:
    given = Placed(late_path("/x/y"), late_path("z"), "/x/y")
    assert given_path(given, "path") == "/x/y"
    assert (given.path, given.other, given.text) == (PurePath("/x/y"), PurePath("z"), "/x/y")
    assert isinstance(given.path, PurePath)
    assert given.path is given.path
    assert given_path(given, "path") is None  # it is a path now
    assert Placed(Path("/x")).path == Path("/x")
    assert isinstance(Placed(Path("/x")).path, Path)
    assert Placed(PurePath("/x")).other is None


def test_nothing_tells_a_path_that_was_given_as_a_text_from_another() -> None:
    def given() -> Placed:
        return Placed(late_path("/x//y/"))

    same = Placed(PurePath("/x/y"))
    assert given() == same
    assert hash(given()) == hash(same)
    assert repr(given()) == repr(same)
    assert dataclasses.asdict(given()) == dataclasses.asdict(same)
    for made in (
        dataclasses.replace(given(), text="z"),
        copy.copy(given()),
        copy.deepcopy(given()),
        pickle.loads(pickle.dumps(given())),  # noqa: S301 - our own
    ):
        assert isinstance(made.path, PurePath)
        assert made.path == same.path
    match given():
        case Placed(path=path):
            assert path == same.path
    with pytest.raises(dataclasses.FrozenInstanceError):
        given().path = PurePath("/z")  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        del given().path


def test_a_copy_with_changes_makes_no_path() -> None:
    changed = replace(Placed(late_path("/x")), text="z")
    assert given_path(changed, "path") == "/x"


_TEXTS = [
    *("", ".", "..", "/", "//", "//x", "///x", "/x", "/x/", "/x/.", "/x/..", "/x/./y", "./x"),
    *(
        "x/y.so",
        "/x/../y",
        "/x//y.so",
        "/x/y/z.abi3.so",
        "/x y/z",
        "/xy",
        "/x/a\\b.so",
        "C:\\x\\y.dll",
    ),
]


@pytest.mark.parametrize("text", _TEXTS)
def test_text_and_name_are_those_of_the_path(text: str) -> None:
    for path in (PurePath(text), PurePosixPath(text), PureWindowsPath(text)):
        given = late_path(text) if type(path) is type(PurePath()) else path
        assert ExtensionReport(given).path_text == ExtensionReport(path).path_text == str(path)
        assert ExtensionReport(given).name == ExtensionReport(path).name == path.name
        assert PackageReport("x", given).root_text == PackageReport("x", path).root_text


@pytest.mark.parametrize("text", _TEXTS)
def test_the_place_of_a_library_is_that_of_its_path(text: str) -> None:
    def place(path: PurePath, root: PurePath) -> str:
        return relative_path(ExtensionReport(path), PackageReport("x", root))

    for root in _TEXTS:
        path, above = PurePath(text), PurePath(root)
        below = path.relative_to(above) if path.is_relative_to(above) else path
        expected = path.name if path == above else below.as_posix()
        assert place(late_path(text), late_path(root)) == expected, root
        assert place(path, above) == place(late_path(text), above) == expected, root
    windows = PureWindowsPath("C:/x/lib/y.dll")
    assert place(windows, PureWindowsPath("c:/X")) == "lib/y.dll"


def test_reports_can_be_built_from_their_first_fields() -> None:
    library = ExtensionReport(
        path="/x/pkg/lib/_C.abi3.so",  # type: ignore[arg-type]  # a string is forgiven
        cpython=CPythonABIVerdict(intent=True, compliant=True),
        torch=TorchABIVerdict(uses_torch=True, stable=True, stable_shim_count=3),
    )
    package = PackageReport(name="pkg", root="/x/pkg", bundled_libs=(library,))  # type: ignore[arg-type]
    assert (package.torch_verdict, package.cpython_verdict) == ("torch-stable", "no-extensions")
    table = format_package_table(package)
    assert (
        "    [STABLE  ] [abi3-ok               ] lib/_C.abi3.so  (stable_shim=3, unstable=0)"
        in table
    )
    assert json.loads(format_json(package))["bundled_libs"][0]["path"] == "/x/pkg/lib/_C.abi3.so"
    environment = EnvironmentReport(site_packages="/x", packages=(package,))  # type: ignore[arg-type]
    assert "  pkg               STABLE    -          n/a         0        1" in (
        format_environment_table(environment, verbose=True, show_all=True)
    )
