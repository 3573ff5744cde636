"""``torch-abi-audit repair TARGET…``: prints the command that repairs a wheel without torch."""

from __future__ import annotations

from torch_abi_audit.commands import ERROR, OK
from torch_abi_audit.commands.shared.options import DOCUMENT, INSPECTED, WHEELS, Syntax

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from torch_abi_audit.model.reports import PackageReport
    from torch_abi_audit.repair.plan import RepairPlan


def syntax() -> Syntax:
    """The options and help of the verb."""
    return Syntax(
        verb="repair",
        description="Print the command that repairs a wheel (auditwheel, delocate or delvewheel), "
        "with an\n--exclude for each library that torch, NVIDIA's wheels or another requirement "
        "brings.\nNothing is repaired.",
        epilog="exit codes: 0 success, 2 operational error",
        options=(
            *(*INSPECTED, *WHEELS),
            *("json", "markdown", *DOCUMENT, "color", "verbose", "quiet", "no_progress"),
        ),
        words={"verbose": "list every library that is linked to what is excluded"},
    )


def run(words: list[str]) -> int:
    """Run the verb with the arguments ``words`` and return the exit code."""
    from torch_abi_audit.commands.shared.parsing import parse

    options = parse(syntax(), words)
    from torch_abi_audit.commands.shared import modes, output, targets
    from torch_abi_audit.commands.shared.terminal import complain
    from torch_abi_audit.model.errors import AuditError

    modes.refuse_mixed(syntax(), options)
    try:
        chosen = output.destinations("repair", options)
        packages = targets.load(options, targets.search(options, options.targets)).packages
        if not options.targets:
            packages = tuple(
                one for one in packages if one.uses_torch or one.torch_verdict == "error"
            )
        plans = tuple(_plans(packages, options.targets))
    except AuditError as error:
        complain(str(error))
        return ERROR
    written = output.write("repair", plans, chosen, options)
    unread = any(one.torch_verdict == "error" for one in packages)
    return ERROR if unread or not written else OK


def _plans(packages: Iterable[PackageReport], targets: Sequence[str]) -> Iterator[RepairPlan]:
    from torch_abi_audit.commands.shared.terminal import complain
    from torch_abi_audit.repair.plan import plan

    for one in packages:
        if one.error is not None:
            complain(one.error)
        else:
            yield plan(one, _wheel(one.root_text, targets))


def _wheel(root: str, targets: Sequence[str]) -> str | None:
    """The path of a wheel on disk, as its TARGET spells it; None if the root is no such wheel."""
    from torch_abi_audit.model.paths import file_name
    from torch_abi_audit.sources import INDEX_PREFIX

    if not root.endswith(".whl") or root.startswith(INDEX_PREFIX):
        return None
    for target in targets:
        for written in (target, f"{target.rstrip('/')}/{file_name(root)}"):
            if root.endswith(f"/{written.removeprefix('./')}"):
                return written
    return root
