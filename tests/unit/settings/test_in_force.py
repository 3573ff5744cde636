"""The command line overrides the configuration, as plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from torch_abi_audit.model.errors import SettingsError
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.report.destination import Destination
from torch_abi_audit.settings.in_force import Given, in_force, terms
from torch_abi_audit.settings.schema import Settings

if TYPE_CHECKING:
    from pathlib import Path

CONFIGURATION = """\
[tool.torch-abi-audit]
targets = ["dist/*.whl", "numpy"]
check = "torch"
format = ["text", "sarif:out.sarif"]
baseline = "abi.json"
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pyproject.toml").write_text(CONFIGURATION)
    (tmp_path / "abi.json").touch()
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "a.whl").touch()
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_nothing_said_is_no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    assert in_force(Given()) is None
    assert in_force(Given(targets=("x",))) is None
    found = in_force(Given(targets=("x",), allow_empty=True))
    assert found is not None
    assert (found.targets, found.allow_empty) == (("x",), True)
    assert dict(found.origins) == {"targets": "the command line", "allow-empty": "--allow-empty"}


def test_formats_are_those_of_an_audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = in_force(Given(formats=("sarif:x", "text"), isolated=True))
    assert found is not None
    assert found.formats == (Destination("sarif", "x"), Destination("text"))
    assert dict(found.origins) == {"format": "--format"}
    with pytest.raises(
        SettingsError, match=r"--format: no format is called toml; choose from text"
    ):
        in_force(Given(formats=("toml",), isolated=True))


@pytest.mark.usefixtures("project")
def test_the_command_line_goes_before_the_configuration() -> None:
    found = in_force(Given(check="all", fail_on="warning", select=("T, P203", "M")))
    assert found is not None
    assert found.check == "all"
    assert found.fail_on is Severity.WARNING
    assert found.select == ("T", "P203", "M")
    assert found.targets == ("dist/a.whl", "numpy")
    assert found.origins["check"] == "--check"
    assert found.origins["baseline"] == "pyproject.toml:5"


def test_paths_are_those_of_the_configurations_directory(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project / "sub")
    found = in_force(Given())
    assert found is not None
    assert found.targets == (f"{project}/dist/a.whl", "numpy")
    assert found.formats == (Destination("text"), Destination("sarif", f"{project}/out.sarif"))
    assert found.baseline == f"{project}/abi.json"
    (project / "abi.json").unlink()
    found = in_force(Given())
    assert found is not None
    assert found.baseline == "abi.json"


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (Given(config="x", isolated=True), "--config and --isolated cannot be used together"),
        (Given(select=("Q",)), "--select: no rule is called Q"),
        (Given(ignore=(" , ",)), "--ignore names no rule"),
        (Given(config="gone.toml"), "cannot read the configuration gone.toml"),
    ],
)
def test_words_without_a_meaning(given: Given, sentence: str) -> None:
    with pytest.raises(SettingsError) as raised:
        in_force(given)
    assert str(raised.value).startswith(sentence)


def test_what_is_only_written_fails_nothing() -> None:
    settings = Settings(check="torch")
    assert terms(settings, only_written=False).gated
    assert not terms(settings, only_written=True).gated
    assert not terms(Settings(), only_written=False).gated
