"""M: what a distribution declares that its binaries contradict."""

from __future__ import annotations

from torch_abi_audit.model.findings import Severity
from torch_abi_audit.rules.definition import Rule

RULES = (
    Rule(
        "M301",
        "no-torch-requirement",
        "The package uses torch and does not require it",
        "An installer brings no torch, or keeps one that is too old: the first import ends with a "
        "missing library or an undefined symbol.",
        "Declare the torch releases that the binaries load on.",
        Severity.WARNING,
        example="it uses torch (stable) and declares no requirement on it; the binaries need "
        "2.11.0",
    ),
    Rule(
        "M302",
        "torch-floor-too-low",
        "The requirement on torch admits releases that are too old for the binaries",
        "An installer may keep or choose such a release, and the import ends with an undefined "
        "symbol.",
        "Raise the lower bound to the oldest release that the binaries load on.",
        Severity.ERROR,
        example="`torch>=2.7` admits torch 2.7.0 to 2.10.0; the binaries need 2.11.0",
    ),
    Rule(
        "M303",
        "torch-not-bounded",
        "Unstable binaries do not bound torch from above",
        "Unstable symbols vanish or change their layout from one minor release to the next; an "
        "installer takes the newest torch, which the binaries were never built for.",
        "Pin torch to the minor releases that the binaries were built and tested for, or move to "
        "the LibTorch Stable ABI.",
        Severity.WARNING,
        example="the binaries use unstable symbols, and `torch>=2.10` admits every later torch",
    ),
    Rule(
        "M304",
        "torch-pinned-harder",
        "The requirement on torch keeps out releases on which the stable binaries load",
        "The LibTorch Stable ABI spares users such a pin: it keeps them from newer torch releases "
        "for no reason that lies in the binaries.",
        "Open the upper bound, unless the Python code of the package needs it.",
        Severity.NOTE,
        example="`torch==2.11.0` keeps out torch 2.12.0 to 2.15.0, on which the stable binaries "
        "load",
    ),
    Rule(
        "M305",
        "torch-range-does-not-load",
        "The requirement on torch admits releases on which the binaries do not load",
        "Each of these releases lacks a symbol that the binaries import: whoever gets one cannot "
        "import the package.",
        "Narrow the requirement to the releases that the binaries load on.",
        Severity.ERROR,
        example="`torch>=2.8` admits torch 2.10.0 to 2.15.0, on which the binaries do not load",
    ),
    Rule(
        "M306",
        "unreadable-metadata",
        "A line of the metadata is no valid requirement or specifier",
        "Installers refuse it or ignore it, and nothing could be checked against it.",
        "Write it as the dependency specifiers and version specifiers of the Python packaging "
        "guide say.",
        Severity.WARNING,
        example="the requirement 'torch (>2,' cannot be read",
    ),
    Rule(
        "M311",
        "tag-contradicts-extension",
        "A library is bound to other Pythons than the wheel's tags name",
        "An installer puts the wheel on Pythons that do not find the file, since their suffix is "
        "another one, or that lack what it uses.",
        "Build the extension for what the tag says, or tag the wheel for what it is.",
        Severity.ERROR,
        example="_C.cpython-310-x86_64-linux-gnu.so: it is built for Python 3.10 alone, and the "
        "wheel is tagged cp310-abi3",
    ),
    Rule(
        "M312",
        "generic-tag-on-extension",
        "A wheel for any Python holds a library that is built for one",
        "Every Python installs the wheel, and one of them can import the library.",
        "Tag the wheel for the Python that the library is built for; setuptools and scikit-build "
        "do that when they know of the extension.",
        Severity.WARNING,
        example="_C.cpython-313-x86_64-linux-gnu.so: it is built for Python 3.13 alone, and the "
        "wheel is tagged py3-none",
    ),
    Rule(
        "M313",
        "abi3-file-in-abi3t-wheel",
        "A wheel for free-threaded Python holds an extension that is named abi3",
        "The free-threaded build looks for `.abi3t.so` (PEP 803) and does not find the module.",
        "Build with the abi3t limited API, so that the file is named `.abi3t.so`.",
        Severity.ERROR,
        example="_C.abi3.so: free-threaded Python does not import it, and the wheel is tagged "
        "cp315-abi3t",
    ),
    Rule(
        "M314",
        "requires-python-too-low",
        "The declared Requires-Python admits releases that are too old for the binary",
        "On those Pythons the extension ends with an undefined symbol.",
        "Raise `Requires-Python` to the floor, or define Py_LIMITED_API as it says.",
        Severity.ERROR,
        example="_C.abi3.so: it needs Python 3.11, and Requires-Python '>=3.9' admits 3.9",
    ),
    Rule(
        "M315",
        "requires-python-excludes-tag",
        "The declared Requires-Python and the wheel's tags have no Python in common",
        "No installer takes the wheel.",
        "Correct `Requires-Python`, or leave out the wheel.",
        Severity.ERROR,
        example="Requires-Python '>=3.10' admits no Python that the wheel's tags name: nobody can "
        "install it",
    ),
    Rule(
        "M316",
        "tag-contradicts-binary",
        "A library is not built for the platform that the wheel's tag names",
        "The loader of that platform refuses the file.",
        "Build for the platform, or tag the wheel for what it holds.",
        Severity.ERROR,
        example="_C.abi3.so: it is built for Linux aarch64, and the wheel is tagged "
        "manylinux_2_28_x86_64",
    ),
    Rule(
        "M317",
        "foreign-library",
        "A library for another platform lies beside those of the tag's",
        "It cannot be loaded where the wheel is installed; it may be there on purpose, as data.",
        "Leave it out of the wheel unless it is meant for another machine.",
        Severity.NOTE,
        example="attach/attach.dylib: it is built for macOS arm64, and the wheel is tagged "
        "manylinux_2_28_x86_64",
    ),
    Rule(
        "M318",
        "versioned-name",
        "A library that is no extension module has a name for one Python",
        "Loaded by its path it may work everywhere; looked up by its name, or by the suffix of "
        "the running Python, it is missing on every other.",
        "Name it as what it is: `.so`, or `.abi3.so` where it keeps to the stable ABI.",
        Severity.WARNING,
        example="_C_mxfp8.cpython-310-x86_64-linux-gnu.so: it has a name that Python 3.10 alone "
        "imports, and the wheel is tagged cp310-abi3",
    ),
)
