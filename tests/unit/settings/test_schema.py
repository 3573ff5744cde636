# ruff: noqa: E501
from __future__ import annotations

import datetime as dt

import pytest

from torch_abi_audit.gate.ignores import Ignore
from torch_abi_audit.gate.selection import checks
from torch_abi_audit.model.errors import SettingsError
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.report.destination import Destination
from torch_abi_audit.rules.reported import Required
from torch_abi_audit.settings.schema import KEYS, Settings, parse
from torch_abi_audit.settings.toml_lines import line_of

WHOLE = """\
[project]
name = "x"

[tool.torch-abi-audit]
targets = ["dist/*.whl", "torchx"]
check = "all"
select = ["T", "P203"]
fail-on = "warning"
format = ["text", "sarif:out/audit.sarif"]
baseline = "abi-baseline.json"
allow-empty = true

[tool.torch-abi-audit.require]
torch = ">=2.10,<3"
python = "3.10"
gpus = ["8.0", "RTX 4090"]

[[tool.torch-abi-audit.ignore]]
rule = "T101"
library = "lib/*core*"
symbol = "c10::*"
reason = "until the port is done"
expires = 2026-06-30

[[tool.torch-abi-audit.ignore]]
package = "torchx"
reason = "shipped as it is"
expires = "2027-01-01"
"""


def read(text: str, *, embedded: bool = True) -> Settings:
    settings = parse(text, "pyproject.toml", embedded=embedded)
    assert settings is not None
    return settings


def test_a_whole_configuration() -> None:
    found = read(WHOLE)
    assert found.targets == ("dist/*.whl", "torchx")
    assert found.check == "all"
    assert found.select == ("T", "P203")
    assert found.fail_on is Severity.WARNING
    assert found.formats == (Destination("text"), Destination("sarif", "out/audit.sarif"))
    assert found.baseline == "abi-baseline.json"
    assert found.allow_empty is True
    assert found.required == Required(torch="2.10", python="3.10", gpus=("8.0", "RTX 4090"))
    assert found.ignore == ()
    assert found.ignores == (
        Ignore(
            "until the port is done",
            rule="T101",
            library="lib/*core*",
            symbol="c10::*",
            expires=dt.date(2026, 6, 30),
            origin="pyproject.toml:18",
        ),
        Ignore(
            "shipped as it is",
            package="torchx",
            expires=dt.date(2027, 1, 1),
            origin="pyproject.toml:25",
        ),
    )


def test_each_value_knows_its_line() -> None:
    origins = read(WHOLE).origins
    assert {key: int(origin.rpartition(":")[2]) for key, origin in origins.items()} == {
        "targets": 5,
        "check": 6,
        "select": 7,
        "fail-on": 8,
        "format": 9,
        "baseline": 10,
        "allow-empty": 11,
        "require.torch": 14,
        "require.python": 15,
        "require.gpus": 16,
        "ignore": 18,
    }
    assert set(origins) == set(KEYS)


def test_an_empty_table_changes_nothing() -> None:
    assert read("[tool.torch-abi-audit]\n") == Settings()


def test_a_file_of_its_own_has_its_keys_at_the_top() -> None:
    assert read('check = "both"\nignore = ["T104"]\n', embedded=False).ignore == ("T104",)


@pytest.mark.parametrize("text", ["", "[tool.other]\n", '[project]\nname = "torch-abi-audit"\n'])
def test_a_project_without_the_table(text: str) -> None:
    assert parse(text, "pyproject.toml", embedded=True) is None


@pytest.mark.parametrize("floor", [">=2.10", "2.10", "~=2.10", "==2.10.*", ">= 2.10 , < 3"])
def test_floors(floor: str) -> None:
    found = read(f'require = {{torch = "{floor}"}}\n', embedded=False)
    assert found.required.torch == "2.10"


REST = "baseline, allow-empty, require"
ERRORS = [
    # unknown keys
    ('chek = "torch"', 1, "unknown key chek; did you mean check?"),
    ("\n\nfail_on = 1", 3, "unknown key fail_on; did you mean fail-on?"),
    ("xyzzy = 1", 1, f"unknown key xyzzy; the known keys are targets, check, select, ignore, fail-on, format, {REST}"),
    ('[require]\ntroch = "2.1"', 2, "unknown key require.troch; did you mean torch?"),
    ('[[ignore]]\nreason = "x"\n\nlibary = "y"', 4, "unknown key ignore[0].libary; did you mean library?"),
    # wrong types
    ("check = 3", 1, "check must be a string, not a number"),
    ('check = "pytorch"', 1, f'check must be one of {", ".join(checks())}, not "pytorch"; did you mean torch?'),
    ('fail-on = "note"', 1, 'fail-on must be one of error, warning, not "note"'),
    ('targets = "x"', 1, "targets must be a list, not a string"),
    ('targets = [\n  "x",\n  1,\n]', 1, "targets[1] must be a string, not a number"),
    ('targets = [""]', 1, "targets[0] must be a string, not an empty string"),
    ('select = ["T1O1"]', 1, "no rule is called T1O1; did you mean T101?"),
    ('select = [\n  "T",\n  "Q",\n]', 3, "no rule is called Q"),
    ('ignore = "T101"', 1, "ignore must be a list, not a string"),
    ("ignore = [1]", 1, "ignore[0] must be a table, not a number"),
    ('allow-empty = "yes"', 1, "allow-empty must be true or false, not a string"),
    ("baseline = 1.5", 1, "baseline must be a string, not a number"),
    ("baseline = 2026-01-01", 1, "baseline must be a string, not a date or time"),
    ("require = true", 1, "require must be a table, not a boolean"),
    ("require = []", 1, "require must be a table, not a list"),
    # values that are not valid
    ('[require]\ntorch = "<3"', 2, 'require.torch must name the oldest release, such as ">=2.10"'),
    ('[require]\npython = "three"', 2, 'require.python must name the oldest release, such as "3.10"'),
    ('[require]\ngpus = "9.0"', 2, "require.gpus must be a list, not a string"),
    ("[require]\ngpus = [9.0]", 2, "require.gpus[0] must be a string, not a number"),
    ('[require]\ngpus = [\n  "H100",\n  "RTX 4091",\n]', 4, "require.gpus[1]: no known GPU is called 'RTX 4091' (nearest: RTX 4090"),
    ('[require]\ngpus = ["13.7"]', 2, "require.gpus[0]: no known GPU is called '13.7'"),
    ('[require]\ngpu = ["9.0"]', 2, "unknown key require.gpu; did you mean gpus?"),
    ('format = ["sarf"]', 1, "no format is called sarf; did you mean sarif?"),
    ('format = [\n  "text",\n  "junit:",\n]', 3, "junit: names no file after the colon"),
    ('[[ignore]]\nrule = "T101"', 1, "ignore[0] must have a reason"),
    ('[[ignore]]\nrule = "T101"\nreason = " "', 3, "ignore[0].reason must be a string, not an empty string"),
    ('[[ignore]]\nreason = "x"', 1, "ignore[0] must name a rule, package, library or symbol"),
    ('[[ignore]]\nrule = "T101"\nreason = "x"\nexpires = "soon"', 4, 'ignore[0].expires must be a date such as 2030-01-31, not "soon"'),
    ('[[ignore]]\nrule = "T101"\nreason = "x"\nexpires = 7', 4, "ignore[0].expires must be a date such as 2030-01-31, not 7"),
    ('[[ignore]]\nrule = "T9"\nreason = "x"', 2, "no rule is called T9"),
    # not valid TOML
    ("check = \n", 1, "not valid TOML: invalid value"),
    ('a = 1\nb = "', 2, "not valid TOML: "),
    ("check = 1\ncheck = 2", 2, "not valid TOML: cannot overwrite a value"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "problem"), ERRORS, ids=lambda one: str(one)[:40])
@pytest.mark.parametrize("embedded", [False, True], ids=["own file", "pyproject"])
def test_errors_point_at_the_line(text: str, line: int, problem: str, *, embedded: bool) -> None:
    if embedded:
        header = "[tool.torch-abi-audit"
        text = text.replace("[[ignore]]", f"[{header}.ignore]]")
        text = text.replace("[require]", f"{header}.require]")
        text = f"[project]\n# mentions\n{header}]\n{text}"
        line += 3
    with pytest.raises(SettingsError) as caught:
        parse(text, "some.toml", embedded=embedded)
    assert str(caught.value).startswith(f"some.toml:{line}: {problem}")


def test_a_table_that_is_not_one() -> None:
    with pytest.raises(SettingsError, match=r"p:2: torch-abi-audit must be a table, not a number"):
        parse("[tool]\ntorch-abi-audit = 1\n", "p", embedded=True)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("a",), 2),
        (("b", "c"), 4),
        (("d",), 6),
        (("d", 1), 9),
        (("e", 1, "x"), 15),
        (("e", 0), 12),
        (("f.g", "h"), 17),
        (("nowhere",), 1),
    ],
)
def test_lines(path: tuple[str | int, ...], line: int) -> None:
    text = """\
# a comment
a = 1
[b]
c = '''
three'''
[[d]]
x = 1

[[d]]
y = 2

[[e]]
x = 1
[[e]]
x = 2

"f.g" = {h = 1}
"""
    if path[0] == "f.g":
        path = ("e", 1, *path)
    assert line_of(text, path) == line
