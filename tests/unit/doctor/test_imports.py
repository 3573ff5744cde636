"""Sources that are followed: what they open, on which conditions, and how they end."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from torch_abi_audit.doctor.imports import Imported, Modules, constants, follow
from torch_abi_audit.doctor.process import Failure, Refusal
from torch_abi_audit.sources.installed.python import Python

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SUFFIX = ".cpython-311-x86_64-linux-gnu.so"


PARSED = "import torch\nfrom packaging.version import parse\n"


def python(site: Path, system: str = "linux") -> Python:
    return Python(
        executable="/usr/bin/python3",
        version=(3, 11, 4),
        system=system,
        machine="x86_64",
        suffixes=(SUFFIX, ".abi3.so", ".so"),
        path=(str(site),),
        sites=(str(site),),
        prefix="/usr",
        base_prefix="/usr",
    )


def traced(
    site: Path,
    files: Mapping[str, str],
    *,
    refused: tuple[str, ...] = (),
    environ: Mapping[str, str] | None = None,
    followed: tuple[str, ...] = (),
    system: str = "linux",
) -> Imported:
    """Follow ``import ext`` in a directory with these files, of which some are refused."""
    for name, text in {"torch/version.py": VERSION, **files}.items():
        path = site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def opener(path: str, _everywhere: bool) -> Failure | None:
        if path.endswith(refused):
            return Failure(f"{path}: refused", Refusal.OTHER, path)
        return None

    one = python(site, system)
    known = constants(one, str(site / "torch"))
    return follow("ext", one, Modules(one), environ or {}, opener, known, frozenset(followed))


VERSION = "__version__ = '2.13.0+cpu'\ncuda: Optional[str] = None\nhip: Optional[str] = None\n"


def opened(found: Imported) -> list[str]:
    return [one.path.rpartition("/")[2] for one in found.attempts]


def of(site: Path, init: str, **options: object) -> list[str]:
    """The libraries that a package with two extension modules opens."""
    files = {"ext/__init__.py": init, f"ext/_C{SUFFIX}": "", "ext/_D.abi3.so": ""}
    found = traced(site, files, **options)  # type: ignore[arg-type]
    assert found.ended is None, found.ended
    return [name.partition(".")[0] for name in opened(found)]


@pytest.mark.parametrize(
    ("init", "expected"),
    [
        ("from . import _C", ["_C"]),
        ("from ext import _D, _C", ["_D", "_C"]),
        ("import ext._C as c, ext._D", ["_C", "_D"]),
        ("from ._C import *", ["_C"]),
        ("from . import _C\nfrom . import _C", ["_C"]),
        ("def later():\n    from . import _C", []),
        ("def now(name):\n    from . import _C\nnow('x')", ["_C"]),
        ("class A:\n    from . import _C", ["_C"]),
        ("import importlib\nimportlib.import_module('._C', __name__)", ["_C"]),
        ("import importlib\nimportlib.import_module(f'{__package__}._D')", ["_D"]),
        ("for each in ('_C', '_D'):\n    __import__('ext.' + each)", ["_C", "_D"]),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from . import _C", []),
        ("import sys\nif sys.version_info >= (3, 12):\n    from . import _C", []),
        ("import sys\nif sys.version_info[:2] < (3, 12):\n    from . import _C", ["_C"]),
        ("import platform\nif platform.system() == 'Darwin':\n    from . import _C", []),
        ("import os\nif os.name != 'nt':\n    from . import _C", ["_C"]),
        ("if __name__ == '__main__':\n    from . import _C", []),
        ("import torch\nif torch.__version__ >= '2.9':\n    from . import _C", ["_C"]),
        ("import torch\nif torch.version.cuda is not None:\n    from . import _C", []),
        ("import torch\nif torch.cuda.is_available():\n    from . import _C", []),
        (f"{PARSED}if parse(torch.__version__) < parse('2.9'):\n    from . import _C", []),
        (f"{PARSED}if parse(torch.__version__) >= parse('2.13'):\n    from . import _C", ["_C"]),
        ("import os\nif 'NO_EXT' not in os.environ:\n    from . import _C", ["_C"]),
        ("x = 1\nwhile x:\n    from . import _C\n    break", ["_C"]),
        ("with open(__file__) as f:\n    from . import _C", ["_C"]),
    ],
)
def test_what_is_opened(init: str, expected: list[str], tmp_path: Path) -> None:
    (tmp_path / "packaging").mkdir()
    assert of(tmp_path, init) == expected


@pytest.mark.parametrize(
    "path",
    [
        "os.path.join(os.path.dirname(__file__), 'lib', 'ops.so')",
        "os.path.dirname(os.path.realpath(__file__)) + '/lib/ops.so'",
        "Path(__file__).parent / 'lib' / 'ops.so'",
        "str(Path(__file__).resolve().parent.joinpath('lib', 'ops.so'))",
        "f'{Path(__file__).parents[0]}/lib/ops.so'",
        "glob.glob(os.path.join(os.path.dirname(__file__), 'lib', '*.so'))[0]",
        "next(iter(Path(__file__).parent.glob('lib/*.so')))",
        "sorted(Path(__file__).parent.rglob('ops*.so'))[-1]",
        "'%s/lib/%s.so' % (os.path.dirname(__file__), 'ops')",
        "importlib.util.find_spec('ext.lib.ops').origin",
        "importlib.machinery.PathFinder().find_spec('ops', [home + '/lib']).origin",
        "[p for p in Path(__file__).parent.joinpath('lib').iterdir() if p.suffix == '.so'][0]",
    ],
)
def test_paths_that_are_worked_out(path: str, tmp_path: Path) -> None:
    init = (
        "import glob, importlib, os, torch\nfrom pathlib import Path\n"
        f"home = os.path.dirname(__file__)\ntorch.ops.load_library({path})\n"
    )
    found = traced(tmp_path, {"ext/__init__.py": init, "ext/lib/ops.so": ""})
    assert (found.ended, found.unresolved) == (None, ())
    assert [one.path for one in found.attempts] == [str(tmp_path / "ext" / "lib" / "ops.so")]


def test_a_path_that_is_not_known_is_said(tmp_path: Path) -> None:
    init = "import torch, secret\ntorch.ops.load_library(secret.path)\n"
    found = traced(tmp_path, {"ext/__init__.py": init, "secret.py": ""})
    assert found.unresolved == ((str(tmp_path / "ext" / "__init__.py"), 2),)


GUARDED = [
    ("try:\n    from . import _C\nexcept ImportError:\n    pass", None),
    ("try:\n    from . import _C\nexcept Exception as e:\n    print(e)", None),
    ("try:\n    from . import _C\nexcept:\n    _C = None", None),
    ("try:\n    from . import _C\nexcept (OSError, ImportError):\n    pass", None),
    ("import contextlib\nwith contextlib.suppress(ImportError):\n    from . import _C", None),
    ("try:\n    from . import _C\nexcept OSError:\n    pass", "ImportError"),
    ("try:\n    from . import _C\nexcept ModuleNotFoundError:\n    pass", "ImportError"),
    ("try:\n    from . import _C\nexcept ImportError:\n    raise", "ImportError"),
    ("try:\n    from . import _C\nexcept ImportError as e:\n    raise e", "ImportError"),
    (
        "try:\n    from . import _C\nexcept ImportError as e:\n    raise OSError('x') from e",
        "OSError",
    ),
    ("try:\n    from . import _C\nfinally:\n    pass", "ImportError"),
    ("if secret():\n    from . import _C", None),
    ("x = secret() and __import__('ext._C')", None),
    ("if secret():\n    pass\nelse:\n    pass\nfrom . import _C", "ImportError"),
    ("def f():\n    if secret():\n        return\n    from . import _C\nf()", None),
]


@pytest.mark.parametrize(("init", "kind"), GUARDED)
def test_failures_that_end_the_import_and_those_that_do_not(
    init: str, kind: str | None, tmp_path: Path
) -> None:
    files = {"ext/__init__.py": f"from other import secret\n{init}", f"ext/_C{SUFFIX}": ""}
    found = traced(tmp_path, {**files, "other.py": ""}, refused=("_C" + SUFFIX,))
    assert opened(found) == [f"_C{SUFFIX}"]
    assert found.attempts[0].failure is not None
    assert (None if found.ended is None else found.ended.kind) == kind
    assert found.attempts[0].caught is (kind is None)


def test_the_first_failure_ends_it(tmp_path: Path) -> None:
    files = {"ext/__init__.py": "from . import _C, _D", f"ext/_C{SUFFIX}": "", "ext/_D.so": ""}
    found = traced(tmp_path, files, refused=(".so",))
    assert opened(found) == [f"_C{SUFFIX}"]
    assert found.ended is not None
    assert (found.ended.line, found.ended.attempt) == (1, 0)


@pytest.mark.parametrize(
    ("init", "text"),
    [
        ("import nowhere_at_all", "No module named 'nowhere_at_all'"),
        ("import ext.nowhere", "No module named 'ext.nowhere'"),
        ("from .nowhere import x", "No module named 'ext.nowhere'"),
        ("from . import _gone", "cannot import name '_gone' from partially initialized module "),
        ("raise ImportError('not here')", "not here"),
    ],
)
def test_modules_that_are_missing(init: str, text: str, tmp_path: Path) -> None:
    found = traced(tmp_path, {"ext/__init__.py": init})
    assert found.ended is not None
    assert found.ended.text.startswith(text)


@pytest.mark.parametrize(
    "init",
    [
        "import json, _socket, xml.dom",
        "import other.anything",
        "from other import anything",
        "def __getattr__(name):\n    return 1\nfrom . import made_later",
        "import sys\nsys.modules['ext.made'] = 1\nimport ext.made",
        "globals().update(x=1)\nfrom . import x",
        "if 1:\n    made = 1\nfrom ext import made",
        "import namespace.inner",
    ],
)
def test_modules_that_may_be_there(init: str, tmp_path: Path) -> None:
    files = {"ext/__init__.py": init, "other/__init__.py": "", "namespace/inner/x.py": ""}
    assert traced(tmp_path, files).ended is None


def test_a_finder_that_code_installs_may_know_any_module(tmp_path: Path) -> None:
    files = {"ext/__init__.py": "import nowhere_at_all", "hook.pth": "import hook\n"}
    assert traced(tmp_path, files).ended is None


def test_other_packages_are_followed_where_that_matters(tmp_path: Path) -> None:
    files = {
        "ext/__init__.py": "import base",
        "base/__init__.py": "from . import _C",
        f"base/_C{SUFFIX}": "",
    }
    assert opened(traced(tmp_path, files)) == []
    assert opened(traced(tmp_path, files, followed=("base",))) == [f"_C{SUFFIX}"]


def test_operators_that_a_refused_library_would_define(tmp_path: Path) -> None:
    init = (
        "import os, torch\ntry:\n    torch.ops.load_library(os.path.dirname(__file__) + '/a.so')\n"
        "except OSError:\n    pass\n"
        "@torch.library.register_fake('ext::op')\ndef fake():\n    pass\n"
    )
    found = traced(tmp_path, {"ext/__init__.py": init, "ext/a.so": ""}, refused=("a.so",))
    assert found.ended is not None
    assert (found.ended.kind, found.ended.text) == (
        "RuntimeError",
        "operator ext::op does not exist",
    )
    assert found.ended.attempt == 0
    assert traced(tmp_path, {"ext/__init__.py": init}).ended is None


def test_what_is_opened_before_torch(tmp_path: Path) -> None:
    files = {"ext/__init__.py": "from . import _C\nimport torch", "ext/_C.so": ""}
    assert [one.rpartition("/")[2] for one in traced(tmp_path, files).before_torch] == ["_C.so"]
    files["ext/__init__.py"] = "import torch\nfrom . import _C"
    assert traced(tmp_path, files).before_torch == ()


@pytest.mark.parametrize(
    "init",
    [
        "from . import a",
        "def f(n):\n    return f(n + 1)\nf(0)",
        "x = 'a' * 10 ** 9\ny = [x] * 10 ** 9",
        "def broken(:",
        "\0",
        "x = (" * 300,
        "from ext import *\nfrom . import *",
        "for i in range(10 ** 9):\n    pass",
        "while True:\n    x = 1",
        "import ext, ext.a.b.c",
    ],
)
def test_hostile_sources_end(init: str, tmp_path: Path) -> None:
    files = {"ext/__init__.py": init, "ext/a.py": "from . import b", "ext/b.py": "from . import a"}
    found = traced(tmp_path, files)
    assert found.attempts == ()


def test_too_many_statements_are_cut_with_a_word(tmp_path: Path) -> None:
    loop = "for a in range(250):\n for b in range(250):\n  for c in range(250):\n   d = 1"
    assert traced(tmp_path, {"ext/__init__.py": loop}).cut


def test_the_suffixes_of_another_python_do_not_count(tmp_path: Path) -> None:
    files = {"ext/__init__.py": "import ext._C", "ext/_C.cpython-310-x86_64-linux-gnu.so": ""}
    found = traced(tmp_path, files)
    assert found.ended is not None
    assert found.ended.text == "No module named 'ext._C'"


@pytest.mark.parametrize(
    ("requirement", "is_there"),
    [("extra", True), ("extra >=1.2", True), ("extra >=2", False), ("absent", False)],
)
def test_requirements_that_sources_ask_for(
    requirement: str, is_there: bool, tmp_path: Path
) -> None:
    init = (
        "from lightning_utilities.core.imports import RequirementCache\n"
        f"HAS = RequirementCache({requirement!r})\nif HAS:\n    import nowhere_at_all\n"
    )
    files = {
        "ext/__init__.py": init,
        "lightning_utilities/core/imports.py": "",
        "extra-1.2.3.dist-info/METADATA": "Metadata-Version: 2.1\nName: extra\nVersion: 1.2.3\n",
    }
    ended = traced(tmp_path, files).ended
    assert (ended is not None) is is_there


def test_the_directory_of_the_user(tmp_path: Path) -> None:
    init = (
        "import os\nif os.path.exists(os.path.join(os.path.expanduser('~'), 'x.json')):\n"
        "    from . import _C\n"
    )
    (tmp_path / "home").mkdir()
    assert of(tmp_path, init, environ={"HOME": str(tmp_path / "home")}) == []
    (tmp_path / "home" / "x.json").touch()
    assert of(tmp_path, init, environ={"HOME": str(tmp_path / "home")}) == ["_C"]


def test_nothing_is_executed(tmp_path: Path) -> None:
    spring = f"open({str(tmp_path / 'sprung')!r}, 'w')\nimport ext.more\n"
    traced(tmp_path, {"ext/__init__.py": spring, "ext/more.py": spring})
    assert not (tmp_path / "sprung").exists()
    assert "ext" not in sys.modules
