"""The GPU architectures of a published torch wheel, read with range requests.

``torch/lib/libtorch_python.so`` has what ``torch.cuda.get_arch_list`` answers: the flag
``CUDA_ARCH_FLAGS`` of torch's build, as a text. Torch has it since 1.6, and it takes 10 MB to read.
The fat binaries in the library with torch's kernels are what is really there. They take 300 to
700 MB, are read for older releases only, and prove the text. Since 2.0, nearly all of them have
exactly the architectures of the list, and the others have more. The files of older releases have
NVIDIA's libraries too, which were compiled for other GPUs.
"""

from __future__ import annotations

import json
import re
import tempfile
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.wheels import WheelError, stated_cuda
from torch_abi_audit import formats
from torch_abi_audit.model.binary import NotALibrary
from torch_abi_audit.model.device_code import target_key
from torch_abi_audit.sources.archives.seekable import Seekable
from torch_abi_audit.sources.files.readable import open_readable
from torch_abi_audit.sources.index.remote_file import opener

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch_abi_audit.sources.index.simple import Listed
    from torch_abi_audit.sources.index.web import Web

_TARGET = rb"(?:sm|compute)_\d+[a-z]?"
_FLAGS = re.compile(_TARGET + rb"(?: " + _TARGET + rb")+\0")
"""Other texts may precede it without a zero byte, because strings share their ends."""

KERNEL_LIBRARIES = (
    "libtorch_cuda_cu.so",  # 1.13
    "libtorch_cuda.so",  # since 1.5
    "libtorch.so",  # 1.2 to 1.4
    "libcaffe2_gpu.so",  # up to 1.1
)
"""The library with torch's kernels: the largest of these that a wheel has."""


@dataclass(frozen=True, slots=True)
class Kernels:
    """What one wheel says about the GPUs that it supports."""

    file: str
    """File name of the wheel."""
    cuda: str | None
    """CUDA release, such as ``12.8``; None for a CPU build."""
    flags: tuple[str, ...] | None
    """What ``torch.cuda.get_arch_list`` answers, sorted; None if the wheel does not have it."""
    code: str
    """``torch/cuda/__init__.py``, which may have a table of all builds of the release."""


def read(listed: Listed, web: Web, cache: Path) -> Kernels:
    """The facts about one wheel, from ``cache``, or else from the package index.

    Raises:
        WheelError: the wheel does not state its CUDA release, or has two lists of architectures.
        OSError: the wheel cannot be read.
    """
    kept = cache / f"{listed.filename}.json"
    if kept.exists():
        facts = json.loads(kept.read_text(encoding="utf-8"))
        flags = facts.pop("flags")
        return Kernels(**facts, flags=None if flags is None else tuple(flags))
    opened = opener(web, listed.url, listed.size, listed.sha256)
    with opened() as wheel, zipfile.ZipFile(Seekable(wheel)) as archive:
        stated = stated_cuda(archive, listed.filename)
        cuda = None if stated is None else ".".join(stated.split(".")[:2])
        flags = None
        if cuda is not None:
            flags = flags_of(archive.read("torch/lib/libtorch_python.so"), listed.filename)
        found = Kernels(
            listed.filename, cuda, flags, archive.read("torch/cuda/__init__.py").decode()
        )
    cache.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(asdict(found)), encoding="utf-8")
    return found


def flags_of(library: bytes, name: str) -> tuple[str, ...] | None:
    """The list of architectures in the bytes of ``libtorch_python.so``, sorted.

    Raises:
        WheelError: there are two different lists; the text has the wheel's ``name``.
    """
    lists = {match[0][:-1].decode() for match in _FLAGS.finditer(library)}
    if len(lists) > 1:
        raise WheelError(f"{name}: more than one list of architectures: {sorted(lists)}")
    return next((tuple(sorted(one.split(), key=target_key)) for one in lists), None)


def kernel_sets(listed: Listed, web: Web, cache: Path) -> dict[tuple[str, ...], int]:
    """The fat binaries of torch's kernels in a wheel: their architectures, and how many have them.

    From ``cache``, or else from the package index: the library is unpacked into a temporary file of
    up to 1.3 GB.

    Raises:
        WheelError: the wheel has no library with kernels, or its device code cannot be read.
        OSError: the wheel cannot be read.
    """
    kept = cache / f"{listed.filename}.fatbins.json"
    if not kept.exists():
        opened = opener(web, listed.url, listed.size, listed.sha256)
        with (
            tempfile.TemporaryDirectory(prefix="torch-kernels-") as scratch,
            opened() as wheel,
            zipfile.ZipFile(Seekable(wheel)) as archive,
        ):
            paths = [f"torch/lib/{name}" for name in KERNEL_LIBRARIES]
            there = [one for one in archive.infolist() if one.filename in paths]
            if not there:
                raise WheelError(f"{listed.filename}: none of {', '.join(KERNEL_LIBRARIES)}")
            member = max(there, key=lambda one: one.file_size)
            sets = sets_of(Path(archive.extract(member, scratch)), listed.filename)
        cache.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps([*sets.items()]), encoding="utf-8")
    facts = json.loads(kept.read_text(encoding="utf-8"))
    return {tuple(targets): count for targets, count in facts}


def sets_of(library: Path, name: str) -> dict[tuple[str, ...], int]:
    """The same of a library on disk; ``name`` is the wheel's, for errors.

    Raises:
        WheelError: the device code cannot be read.
        OSError: the file cannot be read.
    """
    with open_readable(library) as source:
        images = formats.read(source)
        if isinstance(images, NotALibrary):
            raise WheelError(f"{name}: {library.name} is {images.kind}")
        (image,) = images
    code = image.device_code
    if code is None or code.problem:
        raise WheelError(f"{name}: {library.name}: {code.problem if code else 'no device code'}")
    return {one.targets: one.count for one in code.sets}


def own(sets: Mapping[tuple[str, ...], int]) -> tuple[str, ...]:
    """The architectures of torch's own kernels, from the fat binaries of a wheel before 1.6.

    Most fat binaries with PTX are torch's. Those wheels have cuDNN, cuBLAS and others in the same
    file, some of which have more fat binaries than torch, but hardly any has PTX.

    Raises:
        WheelError: no fat binary has PTX.
    """
    found = [some for some in sets if any(one.startswith("compute_") for one in some)]
    if not found:
        raise WheelError(f"no fat binary with PTX in {dict(sets)}")
    return max(found, key=lambda some: sets[some])
