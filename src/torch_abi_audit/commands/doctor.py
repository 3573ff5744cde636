"""``torch-abi-audit doctor [NAME…]``: says what will not load in an environment, and why."""

from __future__ import annotations

from torch_abi_audit.commands import ERROR, FAILED, OK
from torch_abi_audit.commands.shared.options import DOCUMENT, Syntax

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.doctor.diagnosis import Diagnosis

_EPILOG = """\
exit codes:
  0  torch and all packages load
  1  torch or a package will not load
  2  operational error: no torch, unknown name, a library could not be read, wrong usage
"""


def syntax() -> Syntax:
    """The options and help of the verb."""
    return Syntax(
        verb="doctor",
        description="Simulate what the loader does when Python imports torch and then NAME: which "
        "libraries it\nopens and from where, what it refuses and why, and what to do. Nothing of "
        "the environment\nis imported or executed.",
        epilog=_EPILOG,
        options=(
            *("names", "site_packages", "python"),
            *("json", "markdown", *DOCUMENT, "color", "verbose", "quiet", "no_progress"),
        ),
        words={
            "site_packages": "examine the packages in a site-packages directory",
            "python": "examine the environment of this interpreter or directory",
            "verbose": "list the libraries in the order in which they are opened, and by what each "
            "was found",
        },
    )


def run(words: list[str]) -> int:
    """Run the verb with the arguments ``words`` and return the exit code."""
    from torch_abi_audit.commands.shared.parsing import fail, parse

    options = parse(syntax(), words)
    from torch_abi_audit.commands.shared import output
    from torch_abi_audit.commands.shared.diagnosing import Patient
    from torch_abi_audit.commands.shared.terminal import complain
    from torch_abi_audit.model.errors import AuditError

    if options.python is not None and options.site_packages is not None:
        fail(syntax(), "--python and --site-packages cannot be used together")
    try:
        chosen = output.destinations("doctor", options)
        found = Patient(options).diagnosis(options.names)
    except AuditError as error:
        complain(str(error))
        return ERROR
    written = output.write("doctor", found, chosen, options)
    return _code(found) if written else ERROR


def _code(found: Diagnosis) -> int:
    from torch_abi_audit.doctor.diagnosis import Status

    statuses = {one.status for one in (found.torch, *found.packages)}
    if Status.FAILS in statuses:
        return FAILED
    return ERROR if Status.UNKNOWN in statuses else OK
