"""Adds load matrices to reports, for ``compat`` and for an audit with ``--loads-on``."""

from __future__ import annotations

from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch_abi_audit.commands.shared.torch_choice import Asked
    from torch_abi_audit.model.reports import PackageReport


def answered(
    packages: Iterable[PackageReport], question: Asked, *, explain: str = "none"
) -> tuple[PackageReport, ...]:
    """Return the reports with their load matrices.

    Args:
        packages: The audited packages.
        question: The releases that ``--torch`` selects.
        explain: For which missing symbols to look up what is exported instead: ``all``,
            ``some`` or ``none``.

    Raises:
        IndexFileError: the export index is missing or damaged.
    """
    from torch_abi_audit.judges.gpu_loads import with_gpus
    from torch_abi_audit.judges.loads import compat, explained

    done = []
    for package in packages:
        matrix = compat(package, question.builds, within=question.within, beyond=question.beyond)
        if explain != "none":
            matrix = explained(matrix, question.builds, every=explain == "all")
        done.append(replace(package, loads=with_gpus(matrix, package)))
    return tuple(done)
