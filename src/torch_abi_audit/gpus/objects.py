"""The answer for the object files and static archives of a build."""

from __future__ import annotations

from torch_abi_audit import formats
from torch_abi_audit.facts.device_code import package_code
from torch_abi_audit.formats import objects
from torch_abi_audit.gpus.survey import answer
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.model.reports import ExtensionReport, PackageReport
from torch_abi_audit.runtime.records import late_path, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from torch_abi_audit.gpus.answer import Answer
    from torch_abi_audit.model.device_code import DeviceCode
    from torch_abi_audit.model.gpus import Gpu
    from torch_abi_audit.sources.files.build_tree import BuildFile


def of_objects(
    target: str,
    root: str,
    files: Iterable[BuildFile],
    asked: Sequence[Gpu] = (),
    progress: Callable[[str], None] | None = None,
) -> Answer:
    """The answer for a build directory, an object file or a static archive.

    Args:
        target: As typed.
        root: Its absolute path.
        files: The files there.
        asked: The GPUs in question; by default, every generation that is known.
        progress: Called with the name of each file before it is read.
    """
    read = []
    for file in files:
        if progress is not None:
            progress(file.relative)
        where = late_path(f"{root}/{file.relative}")
        try:
            read.append(ExtensionReport(where, device_code=_code(file)))
        except FormatError as error:
            read.append(ExtensionReport(where, error=str(error)))
        except OSError as error:
            read.append(ExtensionReport(where, error=error.strerror or str(error)))
    report = PackageReport(target, late_path(root), bundled_libs=tuple(read))
    found = answer(replace(report, device_code=package_code(report)), asked)
    return replace(found, noun="file")


def _code(file: BuildFile) -> DeviceCode | None:
    """The code in one file.

    Raises:
        FormatError: it is neither an object file nor an archive, or it is damaged.
        OSError: it cannot be read.
    """
    with file.open() as source:
        if objects.kind(source) is None:
            raise FormatError(
                "empty file: truncated or never written"
                if source.size == 0
                else "has the suffix of an object file, but is not ELF, Mach-O, COFF or an archive"
            )
        return formats.device_objects(source)
