"""Names of other projects that torch's libraries export: MKL, libuv, miniz, gloo, FBGEMM and so on.

Torch links them statically, and on Linux their names leak from its libraries; nothing should import
them from there. ``tools/generate_bundled_exports.py`` makes the files from the published wheels. On
macOS and Windows, the export index itself has them.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from torch_abi_audit.knowledge.export_file import ExportFile, Exports, IndexFileError

DATA = Path(__file__).parents[1] / "data"

_PROJECTS = (
    (r"mkl_|MKL_|cblas_|LAPACKE_|[vV][mM]?[lsdczLSDCZ][A-Za-z]|Dfti|dfti|DFTI", "Intel's MKL"),
    (r"__itt_", "Intel's ITT"),
    (r"scc_info_|descriptor_table_|file_level_", "protobuf"),
    (r"_?(?:[sdczi]|dz|sc|cs|zd|is|id|ic|iz)?[a-z0-9]{2,9}_?(?:64_?)?$", "BLAS and LAPACK"),
    (r"[A-Z0-9]{4,10}_?(?:64_?)?$", "BLAS and LAPACK"),
    (r"uv_+|uv__", "libuv"),
    (r"mz_|tdefl_|tinfl_", "miniz"),
    (r"Sleef_", "SLEEF"),
    (r"cpuinfo_|clog_", "cpuinfo"),
    (r"nnp_", "NNPACK"),
    (r"pthreadpool_", "pthreadpool"),
    (r"xnn_", "XNNPACK"),
    (r"pytorch_q8|pytorch_x8|pytorch_u8|pytorch_hgemm|pytorch_sgemm|pytorch_qnnp", "QNNPACK"),
    (r"kai_", "KleidiAI"),
    (r"magma", "MAGMA"),
    (r"openblas_|gotoblas", "OpenBLAS"),
    (r"png_|jpeg_", "an image library"),
)
"""Beginnings of C names, to their projects."""
_SPACES = {
    "fbgemm": "FBGEMM",
    "fbgemm_gpu": "FBGEMM",
    "gloo": "Gloo",
    "tensorpipe": "TensorPipe",
    "dnnl": "oneDNN",
    "ideep": "ideep",
    "asmjit": "AsmJit",
    "google": "protobuf",
    "fmt": "{fmt}",
    "onnx": "ONNX",
    "mslk": "MSLK",
    "moodycamel": "concurrentqueue",
    "nlohmann": "JSON for Modern C++",
    "arm_compute": "Arm Compute Library",
}


def path_of(platform: str) -> Path:
    """The path of a platform's file, which only Linux has."""
    return DATA / f"bundled-{platform}.idx"


def exports(platform: str, name: bytes) -> Exports | None:
    """The libraries and releases that export a name; None if no known one does.

    Raises:
        IndexFileError: the file is damaged.
    """
    file = _file(platform)
    return None if file is None else file.lookup((name,)).get(name)


def releases(platform: str) -> tuple[str, ...]:
    """The releases that were read, oldest first; none if the platform has no file."""
    file = _file(platform)
    return () if file is None else tuple(one.version for one in file.releases)


def project(name: str, space: str | None = None) -> str:
    """The project of a name that torch's libraries export, as far as its beginning tells.

    Args:
        name: The raw name.
        space: The first namespace of a C++ name.
    """
    if space is not None:
        return _SPACES.get(space, space)
    return next(
        (title for start, title in _PROJECTS if re.match(start, name)),
        "a library that torch contains",
    )


def is_bundled_space(space: bytes) -> bool:
    """Whether a namespace is that of a project that torch contains."""
    return space.decode("utf-8", "replace") in _SPACES


@cache
def _file(platform: str) -> ExportFile | None:
    path = path_of(platform)
    try:
        return ExportFile(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise IndexFileError(f"{path.name} cannot be read: {error}") from error
