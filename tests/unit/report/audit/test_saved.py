from __future__ import annotations

import json
from dataclasses import replace
from pathlib import PureWindowsPath

import pytest

from tests.support.reports import ABI3, library, package, stable, unstable
from torch_abi_audit.model.errors import AuditError
from torch_abi_audit.model.reports import EnvironmentReport, Skipped, SliceReport
from torch_abi_audit.report import format_json
from torch_abi_audit.report.audit.saved import parse
from torch_abi_audit.rules import rule

WHOLE = package(
    library("_C.abi3.so", stable("2.11.0", "aoti_torch_zeros"), ABI3, module=True),
    replace(
        library("x.so", unstable("c10::a()", internal=["c10d::b()"])),
        slices=(SliceReport("arm64", ABI3, stable()),),
        needed=("libc10.so",),
        variant="2.10",
    ),
    library("torn.so", error="cut short"),
    findings=[rule("T102").finding("m", library="x.so", evidence=["e"])],
    distribution="pkg",
    version="1.2",
)
WHOLE = replace(WHOLE, notes=("a note",), skipped=(Skipped("a.o", "object file"),))


def test_a_report_comes_back() -> None:
    assert parse(format_json(WHOLE), "f") == (WHOLE,)


def test_an_envelope_comes_back() -> None:
    other = package(name="other", error="no such file")
    text = format_json(EnvironmentReport(None, (WHOLE, other)))
    assert parse(text, "f") == (WHOLE, other)


def test_paths_of_windows() -> None:
    document = json.loads(format_json(package()))
    document["root"] = "C:\\x\\pkg"
    (found,) = parse(json.dumps(document), "f")
    assert found.root == PureWindowsPath("C:/x/pkg")


def broken(**changes: object) -> str:
    return json.dumps({**json.loads(format_json(WHOLE)), **changes})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "f is not a saved report: Expecting"),
        ("[]", "f is not a saved report: it has no schema_version"),
        ("{}", "f is not a saved report: it has no schema_version"),
        ('{"schema_version": 99}', "f has schema version 99; this program supports 1"),
        ('{"schema_version": 1, "packages": {}}', "its packages are not a list"),
        ('{"schema_version": 1, "packages": [3]}', "packages[0] is int, not dict"),
        ('{"schema_version": 1}', "f is not the report of an audit: it has neither packages nor"),
        (
            '{"schema_version": 1, "packages": [{"name": "a", "root": "/a"}]}',  # of gpus or port
            "f is not the report of an audit: packages[0] has no extensions",
        ),
        ('{"schema_version": 1, "extensions": []}', "packages[0] lacks a key: "),
        (broken(name=3), "packages[0].name is int, not str"),
        (broken(extensions=[{"path": None}]), "packages[0].extensions[0].path is NoneType"),
        (
            broken(findings=[{"rule": "T1", "severity": "bad", "message": ""}]),
            "severity has the unknown value 'bad'",
        ),
        (
            broken(extensions=[{"path": "x", "torch": {"uses_torch": True}}]),
            "extensions[0].torch has no required_symbols: it was written by an older version",
        ),
    ],
)
def test_what_is_none(text: str, problem: str) -> None:
    with pytest.raises(AuditError) as caught:
        parse(text, "f")
    assert problem in str(caught.value)
