"""C: the CUDA that a library needs against the CUDA that comes with torch."""

from __future__ import annotations

from torch_abi_audit.model.findings import Severity
from torch_abi_audit.rules.definition import Rule

RULES = (
    Rule(
        "C501",
        "cuda-major-of-torch",
        "A library needs another CUDA than the torch releases that its requirement admits",
        "torch brings the libraries of its own CUDA alone: loading ends with `libcudart.so.…: "
        "cannot open shared object file`, unless the user chooses a torch of another index.",
        "Bound torch to the releases that are built for the same CUDA, build for the CUDA of the "
        "newer ones, or require the nvidia packages of the CUDA that is needed.",
        Severity.WARNING,
        example="_C.so: it needs libcudart.so.12 (CUDA 12), and torch 2.11.0 to 2.15.0 from the "
        "package index brings CUDA 13",
    ),
    Rule(
        "C502",
        "cuda-unprovided",
        "A library needs CUDA libraries that nothing required provides",
        "It loads only where the user has that CUDA installed, in the loader's way.",
        "Require the nvidia packages of that CUDA, or say that the user must bring it.",
        Severity.WARNING,
        itemized=True,
        example="_C.so: it needs libcudart.so.12 (CUDA 12), and nothing that it brings or "
        "requires provides that",
    ),
    Rule(
        "C503",
        "cuda-majors-mixed",
        "A library is linked to two CUDA releases at once",
        "Two runtimes share one context and disagree on its state; at best one is not found.",
        "Link every part against the same CUDA toolkit.",
        Severity.ERROR,
        example="_C.so: it is linked to CUDA 11 and 12 at once",
    ),
    Rule(
        "C504",
        "cuda-majors-side-by-side",
        "The package requires another CUDA than the one that torch brings",
        "Both are loaded into one process: handles, streams and errors of one runtime mean "
        "nothing to the other.",
        "Build for the CUDA of the torch releases that the requirement admits.",
        Severity.NOTE,
        example="it requires the libraries of CUDA 12, and torch 2.11.0 to 2.15.0 brings CUDA 13",
    ),
)
