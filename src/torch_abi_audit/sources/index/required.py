"""The wheel of a package index that an installer would choose for a ``Requires-Dist`` line."""

from __future__ import annotations

from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.sources.index.web import ignore
from torch_abi_audit.sources.index.wheels import Choice, wheels
from torch_abi_audit.sources.naming import INDEX_PREFIX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.sources.found import Found
    from torch_abi_audit.sources.index.web import Watch


def wheel_for(line: str, platform: str | None, python: str | None, watch: Watch | None) -> Found:
    """The wheel; of the index, only its page for the project and parts of the wheel are read.

    Args:
        line: The ``Requires-Dist`` line. Its extras and its marker are not looked at.
        platform: The platform tag of the package that requires it; None for this machine.
        python: Its Python; None for any.
        watch: Called with the progress of downloads.

    Raises:
        TargetError: the line is invalid or names a URL, no wheel fits, or the index or the wheel
            cannot be read.
    """
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        wanted = Requirement(line)
    except InvalidRequirement as error:
        raise TargetError(f"{line} is not a valid requirement") from error
    if wanted.url:
        raise TargetError(f"{wanted.name} is required from a URL, which is not fetched")
    target = f"{INDEX_PREFIX}{wanted.name}{wanted.specifier}"
    found = next(iter(wheels(target, Choice(platform, python), watch or ignore)))
    if isinstance(found, TargetError):
        raise found
    return found
