"""Every type that a report contains survives ``pack``, ``marshal`` and ``unpack``."""

from __future__ import annotations

import marshal
from pathlib import PurePath

import pytest

from tests.support.reports import library, package, unstable
from torch_abi_audit.model.binary import Binary, Format
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.model.reports import ExtensionReport, PackageReport
from torch_abi_audit.runtime.messages import pack, unpack


def carried(value: object) -> object:
    return unpack(marshal.loads(marshal.dumps(pack(value))))  # type: ignore[arg-type]  # noqa: S302


@pytest.mark.parametrize(
    "value",
    [
        None,
        1,
        "text",
        b"\xff",
        (),
        ("a", b"b", None),
        ("", "a") * 20,
        (b"", b"\xff") * 20,
        ("",) * 20,
        ("a",) * 20 + (b"a",),
        (b"a",) * 20 + ("a",),
        ("a\0b",) * 20,
        (b"a\0b",) * 20,
        (Severity.NOTE,) * 20,
        (1,) * 20,
        (("a",), (Severity.ERROR, 2)),
        {1: ("a", Format.ELF), 2: ()},
        frozenset({b"a"}),
        frozenset(str(at) for at in range(40)),
        frozenset({b"a\0b", *(b"%d" % at for at in range(40))}),
        {b"%d" % at: (Severity.NOTE, Severity.ERROR)[at % 2] for at in range(40)},
        {str(at): ("a", at) for at in range(40)},
        Severity.NOTE,
        ExtensionReport(PurePath("/a/b.so"), error="cut short", format=Format.PE),
        PackageReport("a", PurePath("/a"), notes=("one",)),
    ],
)
def test_what_is_packed_comes_back(value: object) -> None:
    again = carried(value)
    assert again == value
    assert type(again) is type(value)


def test_members_come_back_as_members_however_many_there_are() -> None:
    for length in (2, 40):
        (again,) = {type(one) for one in carried((Severity.NOTE,) * length)}  # type: ignore[attr-defined]
        assert again is Severity
        kinds = carried({b"%d" % at: Severity.NOTE for at in range(length)})
        assert {type(one) for one in kinds.values()} == {Severity}  # type: ignore[attr-defined]


def test_a_whole_report_comes_back() -> None:
    report = package(library("demo/_C.so", unstable("at::f()", internal=["c10d::g()"])))
    again = carried(report)
    assert again == report
    assert isinstance(again, PackageReport)
    assert again.torch_verdict == report.torch_verdict
    assert again.libraries[0].path == report.libraries[0].path


def test_members_come_back_as_the_very_ones() -> None:
    assert carried(Severity.WARNING) is Severity.WARNING
    again = carried((Severity.NOTE,) * 20)
    assert isinstance(again, tuple)
    assert all(one is Severity.NOTE for one in again)


def test_read_only_mappings_come_back_as_mappings() -> None:
    binary = Binary(Format.ELF, "x86_64", 64, "little", (b"f",))
    again = carried(binary)
    assert isinstance(again, Binary)
    assert dict(again.providers) == {}


def test_what_no_model_holds_is_refused() -> None:
    with pytest.raises(TypeError, match="cannot be packed"):
        pack(object())
