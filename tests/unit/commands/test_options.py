"""The table of options, and what is built from it: parsers, help, completion, docs/cli.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools import generate_cli_page
from torch_abi_audit.cli import main
from torch_abi_audit.commands import VERBS
from torch_abi_audit.commands.shared.options import DOCUMENT, OPTIONS, Option, Syntax
from torch_abi_audit.commands.shared.parsing import parse
from torch_abi_audit.report.formats import FORMATS
from torch_abi_audit.runtime.lazy_import import module

if TYPE_CHECKING:
    from pathlib import Path

NEEDED = {"diff": ["old", "new"], "explain": ["text"], "completion": ["bash"]}
"""Verb to its required positional arguments."""

EVERYWHERE = {"json", *DOCUMENT}
BESIDE_TARGETS = EVERYWHERE | {"quiet", "no_progress", "python", "platform", "python_version"}
PAIRS = [(verb, name) for verb in VERBS for name in OPTIONS]


def syntax(verb: str) -> Syntax:
    made: Syntax = module(f"commands.{verb}").syntax()
    assert made.verb == verb
    return made


def words(verb: str, *more: str) -> list[str]:
    return [*NEEDED.get(verb, []), *more]


def value_of(one: Option) -> list[str]:
    """The value that the help shows after an option."""
    if one.metavar is not None:
        return [one.metavar]
    return ["{" + ",".join(one.choices) + "}"] if one.choices else []


def value(name: str) -> str:
    one = OPTIONS[name]
    return one.choices[-1] if one.choices else "2.11"


@pytest.mark.parametrize(("verb", "name"), [(v, n) for v, n in PAIRS if OPTIONS[n].flags])
def test_a_verb_takes_the_options_that_it_names_and_no_others(
    verb: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    one, mine = OPTIONS[name], syntax(verb)
    taken = {flag for each in mine.options for flag in OPTIONS[each].flags}
    for flag in one.flags:
        given = words(verb, flag, *([value(name)] if one.takes_value else []))
        if name in mine.options and name != "version":
            found = vars(parse(mine, given))
            expected = [value(name)] if one.repeated else value(name) if one.takes_value else True
            assert found["check" if name == "gate" else name] == expected
        elif flag not in taken:
            with pytest.raises(SystemExit) as ended:
                parse(mine, given)
            assert ended.value.code == 2
            assert "unrecognized arguments" in capsys.readouterr().err


@pytest.mark.parametrize("verb", VERBS)
def test_without_options_everything_is_off(verb: str) -> None:
    mine = syntax(verb)
    found = vars(parse(mine, words(verb)))
    for name in mine.options:
        if OPTIONS[name].flags and name != "version":
            assert found["check" if name == "gate" else name] in (None, False, "auto"), name


@pytest.mark.parametrize("verb", VERBS)
def test_help_has_every_row_once(
    verb: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "500")
    mine = syntax(verb)
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])
    assert ended.value.code == 0
    shown = " ".join(capsys.readouterr().out.partition("options:")[2].split())
    for name in mine.options:
        one = OPTIONS[name]
        if one.flags:
            given = f" {' '.join(value_of(one))} {mine.help(name)}"
            assert shown.count(f"{one.flags[-1]}{given}".replace("  ", " ")) == (one.old is None)


def test_every_row_is_taken_by_a_verb_and_no_flag_twice() -> None:
    assert {name for verb in VERBS for name in syntax(verb).options} == set(OPTIONS)
    for verb in VERBS:
        flags = [flag for name in syntax(verb).options for flag in OPTIONS[name].flags]
        assert len(set(flags)) == len(flags), verb


def test_what_means_the_same_is_taken_wherever_it_makes_sense() -> None:
    for verb in FORMATS:
        assert set(syntax(verb).options) >= EVERYWHERE
    for verb in ("audit", "compat", "gpus", "port", "explain", "diff"):
        assert set(syntax(verb).options) >= BESIDE_TARGETS
    for verb in ("audit", "compat", "port", "explain"):
        assert "torch" in syntax(verb).options


def test_markdown_is_short_where_there_is_such_a_format() -> None:
    for verb in VERBS:
        if "markdown" in syntax(verb).options:
            assert "markdown" in FORMATS[verb]


@pytest.mark.parametrize("verb", FORMATS)
def test_every_format_has_a_renderer(verb: str) -> None:
    assert next(iter(FORMATS[verb])) == "text"
    for home in FORMATS[verb].values():
        assert callable(module(home).render)
    named = syntax(verb).help("format").partition(";")[0]
    assert named.replace(" or ", ", ").split(", ") == list(FORMATS[verb])


@pytest.mark.parametrize("name", OPTIONS)
def test_shells_complete_what_names_a_file(name: str) -> None:
    one = OPTIONS[name]
    files = {
        "FILE",
        "PATH",
        "TARGET",
        "OLD",
        "NEW",
        "REPORT.json",
        "FILE|TARGET",
        "TORCH",
        "FILE.h",
    }
    assert (one.completes is not None) == (one.metavar in files)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_verbs_options_and_formats(
    shell: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for verb in VERBS:
        assert verb in script
        for name in syntax(verb).options:
            for flag in OPTIONS[name].flags:
                shown = f" -{'l' if flag[1] == '-' else 's'} {flag.lstrip('-')} "
                found = (shown if shell == "fish" else flag) in script
                assert found or OPTIONS[name].old is not None, flag
    for formats in FORMATS.values():
        for name in formats:
            assert name in script
    assert main(["completion", shell, "-o", str(tmp_path / "script")]) == 0
    assert (tmp_path / "script").read_text() == script
    assert capsys.readouterr().out == ""


def test_bash_completes_the_formats_of_the_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    for verb, formats in FORMATS.items():
        (line,) = [
            line
            for line in script.splitlines()
            if line.startswith(f"_shtab_torch_abi_audit_{verb}___format_choices=")
        ]
        assert line.partition("=")[2] == f"({' '.join(formats)})"


def test_the_page_in_docs_is_fresh() -> None:
    assert generate_cli_page.main(["--check"]) == 0


def test_a_stale_page_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate_cli_page, "PAGE", tmp_path / "cli.md")
    assert generate_cli_page.main(["--check"]) == 1
    assert "is stale" in capsys.readouterr().err
    assert generate_cli_page.main([]) == 0
    assert generate_cli_page.main(["--check"]) == 0


def test_the_page_has_every_option_of_every_verb() -> None:
    sections = generate_cli_page.page().split("\n## ")
    assert [one.partition("\n")[0] for one in sections[1:]] == list(VERBS)
    for section in sections[1:]:
        verb = section.partition("\n")[0]
        for name in syntax(verb).options:
            one = OPTIONS[name]
            assert (syntax(verb).help(name).replace("|", "\\|") in section) == (one.old is None)


def test_zsh_completes_files_and_directories(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "zsh"]) == 0
    script = capsys.readouterr().out
    kinds = {"file": "_files", "directory": "_files -/"}
    for one in OPTIONS.values():
        if one.flags and one.old is None and one.completes is not None:
            offered = f']:{one.metavar}:{kinds[one.completes]}"'
            lines = [
                line.strip()
                for line in script.splitlines()
                if line.strip().strip('"{*').partition("[")[0].rstrip('}"').split(",")
                == [*one.flags]
            ]
            assert lines, one.flags
            assert all(line.endswith(offered) for line in lines), lines
