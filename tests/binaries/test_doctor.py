"""The doctor against Python and the loader: environments that are built here and really imported.

Each case builds an environment. The same failure, or none, is expected of ``import torch, ext`` in
a process of its own and of ``doctor``.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.installs import install
from tests.support.torch_stand_in import (
    SUFFIX,
    World,
    define,
    library,
    module,
    use,
    versioned,
)
from torch_abi_audit.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ld.so is asked")

IMPORTS = "import torch\nfrom ext import _C\n"
ALL = ("libtorch.so", "libtorch_cpu.so", "libc10.so")
HERE = "import os, torch\nhere = os.path.dirname(os.path.abspath(__file__))\n"
OLDER, NEWER = "HELPER_1", "HELPER_2"


def plain(home: Path, code: str = "", *, init: str = IMPORTS, **options: Any) -> World:
    """A package with an extension module that is linked to torch."""
    world = World(home, **options)
    module(world.package / f"_C{SUFFIX}", code, *world.torch(*ALL))
    world.sources(__init__=init)
    return world


def operators(home: Path, code: str, init: str, name: str = "_ops.so") -> World:
    """A package with a library of operators."""
    world = World(home)
    library(world.package / name, code, *world.torch(*ALL))
    world.sources(__init__=init)
    return world


def helper(world: World, flags: tuple[str, ...]) -> None:
    """A module that needs version 2 of a helper beside it, and an older copy elsewhere."""
    new = versioned(world.home, NEWER)
    old = versioned(world.home, OLDER)
    beside = library(world.package / "lib" / "libhelper.so.1", define("help_one"), flags=new)
    library(world.home / "older" / "libhelper.so.1", define("help_one"), flags=old)
    module(
        world.package / f"_C{SUFFIX}",
        use("help_one", "at_one"),
        beside,
        *world.torch(*ALL),
        flags=flags,
    )
    world.sources(__init__=IMPORTS)


# --- what the loader finds -----------------------------------------------------------------------


def fits(home: Path) -> World:
    return plain(home, use("at_one", "c10_one"))


def missing_library(home: Path) -> World:
    world = World(home)
    gone = library(home / "gone" / "libgone.so.1", define("gone_one"))
    module(world.package / f"_C{SUFFIX}", use("gone_one"), gone, *world.torch(*ALL))
    world.sources(__init__=IMPORTS)
    return world


def missing_symbol(home: Path) -> World:
    return plain(home, use("at_one", "at_of_another_release"))


def weak_symbol(home: Path) -> World:
    return plain(home, use("at_one") + use("at_of_another_release", weak=True))


def unlinked(home: Path) -> World:
    world = World(home)
    module(world.package / f"_C{SUFFIX}", use("at_one"))
    world.sources(__init__=IMPORTS)
    return world


def unlinked_with_all_global(home: Path) -> World:
    world = unlinked(home)
    world.environ["TORCH_USE_RTLD_GLOBAL"] = "1"
    return world


def global_dependency(home: Path) -> World:
    world = World(home)
    module(world.package / f"_C{SUFFIX}", use("global_one"))
    world.sources(__init__=IMPORTS)
    return world


def older_copy_on_the_path(home: Path) -> World:
    world = World(home)
    helper(world, ("-Wl,--enable-new-dtags,-rpath,$ORIGIN/lib",))
    world.environ["LD_LIBRARY_PATH"] = str(home / "older")
    return world


def older_copy_behind_an_rpath(home: Path) -> World:
    world = World(home)
    helper(world, ("-Wl,--disable-new-dtags,-rpath,$ORIGIN/lib",))
    world.environ["LD_LIBRARY_PATH"] = str(home / "older")
    return world


def older_copy_preloaded(home: Path) -> World:
    world = World(home)
    helper(world, ("-Wl,--enable-new-dtags,-rpath,$ORIGIN/lib",))
    world.environ["LD_PRELOAD"] = str(home / "older" / "libhelper.so.1")
    return world


def wrong_rpath(home: Path) -> World:
    world = World(home)
    helper(world, ("-Wl,-rpath,$ORIGIN/../nowhere",))
    return world


def damaged(home: Path) -> World:
    world = plain(home, use("at_one"))
    (world.package / f"_C{SUFFIX}").write_bytes(b"\x7fELF")
    return world


def other_machine(home: Path) -> World:
    world = plain(home, use("at_one"))
    path = world.package / f"_C{SUFFIX}"
    data = bytearray(path.read_bytes())
    data[18] = 183 if os.uname().machine == "x86_64" else 62
    path.write_bytes(data)
    return world


# --- torch itself --------------------------------------------------------------------------------


def cuda_world(home: Path, *, eager: bool = True, wheels: tuple[str, ...]) -> World:
    """A torch for CUDA whose libraries are in ``nvidia`` directories, as far as installed."""
    world = World(home, cuda="12.6", eager=eager)
    runtime = library(home / "cuda" / "libcudart.so.12", define("cuda_one"))
    library(world.lib / "libtorch_global_deps.so", use("cuda_one"), runtime)
    new = versioned(home, "libnvJitLink.so.12.6")
    old = versioned(home, "libnvJitLink.so.12.1")
    link = library(home / "cuda" / "libnvJitLink.so.12", define("link_one"), flags=new)
    library(home / "older" / "libnvJitLink.so.12", define("link_one"), flags=old)
    blas = library(home / "cuda" / "libcublas.so.12", define("blas_one"))
    kept = {"cuda_runtime": runtime, "nvjitlink": link, "cublas": blas}
    for folder in wheels:
        place = world.site / "nvidia" / folder / "lib"
        place.mkdir(parents=True)
        kept[folder].rename(place / kept[folder].name)
        kept[folder] = place / kept[folder].name
    runpath = ("-Wl,--enable-new-dtags,-rpath,$ORIGIN/../torch/../nvidia/nvjitlink/lib",)
    module(
        world.package / f"_C{SUFFIX}",
        use("link_one", "at_one"),
        kept["nvjitlink"],
        *world.torch(*ALL),
        flags=runpath,
    )
    for each in (home / "cuda").glob("lib*"):
        each.unlink()
    world.sources(__init__=IMPORTS)
    return world


EVERY = ("cuda_runtime", "nvjitlink", "cublas")


def cuda_of_wheels(home: Path) -> World:
    return cuda_world(home, wheels=EVERY)


def cuda_without_wheels(home: Path) -> World:
    return cuda_world(home, wheels=())


def cuda_with_some_wheels(home: Path) -> World:
    return cuda_world(home, wheels=("cuda_runtime", "nvjitlink"))


def older_jit_linker(home: Path) -> World:
    world = cuda_world(home, wheels=EVERY, eager=False)
    runtime = world.site / "nvidia" / "cuda_runtime" / "lib"
    world.environ["LD_LIBRARY_PATH"] = f"{home / 'older'}:{runtime}"
    return world


def older_jit_linker_behind_a_preloaded_one(home: Path) -> World:
    world = cuda_world(home, wheels=EVERY)
    runtime = world.site / "nvidia" / "cuda_runtime" / "lib"
    world.environ["LD_LIBRARY_PATH"] = f"{home / 'older'}:{runtime}"
    return world


def torch_without_a_library(home: Path) -> World:
    world = plain(home)
    (world.lib / "libc10.so").unlink()
    return world


def torch_of_two_releases(home: Path) -> World:
    world = plain(home)
    whole = world.lib / "libtorch_python.so"
    library(
        whole,
        use("at_of_another_release"),
        *world.torch("libtorch.so"),
        flags=("-Wl,-rpath,$ORIGIN",),
    )
    return world


# --- what sources do -----------------------------------------------------------------------------

BROKEN = use("at_of_another_release")


def guarded(home: Path) -> World:
    return plain(
        home,
        BROKEN,
        init="import torch\ntry:\n    from . import _C\nexcept ImportError:\n    _C = None\n",
    )


def guarded_for_another_exception(home: Path) -> World:
    return plain(
        home, BROKEN, init="import torch\ntry:\n    from . import _C\nexcept OSError:\n    pass\n"
    )


def guarded_and_raised_again(home: Path) -> World:
    init = (
        "import torch\ntry:\n    from . import _C\nexcept ImportError as error:\n"
        "    raise RuntimeError('no kernels') from error\n"
    )
    return plain(home, BROKEN, init=init)


def suppressed(home: Path) -> World:
    init = (
        "import contextlib, torch\nwith contextlib.suppress(ImportError):\n    from . import _C\n"
    )
    return plain(home, BROKEN, init=init)


def by_name(home: Path) -> World:
    return plain(
        home, BROKEN, init="import importlib, torch\nimportlib.import_module(f'{__name__}._C')\n"
    )


def in_a_function(home: Path) -> World:
    return plain(home, BROKEN, init="import torch\ndef kernels():\n    from . import _C\n")


def in_a_function_that_is_called(home: Path) -> World:
    init = "import torch\ndef kernels(name):\n    from . import _C\n    return _C\nkernels('x')\n"
    return plain(home, BROKEN, init=init)


def only_on_another_system(home: Path) -> World:
    init = "import sys, torch\nif sys.platform == 'win32':\n    from . import _C\n"
    return plain(home, BROKEN, init=init)


def by_a_variable(home: Path) -> World:
    init = "import os, torch\nif os.environ.get('EXT_KERNELS', '0') == '1':\n    from . import _C\n"
    world = plain(home, BROKEN, init=init)
    world.environ["EXT_KERNELS"] = "1"
    return world


def without_cuda(home: Path) -> World:
    init = "import torch\nif torch.cuda.is_available():\n    from . import _C\n"
    return plain(home, BROKEN, init=init)


def for_the_release(home: Path) -> World:
    init = (
        "import torch\nmajor, minor = torch.__version__.split('.')[:2]\n"
        "import importlib\n_C = importlib.import_module(f'ext._C_{major}_{minor}')\n"
    )
    world = plain(home, init=init)
    module(world.package / f"_C_2_12{SUFFIX}", BROKEN, *world.torch(*ALL))
    module(world.package / f"_C_2_13{SUFFIX}", use("at_two"), *world.torch(*ALL))
    return world


def in_a_module_below(home: Path) -> World:
    world = plain(home, BROKEN, init="import torch\nfrom .kernels import run\n")
    world.sources(
        __init__="import torch\nfrom .kernels import run\n",
        kernels="from ._C import *\ndef run():\n    pass\n",
    )
    return world


def second_of_two(home: Path) -> World:
    world = plain(home, use("at_one"), init="import torch\nfrom . import _C, _D, _E\n")
    module(world.package / f"_D{SUFFIX}", BROKEN, *world.torch(*ALL))
    module(world.package / f"_E{SUFFIX}", use("at_of_a_third_release"), *world.torch(*ALL))
    return world


def not_built(home: Path) -> World:
    world = plain(home)
    (world.package / f"_C{SUFFIX}").unlink()
    return world


def built_for_another_python(home: Path) -> World:
    world = plain(home, init="import torch\nimport ext._C\n")
    (world.package / f"_C{SUFFIX}").rename(world.package / "_C.cpython-36m-x86_64-linux-gnu.so")
    return world


def requirement_is_missing(home: Path) -> World:
    return plain(home, init="import torch\nimport not_installed_at_all\n")


def optional_requirement_is_missing(home: Path) -> World:
    init = "import torch\ntry:\n    import not_installed_at_all\nexcept ImportError:\n    pass\n"
    return plain(home, init=init + "from . import _C\n")


def refuses_the_release(home: Path) -> World:
    init = (
        "import torch\nif tuple(map(int, torch.__version__.split('.')[:2])) < (2, 14):\n"
        "    raise ImportError('ext needs torch 2.14')\n"
    )
    return plain(home, init=init)


def operators_load(home: Path) -> World:
    return operators(home, use("at_one"), f"{HERE}torch.ops.load_library(here + '/_ops.so')\n")


def operators_fail(home: Path) -> World:
    init = (
        "from pathlib import Path\nimport torch\n"
        "torch.ops.load_library(Path(__file__).parent / '_ops.so')\n"
    )
    return operators(home, BROKEN, init)


def operators_guarded(home: Path) -> World:
    init = (
        f"{HERE}try:\n    torch.ops.load_library(os.path.join(here, '_ops.so'))\n"
        "except OSError:\n    pass\n"
    )
    return operators(home, BROKEN, init)


def operators_found_by_a_pattern(home: Path) -> World:
    init = (
        f"{HERE}import glob\nfor each in sorted(glob.glob(os.path.join(here, '*.so'))):\n"
        "    torch.ops.load_library(each)\n"
    )
    return operators(home, BROKEN, init, "libops-of-ext.so")


def operators_found_by_a_finder(home: Path) -> World:
    world = operators(home, BROKEN, "", f"_ops{SUFFIX}")
    world.sources(
        __init__="from .extension import has_operators\n",
        extension=(
            "import torch\nfrom .paths import path_of\n"
            "def has_operators():\n    return False\n"
            "path = path_of('_ops')\ntorch.ops.load_library(path)\n"
        ),
        paths=(
            "import importlib.machinery, os\n"
            "def path_of(name):\n"
            "    home = os.path.dirname(__file__)\n"
            "    details = (importlib.machinery.ExtensionFileLoader,\n"
            "               importlib.machinery.EXTENSION_SUFFIXES)\n"
            "    finder = importlib.machinery.FileFinder(home, details)\n"
            "    spec = finder.find_spec(name)\n"
            "    if spec is None:\n        raise ImportError\n"
            "    return spec.origin\n"
        ),
    )
    return world


TRIES = """
errors = []
for number in (8, 7, 6):
    try:
        torch.ops.load_library(os.path.join(here, f'libops{number}.so'))
        break
    except Exception as error:
        errors.append(error)
else:
    raise RuntimeError('no build fits')
"""


def one_of_several_fits(home: Path) -> World:
    world = operators(home, BROKEN, HERE + TRIES, "libops8.so")
    library(world.package / "libops7.so", use("at_two"), *world.torch(*ALL))
    world.sources(__init__=HERE + TRIES)
    return world


def none_of_several_fits(home: Path) -> World:
    world = operators(home, BROKEN, HERE + TRIES, "libops8.so")
    for number in (7, 6):
        library(world.package / f"libops{number}.so", BROKEN, *world.torch(*ALL))
    return world


def for_all_with_ctypes(home: Path) -> World:
    init = (
        f"{HERE}import ctypes\n"
        "ctypes.CDLL(os.path.join(here, '_ops.so'), mode=ctypes.RTLD_GLOBAL)\nfrom . import _C\n"
    )
    world = operators(home, define("own_one"), init)
    module(world.package / f"_C{SUFFIX}", use("own_one"))
    return world


def for_itself_with_ctypes(home: Path) -> World:
    init = f"{HERE}import ctypes\nctypes.CDLL(os.path.join(here, '_ops.so'))\nfrom . import _C\n"
    world = operators(home, define("own_one"), init)
    module(world.package / f"_C{SUFFIX}", use("own_one"))
    return world


BY_RELEASE = (
    "release = torch.__version__.partition('+')[0]\n"
    "path = os.path.join(here, f'libops_pytorch_{release}.so')\n"
)


def builds(home: Path, init: str) -> World:
    """A package with libraries for two releases, neither of which is installed."""
    world = operators(home, use("at_one"), HERE + BY_RELEASE + init, "libops_pytorch_2.0.1.so")
    library(world.package / "libops_pytorch_2.1.0.so", use("at_one"), *world.torch(*ALL))
    world.sources(__init__=HERE + BY_RELEASE + init)
    return world


def build_for_other_releases_is_optional(home: Path) -> World:
    return builds(home, "if os.path.exists(path):\n    torch.ops.load_library(path)\n")


def build_for_other_releases(home: Path) -> World:
    init = (
        "def load():\n    if not os.path.exists(path):\n"
        "        raise FileNotFoundError(f'no operators at {path}')\n"
        "    torch.ops.load_library(path)\n"
        "wanted = None\nif wanted not in ['tensorflow']:\n    load()\n"
    )
    return builds(home, init)


def kept_within_the_package(home: Path) -> World:
    init = (
        f"{HERE}import sys\nsys.path.insert(0, os.path.join(here, 'third_party', 'python'))\n"
        "import kept_within\n"
    )
    world = operators(home, BROKEN, init)
    inner = world.package / "third_party" / "python" / "kept_within"
    inner.mkdir(parents=True)
    (inner / "__init__.py").write_text(
        f"import ctypes\nctypes.CDLL({str(world.package / '_ops.so')!r})\n"
    )
    return world


def installed_by_its_metadata(home: Path) -> World:
    """A module that is imported where a distribution is installed."""
    init = (
        "import torch\nfrom importlib.metadata import version, PackageNotFoundError\n"
        "def has(name):\n    try:\n        version(name)\n    except PackageNotFoundError:\n"
        "        return False\n    return True\n"
        "if has('absent-thing'):\n    import absent_thing\nif has('ext'):\n    from . import _C\n"
    )
    return plain(home, use("at_of_another_release"), init=init)


def device_extension(home: Path) -> World:
    """A device extension that torch loads by itself, and that does not load."""
    world = plain(home, use("at_one"))
    module(world.site / "device" / f"_C{SUFFIX}", use("at_of_another_release"))
    init = "from device import _C\ndef autoload():\n    pass\n"
    install(world.site, "device", {"device/__init__.py": init}, recorded=[f"device/_C{SUFFIX}"])
    points = world.site / "device-1.0.dist-info" / "entry_points.txt"
    points.write_text("[torch.backends]\nDevice = device:autoload\n")
    return world


def device_extension_is_off(home: Path) -> World:
    world = device_extension(home)
    world.environ["TORCH_DEVICE_BACKEND_AUTOLOAD"] = "0"
    return world


def marker_of_another_build(home: Path) -> World:
    """A function that returns where a module is missing, in a package that may make modules."""
    init = (
        "import sys, torch\nsys.modules.get('x')\n"
        "def preload():\n    try:\n        from . import _gpu_build\n"
        "    except ImportError:\n        return\n    raise RuntimeError('no GPU')\n"
        "preload()\nfrom . import _C\n"
    )
    return plain(home, use("at_one"), init=init)


FINE: tuple[Callable[[Path], World], ...] = (
    *(fits, weak_symbol, unlinked_with_all_global, global_dependency, older_copy_behind_an_rpath),
    *(cuda_of_wheels, older_jit_linker_behind_a_preloaded_one, guarded, suppressed),
    *(in_a_function, only_on_another_system, without_cuda, for_the_release),
    *(optional_requirement_is_missing, operators_load, operators_guarded, one_of_several_fits),
    *(device_extension_is_off, marker_of_another_build),
    *(for_all_with_ctypes, build_for_other_releases_is_optional),
)
FAILING: tuple[Callable[[Path], World], ...] = (
    *(missing_library, missing_symbol, unlinked, older_copy_on_the_path, older_copy_preloaded),
    *(wrong_rpath, damaged, other_machine, cuda_without_wheels, cuda_with_some_wheels),
    *(older_jit_linker, torch_without_a_library, torch_of_two_releases),
    *(guarded_for_another_exception, guarded_and_raised_again, by_name),
    *(in_a_function_that_is_called, by_a_variable, in_a_module_below, second_of_two, not_built),
    *(built_for_another_python, requirement_is_missing, refuses_the_release, operators_fail),
    *(operators_found_by_a_pattern, operators_found_by_a_finder, none_of_several_fits),
    *(for_itself_with_ctypes, build_for_other_releases, kept_within_the_package),
    *(installed_by_its_metadata, device_extension),
)


def examined(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[int, dict[str, Any]]:
    """The exit code and the document of ``doctor ext``."""
    for name in os.environ:
        monkeypatch.delenv(name)
    for name, value in world.variables().items():
        monkeypatch.setenv(name, value)
    code = main(["doctor", "--python", str(world.venv), "--json", *(words or ("ext",))])
    printed = capsys.readouterr()
    assert printed.err == ""
    document: dict[str, Any] = json.loads(printed.out)
    return code, document


@pytest.mark.parametrize("build", FINE, ids=lambda one: one.__name__)
def test_what_loads(
    build: Callable[[Path], World],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = build(tmp_path)
    assert world.imported() is None
    code, document = examined(world, monkeypatch, capsys)
    assert document["torch"]["status"] == "loads"
    (ext,) = document["packages"]
    assert (code, ext["problem"]) == (0, None)


@pytest.mark.parametrize("build", FAILING, ids=lambda one: one.__name__)
def test_what_will_not_load(
    build: Callable[[Path], World],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = build(tmp_path)
    real = world.imported()
    assert real is not None
    code, document = examined(world, monkeypatch, capsys)
    assert code == 1
    failing = next(
        one for one in (document["torch"], *document["packages"]) if one["problem"] is not None
    )
    problem = failing["problem"]
    kind, text, cause = real
    assert problem["text"].removeprefix(f"{kind}: ") in {cause, text}
    if problem["failure"] is not None and kind != "ValueError":
        assert problem["text"] == cause
    if failing["ended"] is not None:
        assert failing["ended"]["exception"] == kind
    if problem["raises"] is not None and ": " in problem["raises"]:
        raised = problem["raises"].partition(" in the system path ")[0]
        assert raised == f"{kind}: {text}".partition(" in the system path ")[0]


# --- what else it says ---------------------------------------------------------------------------


def only(document: dict[str, Any]) -> dict[str, Any]:
    (ext,) = document["packages"]
    found: dict[str, Any] = ext
    return found


def test_the_copy_that_is_found_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = older_copy_on_the_path(tmp_path)
    _, document = examined(world, monkeypatch, capsys)
    problem = only(document)["problem"]
    copy = problem["failure"]["copy"]
    assert copy["path"] == str(tmp_path / "older" / "libhelper.so.1")
    assert copy["found"] == "variable"
    assert problem["causes"][0] == "another-copy-loaded-first"
    assert problem["advice"][0].startswith(f"remove {tmp_path / 'older'} from LD_LIBRARY_PATH")
    assert document["variables"] == {"LD_LIBRARY_PATH": str(tmp_path / "older")}


def test_a_preloaded_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = older_copy_preloaded(tmp_path)
    _, document = examined(world, monkeypatch, capsys)
    advice = only(document)["problem"]["advice"][0]
    assert advice == f"remove {tmp_path / 'older' / 'libhelper.so.1'} from LD_PRELOAD"


def test_a_library_that_is_there_and_not_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, document = examined(wrong_rpath(tmp_path), monkeypatch, capsys)
    why = only(document)["problem"]["why"][0]
    assert f"there is {tmp_path / 'venv'}" in why
    assert "ext/lib/libhelper.so.1, where the loader does not look" in why


def test_what_torch_requires_is_proposed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = cuda_without_wheels(tmp_path)
    metadata = world.site / "torch-2.13.0.dist-info" / "METADATA"
    line = "Requires-Dist: nvidia-cuda-runtime-cu12 (==12.6.77) ; platform_system == 'Linux'\n"
    metadata.write_text(f"Name: torch\nVersion: 2.13.0\n{line}\n")
    _, document = examined(world, monkeypatch, capsys)
    advice = document["torch"]["problem"]["advice"][0]
    assert "nvidia-cuda-runtime-cu12" in advice
    assert "12.6.77" in advice
    assert only(document)["problem"]["text"].startswith("torch, which is imported first")


def test_a_part_that_will_not_load_is_shown_and_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    builds = (guarded, in_a_function, operators_guarded)
    for world in [build(tmp_path / build.__name__) for build in builds]:
        code, document = examined(world, monkeypatch, capsys)
        ext = only(document)
        assert (code, ext["status"]) == (0, "part-will-not-load")
        assert "undefined symbol: at_of_another_release" in ext["parts"][0]["text"]


def test_a_build_for_another_release_is_not_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    builds = (for_the_release, one_of_several_fits)
    for world in [build(tmp_path / build.__name__) for build in builds]:
        _, document = examined(world, monkeypatch, capsys)
        assert (only(document)["status"], only(document)["parts"]) == ("loads", [])


def test_a_package_for_other_releases_does_not_load_without_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = build_for_other_releases_is_optional(tmp_path)
    code, document = examined(world, monkeypatch, capsys)
    ext = only(document)
    assert (code, ext["status"]) == (0, "part-will-not-load")
    (part,) = ext["parts"]
    assert part["text"] == "it has libraries for torch 2.0.1 and 2.1, none for 2.13"
    assert part["causes"] == ["built-for-another-torch"]


@pytest.mark.parametrize("named", [True, False])
def test_all_libraries_of_a_package_that_was_named_are_tried(
    named: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = plain(tmp_path, use("at_one"))
    gone = library(tmp_path / "gone" / "libgone.so.1", define("gone_one"))
    library(world.package / "lib" / "libsolver.so", use("gone_one"), gone)
    library(world.package / "lib" / "libhost.so", define("host_one"))
    library(world.package / "lib" / "libplugin.so", use("host_one"))
    world.sources(__init__=IMPORTS)
    words = ["ext"] if named else ["--quiet"]
    code, document = examined(world, monkeypatch, capsys, *words)
    parts = [one["library"].rpartition("/")[2] for one in only(document)["parts"]]
    assert (code, parts) == (0, ["libsolver.so"] if named else [])


def test_a_cause_that_the_simulation_disproves_is_not_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World(tmp_path)
    flags = versioned(tmp_path, "GOMP_4.0")
    own = library(world.site / "ext.libs" / "libgomp.so.1", define("GOMP_parallel"), flags=flags)
    library(tmp_path / "other" / "libgomp.so.1", define("GOMP_barrier"))
    module(
        world.package / f"_C{SUFFIX}",
        use("GOMP_parallel"),
        own,
        *world.torch(*ALL),
        flags=("-Wl,--enable-new-dtags,-rpath,$ORIGIN/../ext.libs",),
    )
    world.sources(__init__=IMPORTS)
    world.environ["LD_LIBRARY_PATH"] = str(tmp_path / "other")
    assert world.imported() is not None
    _, document = examined(world, monkeypatch, capsys)
    problem = only(document)["problem"]
    assert problem["failure"]["copy"]["path"] == str(tmp_path / "other" / "libgomp.so.1")
    assert problem["causes"] == ["another-copy-loaded-first"]
    assert len(problem["advice"]) == 1
    assert problem["advice"][0].startswith(f"remove {tmp_path / 'other'} from LD_LIBRARY_PATH")
    assert not any("linked without" in one for one in problem["why"])


@pytest.mark.parametrize("variable", ["LD_LIBRARY_PATH", "LD_PRELOAD"])
def test_a_copy_of_a_library_of_torch_by_a_symbol_without_a_version(
    variable: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = plain(tmp_path)
    cpu, origin = world.lib / "libtorch_cpu.so", ("-Wl,-rpath,$ORIGIN",)
    library(
        cpu, define("at_one", "at_two") + use("c10_one"), *world.torch("libc10.so"), flags=origin
    )
    stub = library(tmp_path / "older" / "libc10.so", define("something_else"))
    world.environ[variable] = str(stub.parent if variable == "LD_LIBRARY_PATH" else stub)
    assert world.imported() is not None
    code, document = examined(world, monkeypatch, capsys)
    problem = document["torch"]["problem"]
    assert code == 1
    assert "undefined symbol" in problem["text"]
    assert problem["causes"] == ["another-copy-loaded-first"]
    assert problem["advice"][0].startswith(f"remove {world.environ[variable]} from {variable}")


def test_an_empty_library_in_a_folder_of_no_distribution_is_not_said_to_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = plain(tmp_path)
    folder = world.site / "loose"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "_C.so").touch()
    code, document = examined(world, monkeypatch, capsys, "loose")
    assert (code, only(document)["status"]) == (2, "not-known")


def test_a_torch_that_lacks_a_library_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = torch_without_a_library(tmp_path)
    _, document = examined(world, monkeypatch, capsys)
    problem = document["torch"]["problem"]
    assert problem["causes"] == ["mixed-installation"]
    assert problem["why"] == [
        f"{world.lib / 'libc10.so'} is missing: the installation is incomplete"
    ]
    assert problem["advice"][0].startswith("reinstall torch")


def test_another_package_called_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = plain(tmp_path)
    shadow = tmp_path / "mine" / "torch"
    shadow.mkdir(parents=True)
    (shadow / "__init__.py").write_text("x = 1\n")
    world.environ["PYTHONPATH"] = str(shadow.parent)
    code, document = examined(world, monkeypatch, capsys)
    assert code == 1
    text = document["torch"]["problem"]["text"]
    assert text == f"{shadow} is found first, and is not PyTorch: it contains no library"


def test_a_device_extension_that_torch_loads_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, document = examined(device_extension(tmp_path), monkeypatch, capsys)
    torch = document["torch"]
    assert torch["status"] == "will-not-load"
    assert "backend extension: Device. You can" in torch["problem"]["raises"]
    assert torch["problem"]["advice"][0].startswith("set TORCH_DEVICE_BACKEND_AUTOLOAD=0")
    assert only(document)["problem"]["text"].startswith("torch, which is imported first")


def test_packages_that_fail_with_torch_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = torch_without_a_library(tmp_path)
    more = world.site / "more"
    module(more / f"_C{SUFFIX}", use("at_one"), *world.torch("libtorch.so"))
    install(world.site, "more", {"more/__init__.py": IMPORTS}, recorded=[f"more/_C{SUFFIX}"])
    for name, value in world.environ.items():
        monkeypatch.setenv(name, value)
    for words in ([], ["--markdown"]):
        assert main(["doctor", "--python", str(world.venv), *words]) == 1
        shown = capsys.readouterr().out
        assert shown.count("torch, which is imported first, will not load") == 1
        assert "ext 1.0, more 1.0" in shown


def test_a_private_module_beside_a_public_one_is_not_examined(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = plain(tmp_path, use("at_one"))
    module(world.site / "_ext.so", use("at_one"), *world.torch(*ALL))
    files = {"ext/__init__.py": "import torch\nimport _ext\n"}
    install(world.site, "ext", files, recorded=[f"ext/_C{SUFFIX}", "_ext.so"])
    assert main(["doctor", "--python", str(world.venv), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in document["packages"]] == ["ext"]


def test_a_library_given_to_what_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    init = f"{HERE}import opener\nopener.load(os.path.join(here, '_ops.so'))\n"
    world = operators(tmp_path, BROKEN, init)
    (world.site / "opener.py").write_text("from ctypes import CDLL as load\n")
    assert world.imported() is not None
    code, document = examined(world, monkeypatch, capsys)
    assert (code, only(document)["status"]) == (1, "will-not-load")


def test_an_exception_under_an_unknown_condition_that_names_a_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    init = "import torch, secret\nif secret.says():\n    raise RuntimeError('no libops.so here')\n"
    world = plain(tmp_path, use("at_one"), init=init)
    (world.site / "secret.py").write_text("def says():\n    return True\n")
    code, document = examined(world, monkeypatch, capsys)
    assert (code, only(document)["status"]) == (2, "not-known")
    assert "may raise RuntimeError: no libops.so here" in only(document)["unknown"][0]


def test_a_second_runtime(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World(tmp_path)
    openmp = library(world.lib / "libgomp.so.1", define("omp_one"))
    cpu = world.lib / "libtorch_cpu.so"
    library(cpu, define("at_one", "at_two"), openmp, flags=("-Wl,-rpath,$ORIGIN",))
    own = library(world.site / "ext.libs" / "libgomp-e985bcbb.so.1.0.0", define("omp_one"))
    module(
        world.package / f"_C{SUFFIX}",
        use("omp_one"),
        own,
        *world.torch(*ALL),
        flags=("-Wl,-rpath,$ORIGIN/../ext.libs",),
    )
    world.sources(__init__=IMPORTS)
    code, document = examined(world, monkeypatch, capsys)
    (copies,) = document["copies"]
    assert (code, copies["name"]) == (0, "libgomp")
    names = [one["path"].rpartition("/")[2] for one in copies["opened"]]
    assert names == ["libgomp.so.1", "libgomp-e985bcbb.so.1.0.0"]


def test_a_path_that_is_computed_otherwise_is_assumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    init = "import torch, secret\ntorch.ops.load_library(secret.path())\n"
    world = operators(tmp_path, BROKEN, init)
    (world.site / "secret.py").write_text("def path():\n    return 'x'\n")
    code, document = examined(world, monkeypatch, capsys)
    ext = only(document)
    assert code == 1
    assert "at_of_another_release" in ext["problem"]["text"]
    assert "each of them was tried" in ext["notes"][0]


def test_a_library_opened_before_torch_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = plain(tmp_path, use("at_one"), init="from . import _C\nimport torch\n")
    _, document = examined(world, monkeypatch, capsys)
    assert "before they import torch" in only(document)["notes"][0]


def test_a_library_that_cannot_be_read_is_not_known_to_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = plain(tmp_path, use("at_one"), init="import torch\n")
    other = library(world.package / "libother.so", define("other_one"))
    data = bytearray(other.read_bytes())
    data[200:] = b"\xff" * (len(data) - 200)
    other.write_bytes(data)
    world.sources(__init__="import torch\n")
    code, document = examined(world, monkeypatch, capsys)
    assert (code, only(document)["status"]) == (2, "not-known")


def test_nothing_of_the_environment_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = plain(tmp_path, use("at_one"))
    trap = tmp_path / "trapped"
    spring = f"open({str(trap)!r}, 'a').close()\n"
    for name in ("sitecustomize.py", "usercustomize.py", "not_imported.py"):
        (world.site / name).write_text(spring)
    (world.site / "trap.pth").write_text(f"import sys; {spring}")
    for path in (world.site / "torch" / "__init__.py", world.package / "__init__.py"):
        path.write_text(spring + path.read_text())
    constructor = (
        f"#include <stdio.h>\n__attribute__((constructor)) static void spring(void) "
        f'{{ fclose(fopen("{trap}", "a")); }}\n'
    )
    module(world.package / f"_C{SUFFIX}", constructor + use("at_one"), *world.torch(*ALL))
    code, document = examined(world, monkeypatch, capsys)
    assert only(document)["attempts"], "the sources were followed"
    assert (code, trap.exists()) == (0, False)
    main(["doctor", "--site-packages", str(world.site)])
    main(["explain", "--doctor", "--python", str(world.venv), "undefined symbol: at_one"])
    assert not trap.exists()
    assert world.imported() is None
    assert trap.exists(), "the traps would have been sprung"


# --- names, environments, the pasted error -------------------------------------------------------


def test_all_packages_that_use_torch_without_a_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = plain(tmp_path, use("at_one"))
    code = main(["doctor", "--site-packages", str(world.site), "--json"])
    document = json.loads(capsys.readouterr().out)
    assert (code, [one["name"] for one in document["packages"]]) == (0, ["ext"])


def test_an_unknown_name_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = plain(tmp_path)
    assert main(["doctor", "--python", str(world.venv), "nowhere"]) == 2
    assert "nowhere is not installed in " in capsys.readouterr().err


def test_an_environment_without_torch_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--site-packages", str(tmp_path)]) == 2
    assert "torch is not installed in " in capsys.readouterr().err


def test_the_report_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = older_copy_on_the_path(tmp_path)
    monkeypatch.setenv("LD_LIBRARY_PATH", world.environ["LD_LIBRARY_PATH"])
    assert main(["doctor", "--python", str(world.venv), "-v"]) == 1
    shown = capsys.readouterr().out
    assert "\nwill not load  ext 1.0" in shown
    assert "\nloads          torch 2.13.0\n" in shown
    assert f"(LD_LIBRARY_PATH: {tmp_path / 'older'})" in shown
    assert "Opened by import torch, in order:\n" in shown
    assert main(["doctor", "--python", str(world.venv), "--markdown"]) == 1
    assert "| ext 1.0 | will not load |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("build", "text", "sentence"),
    [
        (missing_symbol, "undefined symbol: at_of_another_release", "the same failure here: "),
        (guarded, "undefined symbol: at_of_another_release", "which does not stop import ext"),
        (missing_symbol, "undefined symbol: at_of_a_fourth", "with another error first"),
        (fits, "undefined symbol: at_of_another_release", "does not fail here"),
        (
            missing_library,
            "libgone.so.1: cannot open shared object file: No such file or directory",
            "the same failure here: import ext opens",
        ),
        (
            older_jit_linker,
            "libnvJitLink.so.12: version `libnvJitLink.so.12.6' not found",
            "lacks the version",
        ),
    ],
)
def test_a_pasted_error_is_looked_for(
    build: Callable[[Path], World],
    text: str,
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = build(tmp_path)
    if "LD_LIBRARY_PATH" in world.environ:
        monkeypatch.setenv("LD_LIBRARY_PATH", world.environ["LD_LIBRARY_PATH"])
    pasted = f"ImportError: /a/site-packages/ext/_C{SUFFIX}: {text}"
    words = ["explain", "--doctor", "--python", str(world.venv), "--json", pasted]
    assert main(words) == 0
    assert sentence in " ".join(json.loads(capsys.readouterr().out)["here"])


def test_the_environment_and_the_package_are_both_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = missing_symbol(tmp_path)
    text = f"ImportError: /a/site-packages/ext/_C{SUFFIX}: undefined symbol: at_of_another_release"
    words = ["explain", "--doctor", "--with", str(world.package), "--python", str(world.venv)]
    assert main([*words, "--json", text]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert "the same failure here" in answer["here"][0]
    assert "finds all its symbols in" in " ".join(answer["at_hand"])
