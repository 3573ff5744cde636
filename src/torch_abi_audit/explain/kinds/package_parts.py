"""Texts of packages whose compiled part is missing, skipped or without code for CUDA."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.kinds.kind import ErrorKind, Form, Rank

ROWS: tuple[ErrorKind, ...] = (
    ErrorKind(
        "operators that are skipped",
        forms=(
            Form(
                None,
                r"Skipping import of cpp extensions due to incompatible torch version "
                r"(?P<b>[\w.+]{1,40}\w) for (?P<symbol>\w{1,40}) version (?P<a>[\w.+]{1,40}\w)",
            ),
        ),
        subject=("{symbol} {a}",),
        is_a=("a package whose compiled operators were built for another torch than {b}",),
        causes=(Cause.OTHER_TORCH,),
        why=(
            (
                "each release of {symbol} has operators for one release of torch only, and skips "
                "them with any other: its functions in Python go on to work"
            ),
        ),
        advice=(
            (
                "install the release of {symbol} for torch {b}, or the torch that {symbol} {a} is "
                "for: its release notes say which"
            ),
            "or ignore the line, if nothing that needs the operators is used",
        ),
        about_torch=True,
        owner="the extension",
        source="pytorch/ao torchao/__init__.py, pytorch/ao#2919",
    ),
    ErrorKind(
        "half imported",
        forms=(
            Form(
                None,
                r"partially initialized module '(?P<symbol>torch\w{1,40})' has no attribute "
                r"'(?P<version>_?extension|_C|_extension\.\w{1,40}|lib|ops|io|_meta_registrations)'",
            ),
        ),
        subject=("{symbol}",),
        is_a=("a package whose import failed before, and was tried again",),
        causes=(Cause.OTHER_TORCH, Cause.EARLIER),
        why=(
            (
                "{symbol}'s compiled library did not load, or its operators were not registered: "
                "mostly, it is built for another torch; the import is not circular"
            ),
        ),
        advice=(
            "install torch and {symbol} of releases that belong together, from one index",
            "or look for the first error: python -c 'import {symbol}'",
        ),
        rank=Rank.CONSEQUENCE,
        about_torch=True,
        owner="the extension",
        source="pytorch/vision torchvision/_meta_registrations.py, torchvision/__init__.py",
    ),
    ErrorKind(
        "built without CUDA",
        forms=(
            Form(
                None,
                r"(?<!\w)(?P<symbol>[A-Z]\w{1,40}) (?:is|was) not compiled with (?:GPU|CUDA) "
                r"support",
            ),
            Form(None, r"\bNot compiled with (?:GPU|CUDA) support"),
            Form(
                None,
                r"installed version of (?P<symbol>bitsandbytes) was compiled without (?:GPU|CUDA) "
                r"support",
            ),
            Form(None, r"No CUDA runtime is found, using CUDA_HOME="),
        ),
        subject=("{symbol}", "the package"),
        is_a=("a package that was built without its code for CUDA, or is built so now",),
        causes=(Cause.INCOMPLETE_BUILD, Cause.CPU_TORCH),
        why=(
            (
                "it is compiled for CUDA only where torch is a build for CUDA, nvcc is found, and "
                "mostly a GPU is seen while it is built (not in docker build)"
            ),
        ),
        advice=(
            "check python -c 'import torch; print(torch.version.cuda, torch.cuda.is_available())'",
            (
                "then build the package again with FORCE_CUDA=1, CUDA_HOME and "
                "TORCH_CUDA_ARCH_LIST set"
            ),
            "or install its build for CUDA",
        ),
        about_torch=True,
        owner="the extension",
        source="facebookresearch/detectron2 detectron2/layers/csrc/vision.cpp, "
        "torch/utils/cpp_extension.py, bitsandbytes/cextension.py",
    ),
    ErrorKind(
        "Transformer Engine without its library",
        forms=(
            Form(
                None,
                r"(?:Could not find shared object file|Found empty `?transformer-engine`? meta "
                r"package|Could not find shared object file for Transformer Engine)",
            ),
        ),
        subject=("Transformer Engine",),
        is_a=("a package that finds its Python files, and not its compiled library",),
        causes=(Cause.INCOMPLETE_BUILD,),
        why=(
            (
                "transformer_engine, transformer_engine_cu12 and transformer_engine_torch must "
                "all be installed, in one release, in one directory of packages"
            ),
        ),
        advice=(
            (
                "uninstall all of them, then: pip install --no-build-isolation "
                "'transformer_engine[pytorch]'"
            ),
        ),
        about_torch=True,
        owner="the extension",
        source="NVIDIA/TransformerEngine transformer_engine/common/__init__.py",
    ),
)
