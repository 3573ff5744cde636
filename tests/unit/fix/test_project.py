"""Changes to the text of a ``pyproject.toml``; ``tomllib`` reads what is written."""

from __future__ import annotations

import tomllib

import pytest

from torch_abi_audit.fix.project import Fixed, dynamic_files, fixed, name_of
from torch_abi_audit.knowledge.torch_releases import torch_releases
from torch_abi_audit.model.errors import SettingsError
from torch_abi_audit.model.releases import release_key
from torch_abi_audit.model.torch_fit import TorchFit

KNOWN = tuple(one.version for one in torch_releases())
LINUX = tuple((f"3.{minor}", "linux", "x86_64") for minor in (11, 12, 13))
MACOS = tuple((f"3.{minor}", "macos", "arm64") for minor in (11, 12, 13))


def fit(
    first: str,
    last: str = KNOWN[-1],
    places: tuple[tuple[str, str, str], ...] = LINUX,
    *,
    bounded: bool = False,
) -> TorchFit:
    low, high = release_key(first), release_key(last)
    sure = tuple(one for one in KNOWN if low <= release_key(one) <= high)
    bad = tuple(one for one in KNOWN if one not in sure)
    return TorchFit(places, sure, bad, bounded)


SINCE_2_11 = fit("2.11.0")


def change(text: str, *fits: TorchFit) -> Fixed:
    result = fixed(text, "pyproject.toml", fits or (SINCE_2_11,))
    tomllib.loads(result.text)
    again = fixed(result.text, "pyproject.toml", fits or (SINCE_2_11,))
    assert again.changes == ()  # a second run has nothing to do
    assert again.text == result.text
    return result


def project(lines: str) -> str:
    return f'[project]\nname = "demo"\n{lines}'


def test_comments_and_layout_stay() -> None:
    text = """\
# before
[build-system]
requires = ["setuptools", "torch"]   # builds with any

[project]
name    = "demo" # a name
dependencies = [
    'numpy>=1.20',   # arrays
    'torch >= 2.9 ; python_version < "3.14"',  # the one
\t# the rest
    "zlib-ng"
]

[dependency-groups]
dev = ["torch>=2.1"]
"""
    result = change(text)
    assert result.text == text.replace("torch >= 2.9 ;", "torch >= 2.11 ;")
    assert result.by_hand == ()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('["numpy"]', '["numpy", "torch>=2.11"]'),
        ('["numpy", "zlib-ng"]', '["numpy", "torch>=2.11", "zlib-ng"]'),
        ('["zlib-ng", "numpy"]', '["zlib-ng", "numpy", "torch>=2.11"]'),
        ("[]", '["torch>=2.11"]'),
        (
            '[\n    "numpy", # arrays\n    "zlib-ng", # last\n]',
            '[\n    "numpy", # arrays\n    "torch>=2.11",\n    "zlib-ng", # last\n]',
        ),
        ('[\n  "b",\n  "a"  # last\n]', '[\n  "b",\n  "a",  # last\n  "torch>=2.11"\n]'),
    ],
)
def test_a_requirement_that_is_missing(before: str, after: str) -> None:
    result = change(project(f"dependencies = {before}\n"))
    assert result.text == project(f"dependencies = {after}\n")
    assert result.changes == ((None, "torch>=2.11"),)


def test_a_project_without_any_dependencies() -> None:
    result = change(project('\n[project.scripts]\ndemo = "demo:main"\n'))
    assert result.text == project(
        'dependencies = ["torch>=2.11"]\n\n[project.scripts]\ndemo = "demo:main"\n'
    )


def test_newlines_of_windows_stay() -> None:
    text = project('dependencies = [\n  "numpy",\n  "torch>=2",\n]\n').replace("\n", "\r\n")
    assert change(text).text == text.replace("torch>=2", "torch>=2.11")
    without = project('dependencies = [\n  "numpy",\n]\n').replace("\n", "\r\n")
    assert change(without).text == without.replace('",\r\n]', '",\r\n  "torch>=2.11",\r\n]')


def test_a_requirement_of_an_extra() -> None:
    text = project(
        'dependencies = ["numpy"]\n\n[project.optional-dependencies]\n'
        'gpu = ["torch>=2.9,<3"]\ntest = ["pytest"]\n'
    )
    assert change(text).text == text.replace(">=2.9,<3", ">=2.11,<3")
    both = text.replace('"numpy"', '"torch>=2.12"')
    assert change(both).text == both  # what the extra admits is narrowed already


def test_each_line_is_narrowed_where_it_applies() -> None:
    text = project(
        "dependencies = [\n"
        "  \"torch>=2.9; sys_platform == 'linux'\",\n"
        "  \"torch>=2.2; sys_platform == 'darwin'\",\n"
        "]\n"
    )
    assert change(text).text == text.replace("2.9;", "2.11;")
    with_macos = change(text, SINCE_2_11, fit("2.10.0", places=MACOS))
    assert with_macos.text == text.replace("2.9;", "2.11;").replace("2.2;", "2.10;")


def test_wheels_of_several_platforms_are_taken_together() -> None:
    text = project('dependencies = ["torch>=2.9"]\n')
    both = change(text, SINCE_2_11, fit("2.12.0", "2.14.1", MACOS, bounded=True))
    assert both.changes == (("torch>=2.9", "torch>=2.12,<2.15"),)


def test_what_nobody_asked_to_move_stays() -> None:
    text = project('dependencies = ["torch>=2.11.0,!=2.13.0"]\n')
    assert change(text).text == text
    assert change(text, fit("2.10.0", "2.11.0", bounded=True)).changes == (
        ("torch>=2.11.0,!=2.13.0", "torch>=2.11.0,<2.12"),
    )


@pytest.mark.parametrize(
    ("requirement", "why"),
    [
        ("torch==2.9.0", "the binaries fit none of the releases that it admits"),
        ("torch @ https://example.org/torch.whl", "the URL decides which torch is installed"),
        ("torch (>2,", "the requirement is not valid"),
        ("torch>=2; sys_platform == 'win32'", "it does not apply where the audited distribution"),
    ],
)
def test_what_somebody_has_to_decide(requirement: str, why: str) -> None:
    text = project(f'dependencies = ["numpy", "{requirement}"]\n')
    result = change(text)
    assert result.text == text
    (found,) = result.by_hand
    assert found.text == requirement
    assert found.why.startswith(why)
    assert found.path == ("project", "dependencies", 1)


def test_nothing_is_known_of_the_releases_that_are_left() -> None:
    bad = tuple(one for one in KNOWN if release_key(one) >= (2, 4))
    nothing_sure = TorchFit(LINUX, (), bad, bounded=True)
    text = project('dependencies = ["torch>=2.3.0"]\n')
    assert change(text, nothing_sure).changes == (("torch>=2.3.0", "torch>=2.3.0,<2.4"),)
    text = project('dependencies = ["numpy"]\n')
    result = change(text, nothing_sure)
    assert result.text == text
    assert [(one.text, one.why.partition(",")[0]) for one in result.by_hand] == [
        ("torch", "it is not required")
    ]


def test_requirements_that_are_elsewhere() -> None:
    text = project('dynamic = ["version", "dependencies"]\n')
    result = change(text)
    assert result.text == text
    assert [one.elsewhere for one in result.by_hand] == [True]
    assert [one.elsewhere for one in change("[tool.ruff]\n").by_hand] == [True]
    files = text + '[tool.setuptools.dynamic]\ndependencies = {file = ["requirements/a.txt"]}\n'
    assert dynamic_files(files, "pyproject.toml") == ("requirements/a.txt",)


@pytest.mark.parametrize(
    ("constraint", "wanted"),
    [
        ('"^2.9"', "'>=2.11,<3'"),
        ('"~2.9"', "'>=2.11'"),
        ('"*"', "'>=2.11'"),
        ('{version = ">=2.9,<2.14", optional = true}', "'>=2.11,<2.14'"),
        ('"^2.11"', None),
        ('">=2.12,<3"', None),
        ('{git = "https://example.org/torch"}', "'>=2.11'"),
    ],
)
def test_poetrys_own_table_is_pointed_at(constraint: str, wanted: str | None) -> None:
    text = f'[tool.poetry]\nname = "demo"\n[tool.poetry.dependencies]\ntorch = {constraint}\n'
    result = change(text)
    assert result.text == text
    if wanted is None:
        assert result.by_hand == ()
        return
    (found,) = result.by_hand
    assert found.why == f"Poetry's table should say {wanted}"
    assert found.path == ("tool", "poetry", "dependencies", "torch")


def test_the_name_of_a_project() -> None:
    assert name_of(project(""), "p") == "demo"
    assert name_of('[tool.poetry]\nname = "x"\n', "p") == "x"
    assert name_of("[tool.ruff]\n", "p") is None
    with pytest.raises(SettingsError, match=r"^pyproject\.toml: "):
        name_of("[project\n", "pyproject.toml")
