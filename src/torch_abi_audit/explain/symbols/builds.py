"""Whether one torch exports a name: judged by its release and by its build. The only such place.

The export index knows the builds on PyPI. Other builds of a release differ from them in the
devices, and in the ABI of ``std::string``: the release notes of PyTorch 2.6 say that its Linux
builds for CUDA 12.6, ROCm, XPU and aarch64 use the C++11 ABI and the others do not, and that all do
from 2.7 on; before, only builds marked ``cxx11.abi`` did.
"""

from __future__ import annotations

from torch_abi_audit.knowledge import export_index
from torch_abi_audit.knowledge.names.torch import Build
from torch_abi_audit.knowledge.old_exports import old_releases
from torch_abi_audit.knowledge.platforms import LINUX, system_of_platform
from torch_abi_audit.model.releases import release_key
from torch_abi_audit.runtime.enums import StrEnum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.explain.explanation import History, Installed

_ALL_CXX11 = "2.7.0"
_SOME_CXX11 = "2.6.0"
_CXX11_IN_2_6 = ("cu126", "rocm", "xpu")
"""The local versions of the builds of 2.6.0 for Linux x86_64 with the C++11 ABI."""
_MARK = "cxx11.abi"


class Has(StrEnum):
    """Whether a torch exports a name."""

    YES = "exports it"
    NO = "does not export it"
    DEVICE = "does not export it: it is built for other devices"
    STRING = "does not export it: it is built for the other ABI of std::string"
    UNKNOWN = "is not one of the known releases"


def exports(known: History, installed: Installed) -> Has:
    """Whether the installed torch exports the name of a history."""
    build = installed.build
    if known.cuda and build not in (None, Build.CUDA):
        return Has.DEVICE
    wanted = string_abi(known)
    actual = cxx11(installed, known.platform)
    if wanted is not None and actual is not None and wanted is not actual:
        return Has.STRING
    if installed.is_final:
        return _by_release(known, installed.number)
    around = {_by_release(known, one) for one in _neighbours(known, installed.number)}
    return around.pop() if len(around) == 1 else Has.UNKNOWN


def _by_release(known: History, release: str) -> Has:
    if release in known.releases:
        return Has.YES
    if release in known.missing:
        return Has.NO
    same_minor = {one for one in old_releases() if _minor(one) == _minor(release)}
    if known.before and same_minor:
        return Has.YES if same_minor & {*known.before} else Has.NO
    return Has.UNKNOWN


def _minor(release: str) -> tuple[str, ...]:
    return tuple(release.split(".")[:2])


def _neighbours(known: History, number: str) -> tuple[str, ...]:
    """The known releases just before a pre-release and the one that it became."""
    every = sorted((*known.releases, *known.missing), key=release_key)
    before = [one for one in every if release_key(one) < release_key(number)]
    after = [one for one in every if release_key(one) >= release_key(number)]
    return (*before[-1:], *after[:1]) if before else ()


def string_abi(known: History) -> bool | None:
    """The ABI of ``std::string`` in a name: True for C++11's; None if it has no string."""
    if system_of_platform(known.platform) is not LINUX:
        return None
    if known.old_string:
        return False
    return True if known.new_string else None


def cxx11(installed: Installed, platform: str) -> bool | None:
    """Whether a torch was built with the C++11 ABI of libstdc++; None if it is not known."""
    if system_of_platform(platform) is not LINUX:
        return None
    try:
        number = release_key(installed.number)
    except ValueError:
        return None
    if number >= release_key(_ALL_CXX11) or installed.local.endswith(_MARK):
        return True
    if number == release_key(_SOME_CXX11) and installed.is_final and installed.local:
        return platform != "linux_x86_64" or installed.local.startswith(_CXX11_IN_2_6)
    for one in export_index.releases(platform):
        if one.version == installed.release:
            return one.cxx11_abi
    published = not installed.local or installed.local.startswith(("cu", "cpu"))
    return False if published and installed.is_final else None


def newest_before(installed: Installed, platform: str) -> str | None:
    """The newest known release before a pre-release; None for a release."""
    if installed.is_final:
        return None
    key = release_key(installed.number)
    known = [one.version for one in export_index.releases(platform)]
    return next((one for one in reversed(known) if release_key(one) < key), None)


def sentence(known: History, installed: Installed) -> str:
    """Whether the installed torch exports the name, as a sentence that names its build."""
    has = exports(known, installed)
    if has is Has.DEVICE:
        said = "does not export it: only CUDA builds do"
    elif has is Has.UNKNOWN and not installed.is_final:
        near = newest_before(installed, known.platform) or known.oldest
        said = f"is a version from before {installed.number}; the nearest known release is {near}"
    elif has is Has.UNKNOWN:
        said = f"{has} ({known.oldest} to {known.newest})"
    else:
        said = str(has)
    return f"the installed torch, {installed}, {said}"
