"""L417: what is expected from requirements that were not read."""

from __future__ import annotations

from torch_abi_audit.model.findings import Severity
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.report.wording import plural, some
from torch_abi_audit.rules.definition import About, Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.rules import Detectors
    from torch_abi_audit.rules.context import Context

L417 = Rule(
    "L417",
    "lent-by-requirement",
    "Libraries are expected from a requirement that was not read",
    "The name of the requirement, or the table of known wheels, says that it contains them. Nobody "
    "checked that the releases that it admits do contain them and export what is imported.",
    "Audit with `--with-requirements`, which reads the requirement, or install it beside the "
    "package, or give it as another TARGET.",
    Severity.NOTE,
    itemized=True,
    example="libnvinfer.so.10 is expected from the requirement tensorrt, which was not read",
    about=About.PACKAGE,
)


def expected(context: Context) -> Iterator[Finding]:
    """What rules on missing libraries and names leave out because of an unread requirement."""
    libraries: dict[str, set[str]] = {}
    names: dict[str, set[str]] = {}
    for (form, _), missing in context.missing.items():
        for library in missing:
            lender = context.lending.lender(library, form)
            if lender is not None and not lender.read:
                libraries.setdefault(lender.requirement, set()).add(file_name(library))
    for _, one in context.libraries:
        for lent in one.lent:
            if not lent.read:
                libraries.setdefault(lent.requirement, set()).add(file_name(lent.library))
                names.setdefault(lent.requirement, set()).update(lent.names)
    for requirement in sorted(libraries):
        found = sorted(libraries[requirement])
        what = some(found, "library")
        if requirement in names:
            what += f", with {plural(len(names[requirement]), 'name')} imported from it,"
        verb = "is" if len(found) == 1 else "are"
        reason = context.lending.unreadable.get(requirement)
        unread = f"could not be read: {reason}" if reason else "was not read"
        yield L417.finding(
            f"{what} {verb} expected from the requirement {requirement}, which {unread}",
            evidence=found,
        )


DETECTORS: Detectors = {expected: (L417,)}
