"""Our frozen classes do what the standard library's do."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import json
import pickle

import pytest

from torch_abi_audit import (
    CPythonABIVerdict,
    EnvironmentReport,
    ExtensionReport,
    PackageReport,
    TorchABIVerdict,
)
from torch_abi_audit.record import dataclass, field
from torch_abi_audit.report import format_environment_table, format_json, format_package_table


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
        hash(Ours(1))  # a list in it, as with the standard one
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
