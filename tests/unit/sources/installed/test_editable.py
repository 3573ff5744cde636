from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.installs import by_name, editable, install, relatives, sibling_relatives, write
from torch_abi_audit.sources import resolve
from torch_abi_audit.sources.environments import site_packages
from torch_abi_audit.sources.installed.editable import directories, finder_mapping, provided

TRAP = "import pathlib; pathlib.Path(r'{}').touch()\n"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "site-packages"
    path.mkdir()
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a ``src`` layout, an environment in it, and a library outside of ``src``."""
    root = tmp_path / "project"
    write(root / "src" / "demo" / "__init__.py", "raise SystemExit('imported')")
    write(root / "src" / "demo" / "_C.so")
    write(root / "build" / "lib" / "demo" / "_C.so")
    write(root / ".venv" / "lib" / "x.so")
    return root


def check(site: Path, root: Path) -> None:
    """Import name, distribution name and environment agree on where the libraries are."""
    for found in (
        resolve("demo", search_path=[str(site)]),
        by_name(site_packages(str(site)))["Demo-Dist"],
        resolve("demo-dist", search_path=[str(site)]),
    ):
        assert found.root == str(root)
        assert relatives(found) == ["_C.so"]
        assert (found.distribution, found.version) == ("Demo-Dist", "1.0")
        assert found.import_names == ("demo",)
        assert found.siblings == ()
    assert [each.name for each in site_packages(str(site)).packages] == ["Demo-Dist"]


def test_a_pth_file_that_names_a_directory(site: Path, project: Path, tmp_path: Path) -> None:
    trap = tmp_path / "executed"
    pth = f"# words\n\n{TRAP.format(trap)}{project / 'src'}\nimport\tos\n/no/such/place\n"
    editable(site, "Demo-Dist", project, {"_demo.pth": pth})
    check(site, project / "src" / "demo")
    assert not trap.exists()


def test_a_finder_with_a_literal_mapping(site: Path, project: Path, tmp_path: Path) -> None:
    trap = tmp_path / "executed"
    finder = (
        f"{TRAP.format(trap)}from __future__ import annotations\n"
        f"MAPPING: dict[str, str] = {{'demo': {str(project / 'src' / 'demo')!r}}}\n"
        "NAMESPACES: dict[str, list[str]] = {}\n"
    )
    editable(
        site,
        "Demo-Dist",
        project,
        {
            "__editable___demo_1_0_finder.py": finder,
            "__editable__.demo-1.0.pth": "import __editable___demo_1_0_finder; raise SystemExit",
        },
    )
    check(site, project / "src" / "demo")
    assert not trap.exists()


def test_a_direct_url_alone(site: Path, project: Path) -> None:
    editable(site, "Demo-Dist", project, {"_demo_loader.py": "raise SystemExit"})
    for found in (
        resolve("demo", search_path=[str(site)]),
        resolve("Demo.Dist", search_path=[str(site)]),
        by_name(site_packages(str(site)))["Demo-Dist"],
    ):
        assert found.root == str(project / "src" / "demo")
        assert relatives(found) == ["_C.so"]


def test_a_flat_layout_does_not_take_the_environment_in_it(site: Path, tmp_path: Path) -> None:
    project = tmp_path / "flat"
    write(project / "demo" / "__init__.py", "")
    write(project / "demo" / "_C.so")
    write(project / ".venv" / "lib" / "x.so")
    write(project / "build" / "lib" / "x.so")
    editable(site, "Demo-Dist", project, {"_demo.pth": str(project)})
    check(site, project / "demo")


def test_a_namespace_package_s_project(site: Path, tmp_path: Path) -> None:
    project = tmp_path / "namespace"
    write(project / "src" / "ns" / "demo" / "_C.so")
    write(project / "src" / "docs" / "x.so")
    write(project / "src" / "not-a-name" / "x.so")
    write(project / "src" / "venv" / "pyvenv.cfg", "")
    write(project / "src" / "venv" / "x.so")
    editable(site, "demo", project, {"_demo.pth": str(project / "src")})
    found = by_name(site_packages(str(site)))["demo"]
    assert (found.root, relatives(found)) == (str(project / "src" / "ns"), ["demo/_C.so"])


def test_top_level_txt_says_what_belongs(site: Path, project: Path) -> None:
    write(project / "src" / "other" / "__init__.py", "")
    write(project / "src" / "other" / "_C.so")
    editable(site, "Demo-Dist", project, {"_demo.pth": str(project / "src")})
    write(site / "Demo_Dist-1.0.dist-info" / "top_level.txt", "demo\n")
    check(site, project / "src" / "demo")


def test_develop_installs(site: Path, project: Path) -> None:
    write(project / "demo.egg-info" / "PKG-INFO", "Name: Demo-Dist\nVersion: 1.0\n")
    write(project / "demo.egg-info" / "top_level.txt", "demo\n")
    write(project / "demo" / "_C.so")
    write(project / "demo" / "__init__.py", "")
    write(site / "easy-install.pth", f"{project}\n")
    found = by_name(site_packages(str(site)))
    assert list(found) == ["Demo-Dist"]
    assert found["Demo-Dist"].root == str(project / "demo")
    assert relatives(resolve("demo", search_path=[str(site)])) == ["_C.so"]
    assert resolve("demo", search_path=[str(site)]).distribution == "Demo-Dist"


def test_libraries_in_site_packages_belong_to_the_editable_install_too(
    site: Path, project: Path
) -> None:
    files = {"demo/_built.so": "\x7fELF", "_demo.pth": str(project / "src")}
    editable(site, "Demo-Dist", project, files)
    found = by_name(site_packages(str(site)))["Demo-Dist"]
    assert sorted(each.path for each in found.candidates) == [
        str(project / "src" / "demo" / "_C.so"),
        str(site / "demo" / "_built.so"),
    ]
    inside = resolve(str(project / "src" / "demo"), search_path=[str(site)])
    assert relatives(inside) == ["_C.so"]


def test_an_import_name_s_siblings_span_the_install(site: Path, project: Path) -> None:
    write(project / "src" / "_demo_core.abi3.so")
    editable(site, "Demo-Dist", project, {"_demo.pth": str(project / "src")})
    found = resolve("demo", search_path=[str(site)])
    assert [each.path for each in found.siblings] == [str(project / "src" / "_demo_core.abi3.so")]
    assert sibling_relatives(found) == ["../project/src/_demo_core.abi3.so"]


def test_no_source_is_opened_twice(
    site: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editable(site, "Demo-Dist", project, {"_demo.pth": str(project / "src")})
    opened = []
    original = os.open

    def counting(path: str, *more: int) -> int:
        opened.append(path)
        return original(path, *more)

    monkeypatch.setattr(os, "open", counting)
    resolve("demo", search_path=[str(site)])
    assert opened.count(str(project / "src" / "demo" / "_C.so")) == 1


def test_directories_that_nobody_s_pth_adds(site: Path, tmp_path: Path) -> None:
    added = tmp_path / "added"
    write(added / "loose" / "__init__.py", "")
    write(added / "loose" / "_C.so")
    write(added / "alone.abi3.so")
    write(site / "mine.pth", f"{added}\n{added}\n.\n")
    inventory = site_packages(str(site))
    assert [each.name for each in inventory.packages] == ["alone", "loose"]
    found = by_name(inventory)
    assert found["loose"].root == str(added / "loose")
    assert relatives(found["alone"]) == ["alone.abi3.so"]
    assert found["loose"].distribution is None


def test_an_editable_install_that_left_its_pth_file_out_of_record(
    site: Path, project: Path
) -> None:
    write(project / "src" / "Demo_Dist.egg-info" / "PKG-INFO", "Name: Demo-Dist\nVersion: 0.1\n")
    editable(site, "Demo-Dist", project, {})
    write(site / "demo.pth", f"{project / 'src'}\n")
    check(site, project / "src" / "demo")


def test_a_pth_file_can_add_another_site_packages(site: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    install(other, "far", ["far/_C.so"])
    write(other / "loose" / "_C.so")
    write(site / "other.pth", f"{other}\n")
    found = by_name(site_packages(str(site)))
    assert found["far"].distribution == "far"
    assert relatives(found["loose"]) == ["_C.so"]


def test_a_pth_file_that_cannot_be_read_is_said(site: Path) -> None:
    (site / "broken.pth").mkdir()
    (found,) = site_packages(str(site)).packages
    (error,) = found.errors
    assert (error.relative, error.message) == ("broken.pth", "not a regular file")


@pytest.mark.parametrize(
    "text",
    [
        "MAPPING = dict(demo='/x')\n",
        "MAPPING = {'demo': open('/x')}\n",
        "MAPPING = ['demo']\n",
        "MAPPING = {1: 2}\n",
        "OTHER = {'demo': '/x'}\n",
        "this is no Python\n",
        "MAPPING = " + "(" * 10_000,
        "\0",
    ],
)
def test_only_a_literal_mapping_is_believed(tmp_path: Path, text: str) -> None:
    assert finder_mapping(str(write(tmp_path / "finder.py", text))) == {}


def test_mappings_name_packages_modules_and_parts(tmp_path: Path) -> None:
    write(tmp_path / "x" / "inner" / "__init__.py", "")
    write(tmp_path / "x" / "one.cpython-311-x86_64-linux-gnu.so")
    mapping = {"ns.demo": str(tmp_path / "x"), "one": str(tmp_path / "x" / "one"), "nul": "/\0/x"}
    write(tmp_path / "site" / "__editable___d_finder.py", f"MAPPING = {mapping!r}\n")
    path = [str(tmp_path / "site")]
    inner = provided("ns.demo.inner", path)
    assert inner is not None
    assert inner.directories == (str(tmp_path / "x" / "inner"),)
    one = provided("one", path)
    assert one is not None
    assert [Path(each).name for each in one.files] == ["one.cpython-311-x86_64-linux-gnu.so"]
    assert provided("ns.other", path) is None
    assert provided("nul", path) is None
    assert provided("ns.demo.other", path) is None


def test_pth_lines(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "import sub").mkdir()
    lines = f"\ufeffsub\n  \n# {tmp_path}\nimport os\nimportant\n{tmp_path}\nsub\0\nimport sub\n"
    write(tmp_path / "x.pth", lines)
    assert directories(str(tmp_path), "x.pth") == (str(tmp_path / "sub"), str(tmp_path))


@pytest.mark.parametrize(
    "text",
    [
        '{"url": "https://example.org%s", "dir_info": {"editable": true}}',
        '{"url": "file://%s", "dir_info": {"editable": false}}',
        '{"url": "file://%s%%00", "dir_info": {"editable": true}}',
        '{"url": 3, "dir_info": {"editable": true}}',
        '["editable"]',
        '"editable',
        "[" * 100_000 + '"editable"',
    ],
)
def test_a_direct_url_that_says_nothing(site: Path, project: Path, text: str) -> None:
    url = text % project.as_posix() if "%s" in text else text
    install(site, "demo", ["demo/_C.so"], metadata={"direct_url.json": url})
    (found,) = site_packages(str(site)).packages
    assert (found.name, relatives(found)) == ("demo", ["_C.so"])
