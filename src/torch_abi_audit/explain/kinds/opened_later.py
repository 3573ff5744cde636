"""Texts of CUDA libraries about parts of theirs that they open when they are first used."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.kinds.kind import ErrorKind, Form

ROWS: tuple[ErrorKind, ...] = (
    ErrorKind(
        "NVRTC's builtins",
        forms=(
            Form(
                None,
                r"failed to open (?P<library>libnvrtc-builtins\.so\.(?P<version>[\d.]{0,8}\d))",
            ),
            Form(
                None,
                r"failed to open (?P<library>(?:lib)?nvrtc-builtins[\w.-]{0,40}(?:\.dll|\.so))",
            ),
        ),
        subject=("{library}",),
        is_a=("a library that NVRTC, CUDA's compiler at run time, opens by its name when it runs",),
        causes=(Cause.NOT_INSTALLED, Cause.SEARCH_PATH, Cause.MIXED),
        why=(
            "NVRTC needs the builtins of exactly its own release; others do not replace them",
            "the NVRTC in the process is of CUDA {version}",
        ),
        advice=(
            (
                "reinstall torch with the package of NVRTC that it requires (nvidia-cuda-nvrtc): "
                "both libraries are in it"
            ),
            (
                "or put the directory with {library} on the loader's search path: a toolkit of "
                "CUDA {version}"
            ),
        ),
        about_torch=True,
        owner="CUDA",
        source="NVRTC; dusty-nv/jetson-containers, WisconsinAIVision/yolact_edge#186",
    ),
    ErrorKind(
        "a part of cuDNN",
        forms=(
            Form(
                None,
                r"(?:Could not load library|Could not locate|Unable to load any of \{) ?"
                r"(?P<library>(?:lib)?cudnn_[\w.-]{1,60}?(?:\.dll|\.so[\d.]{0,12}))(?![\w])"
                r"(?:\.? Error: [^\s:]{1,300}: cannot open shared object file[^\n]{0,40})?",
            ),
        ),
        subject=("{library}",),
        is_a=("a part of cuDNN that cuDNN opens by its name when it is first used",),
        causes=(Cause.SEARCH_PATH, Cause.OTHER_COPY, Cause.NOT_INSTALLED),
        why=(
            (
                "all parts of cuDNN must be of one release; it searches like the loader, and "
                "finds those of another release or none"
            ),
        ),
        advice=(
            (
                "take other copies of cuDNN off the search path: unset LD_LIBRARY_PATH, or PATH "
                "on Windows"
            ),
            "or reinstall the package that brings cuDNN: nvidia-cudnn-cu12 for torch's wheels",
            "or, if no copy is installed, put the directory of cuDNN's parts on the search path",
        ),
        about_torch=True,
        owner="CUDA",
        source="cuDNN; pytorch/pytorch#104591, SYSTRAN/faster-whisper#516",
    ),
)
