#!/usr/bin/env python3
"""Generate ``src/torch_abi_audit/data/nvidia_functions.tsv`` from the package index.

The table has the names of the functions that the headers in NVIDIA's wheels declare: of the CUDA
runtime, the driver, NVRTC, cuBLAS, cuFFT, cuRAND, cuSOLVER, cuSPARSE, cuDNN and NCCL, with the CUDA
major versions whose newest wheel has them. Only the headers are read, with HTTP range requests,
through the user's pip configuration.

    generate_nvidia_functions.py           read the wheels, write the table
    generate_nvidia_functions.py --check   exit 1 if the committed table differs
"""

from __future__ import annotations

import argparse
import re
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script run by its path cannot import tools otherwise

from tools import table_text  # noqa: E402
from tools.generate_nvidia_packages import newest  # noqa: E402
from torch_abi_audit.knowledge.tables import Table  # noqa: E402
from torch_abi_audit.sources.archives.seekable import Seekable  # noqa: E402
from torch_abi_audit.sources.index.pip_config import pip_config  # noqa: E402
from torch_abi_audit.sources.index.remote_file import opener  # noqa: E402
from torch_abi_audit.sources.index.web import Web  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Mapping

TABLE = ROOT / "src" / "torch_abi_audit" / "data" / "nvidia_functions.tsv"
_TOOLKIT = ("cuda-runtime", "cuda-nvrtc", "cublas", "cufft", "curand", "cusolver", "cusparse")
_APART = ("cudnn", "nccl")
DISTRIBUTIONS = {
    11: (*(f"nvidia-{one}-cu11" for one in (*_TOOLKIT, *_APART)),),
    12: (*(f"nvidia-{one}-cu12" for one in (*_TOOLKIT, *_APART)),),
    13: (*(f"nvidia-{one}" for one in _TOOLKIT), *(f"nvidia-{one}-cu13" for one in _APART)),
}
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_FUNCTION = re.compile(
    r"\b((?:cuda|cu|nvrtc|cublas|cublasLt|cublasXt|cufft|curand|cusolver(?:Dn|Sp|Rf|Mg)?|cusparse"
    r"|cudnn|nccl)[A-Z]\w*)\s*\("
)
_RENAMED = re.compile(r"^\s*#\s*define\s+(\w+)\s+(\w+)\s*$", re.MULTILINE)


def declared(headers: str) -> set[str]:
    """The functions that headers declare, those under both names that they rename."""
    text = _COMMENT.sub("", headers)
    found = set(_FUNCTION.findall(text))
    for name, other in _RENAMED.findall(text):  # ``#define cublasCreate cublasCreate_v2``
        if name in found or other in found:
            found |= {one for one in (name, other) if _FUNCTION.match(f"{one}(")}
    return found


def functions(distribution: str, web: Web) -> set[str]:
    """The functions that the headers of a distribution's newest wheel for Linux x86_64 declare.

    Raises:
        OSError: the wheel cannot be read.
    """
    one = newest(distribution, "linux_x86_64", web)
    with (
        opener(web, one.url, one.size, one.sha256)() as source,
        zipfile.ZipFile(Seekable(source)) as wheel,
    ):
        headers = [member for member in wheel.namelist() if member.endswith((".h", ".hpp"))]
        return declared("\n".join(wheel.read(one).decode("utf-8", "replace") for one in headers))


def document(found: Mapping[int, set[str]]) -> Table:
    """The table of all functions, by name."""
    names = sorted(set().union(*found.values()))
    return Table(
        {
            "about": "functions of NVIDIA's libraries: the CUDA major versions that have them",
            "generator": "tools/generate_nvidia_functions.py",
            "source": "the headers in the newest wheels for Linux x86_64 on the package index",
        },
        {
            "functions": {
                name: " ".join(str(cuda) for cuda in sorted(found) if name in found[cuda])
                for name in names
            }
        },
    )


def main() -> int:
    """Write the table, or compare it, and return the exit code."""
    parser = argparse.ArgumentParser(description="Generate the table of NVIDIA's functions.")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    options = parser.parse_args()
    web = Web(pip_config())
    found = {
        cuda: set().union(*(functions(one, web) for one in names))
        for cuda, names in DISTRIBUTIONS.items()
    }
    wanted = document(found)
    if not options.check:
        table_text.write(TABLE, wanted)
        return 0
    committed = table_text.load(TABLE)
    if committed == wanted:
        return 0
    old, new = (one.sections.get("functions", {}) for one in (committed, wanted))
    print(*table_text.differences(old, new), sep="\n")
    print(f"{TABLE} differs from the package index", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
