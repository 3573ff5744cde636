"""Environments with a stand-in for torch, compiled here, in which Python really imports.

The stand-in opens its libraries as ``torch/__init__.py`` of the real one does, on Linux.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from tests.support.installs import install
from tests.support.toolchain import gcc

SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")
INCLUDE = f"-I{sysconfig.get_path('include')}"

INIT = """
import ctypes, glob, os, platform, sys
from torch.version import __version__


def _get_cuda_dep_paths(path, lib_folder, lib_name):
    from torch.version import cuda as cuda_version

    found = glob.glob(os.path.join(path, "nvidia", lib_folder, "lib", lib_name))
    if cuda_version is not None:
        maj_cuda_version = cuda_version.split(".")[0]
        found += glob.glob(os.path.join(path, "nvidia", f"cu{maj_cuda_version}", "lib", lib_name))
    return found + glob.glob(os.path.join(path, lib_folder, "lib", lib_name))


def _preload_cuda_lib(lib_folder, lib_name, required=True):
    for path in sys.path:
        found = _get_cuda_dep_paths(path, lib_folder, lib_name)
        if found:
            ctypes.CDLL(found[0])
            return
    if required:
        raise ValueError(f"{lib_name} not found in the system path {sys.path}")


def _preload_cuda_deps(err=None, required=True):
    cuda_libs: list[tuple[str, str]] = [
        ("cublas", "libcublas.so.*[0-9]"),
        ("cuda_runtime", "libcudart.so.*[0-9]"),
        ("nvjitlink", "libnvJitLink.so.*[0-9]"),
    ]
    if err is not None and not any(lib.split(".", 1)[0] in err.args[0] for _, lib in cuda_libs):
        raise err
    for lib_folder, lib_name in cuda_libs:
        _preload_cuda_lib(lib_folder, lib_name, required=required)


def _load_global_deps():
    path = os.path.join(os.path.dirname(__file__), "lib", "libtorch_global_deps.so")
    try:
        ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)
        EAGER
    except OSError as err:
        _preload_cuda_deps(err)
        ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)


if os.getenv("TORCH_USE_RTLD_GLOBAL"):
    old_flags = sys.getdlopenflags()
    sys.setdlopenflags(os.RTLD_GLOBAL | os.RTLD_LAZY)
    from torch._C import *
    sys.setdlopenflags(old_flags)
else:
    _load_global_deps()
    from torch._C import *


class _Loader:
    def load_library(self, path):
        path = os.path.realpath(path)
        try:
            ctypes.CDLL(path)
        except Exception as e:
            raise OSError(f"Could not load this library: {path}") from e


ops = classes = _Loader()
from torch import cuda


def _import_device_backends():
    from importlib.metadata import entry_points

    for each in entry_points(group="torch.backends"):
        try:
            each.load()()
        except Exception as err:
            raise RuntimeError(
                f"Failed to load the backend extension: {each.name}. "
                "You can disable extension auto-loading with TORCH_DEVICE_BACKEND_AUTOLOAD=0."
            ) from err


if os.getenv("TORCH_DEVICE_BACKEND_AUTOLOAD", "1") == "1":
    _import_device_backends()
"""
EAGER = """try:
            with open("/proc/self/maps") as f:
                _maps = f.read()
            if "libcudart.so" not in _maps:
                return
            _preload_cuda_deps(required=False)
        except Exception:
            pass"""
MODULE = """
#include <Python.h>
static struct PyModuleDef definition = {{PyModuleDef_HEAD_INIT, "{name}", 0, -1, 0}};
{more}
PyMODINIT_FUNC PyInit_{name}(void) {{ return PyModule_Create(&definition); }}
"""
CHILD = """
import json, sys, traceback
root = None
try:
    import torch
    __import__(sys.argv[1])
except BaseException as error:
    root = error
    while root.__cause__ or root.__context__:
        root = root.__cause__ or root.__context__
    print(json.dumps([type(error).__name__, str(error), str(root)]))
else:
    print("null")
"""


def use(*names: str, weak: bool = False) -> str:
    """C code that needs the functions ``names``."""
    mark = " __attribute__((weak))" if weak else ""
    declared = "".join(f"extern int {name}(void){mark};\n" for name in names)
    return declared + "".join(f"int (*const keep_{name})(void) = {name};\n" for name in names)


def define(*names: str) -> str:
    """C code that defines the functions ``names``."""
    return "".join(f"int {name}(void) {{ return 1; }}\n" for name in names)


def library(out: Path, code: str, *links: Path, flags: tuple[str, ...] = ()) -> Path:
    """Build a shared library with its name as SONAME, linked to others."""
    options = (*flags, "-Wl,--no-as-needed", "-Wl,--allow-shlib-undefined")
    soname = () if any("soname" in each for each in flags) else (f"-Wl,-soname,{out.name}",)
    return gcc(code, out, *options, *soname, "-x", "none", *map(str, links), torch=())


def module(out: Path, code: str, *links: Path, flags: tuple[str, ...] = ()) -> Path:
    """Build an extension module, linked to libraries."""
    name = out.name.partition(".")[0]
    text = MODULE.format(name=name, more=code)
    return library(out, text, *links, flags=(INCLUDE, "-Wl,-z,lazy", *flags))


def versioned(folder: Path, version: str) -> tuple[str, ...]:
    """Options that give all symbols a version."""
    script = folder / f"{version}.map"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(f"{version} {{ global: *; }};\n")
    return (f"-Wl,--version-script={script}",)


@cache
def built() -> Path:
    """The libraries of the stand-in, compiled once."""
    home = Path(mkdtemp(prefix="stand-in-"))
    lib = home / "torch" / "lib"
    origin = ("-Wl,-rpath,$ORIGIN",)
    c10 = library(lib / "libc10.so", define("c10_one"), flags=origin)
    cpu = library(lib / "libtorch_cpu.so", define("at_one", "at_two"), c10, flags=origin)
    whole = library(lib / "libtorch.so", "", cpu, flags=origin)
    python = library(lib / "libtorch_python.so", define("thp_one"), whole, c10, flags=origin)
    library(lib / "libtorch_global_deps.so", define("global_one"), flags=origin)
    module(home / "torch" / f"_C{SUFFIX}", "", python, flags=("-Wl,-rpath,$ORIGIN/lib",))
    return home


class World:
    """One environment: a virtual environment with the stand-in, and variables."""

    def __init__(self, home: Path, *, cuda: str | None = None, eager: bool = True) -> None:
        self.home = home
        self.venv = home / "venv"
        self.environ: dict[str, str] = {}
        command = [sys.executable, "-m", "venv", "--without-pip", "--symlinks", str(self.venv)]
        subprocess.run(command, check=True)
        (self.site,) = self.venv.glob("lib/python3*/site-packages")
        shutil.copytree(built(), self.site, dirs_exist_ok=True)
        self.lib = self.site / "torch" / "lib"
        init = INIT.replace("EAGER", EAGER if eager else "pass")
        version = f"__version__ = '2.13.0'\ncuda = {cuda!r}\nhip = None\n"
        install(
            self.site,
            "torch",
            {
                "torch/__init__.py": init,
                "torch/version.py": version,
                "torch/cuda.py": "def is_available():\n    return False\n",
            },
            version="2.13.0",
            recorded=[f"torch/lib/{each.name}" for each in self.lib.iterdir()],
        )

    @property
    def package(self) -> Path:
        """The directory of the package that is examined."""
        return self.site / "ext"

    def torch(self, *names: str) -> list[Path]:
        """Libraries of the stand-in to link to."""
        return [self.lib / name for name in names]

    def sources(self, **sources: str) -> None:
        """Write modules of the package and record all of its files."""
        self.package.mkdir(exist_ok=True)
        files = {f"ext/{name}.py": text for name, text in sources.items()}
        others = [
            str(each.relative_to(self.site))
            for each in self.package.rglob("*")
            if each.is_file() and each.suffix != ".py"
        ]
        install(self.site, "ext", files, recorded=others)

    def variables(self) -> dict[str, str]:
        """The variables in which both are run."""
        kept = ("PATH", "HOME", "TMPDIR")
        return {name: os.environ[name] for name in kept if name in os.environ} | self.environ

    def imported(self, name: str = "ext") -> tuple[str, str, str] | None:
        """What importing torch and the package really raises: class, text, text of the cause."""
        done = subprocess.run(
            [self.venv / "bin" / "python", "-B", "-c", CHILD, name],
            capture_output=True,
            text=True,
            check=False,
            env=self.variables(),
            cwd="/",
        )
        assert done.stdout, done.stderr
        answer: tuple[str, str, str] | None = json.loads(done.stdout.splitlines()[-1])
        return answer
