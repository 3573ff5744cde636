"""Functions that ask about the environment: variables, the machine, torch's build, packages."""

from __future__ import annotations

from torch_abi_audit.doctor.tracing.values import UNKNOWN, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from torch_abi_audit.doctor.tracing.run import Run
    from torch_abi_audit.doctor.tracing.values import Known


def _without_device(run: Run) -> Known:
    """``torch.cuda.is_available()``: false for a build of torch without CUDA and ROCm."""
    builds = [run.constants.get(f"torch.version.{name}", UNKNOWN) for name in ("cuda", "hip")]
    return False if builds == [None, None] else UNKNOWN


def _environment(run: Run, name: Known, default: Known = None) -> Known:
    return run.environ.get(name, default) if isinstance(name, str) else UNKNOWN


def _expanded(run: Run, path: Known) -> Known:
    """``os.path.expanduser``, for the user's own directory."""
    text = text_of(path)
    home = run.environ.get("HOME", run.environ.get("USERPROFILE"))
    if text is None or not text.startswith("~"):
        return UNKNOWN if text is None else text
    return home + text[1:] if home and text[1:2] in ("", "/", "\\") else UNKNOWN


def _variable(run: Run, name: Known) -> Known:
    return run.python.suffixes[0] if name in ("EXT_SUFFIX", "SO") else UNKNOWN


def _version(run: Run, name: Known) -> Known:
    """``importlib.metadata.version``, which raises an exception for what is not installed."""
    if not isinstance(name, str):
        return UNKNOWN
    version = run.modules.version(name)
    if version is None:
        run.fail("PackageNotFoundError", f"No package metadata was found for {name}", ("", 0))
    return version


def _available(run: Run, name: Known, *_others: Known) -> Known:
    """Whether a top-level module is found, as ``find_spec`` answers."""
    if not isinstance(name, str) or "." in name:
        return UNKNOWN
    if run.find(name, "") is not None:
        return True
    return UNKNOWN if run.modules.has_hooks or run.modules.is_standard(name) else False


def _satisfied(run: Run, requirement: Known, *_others: Known) -> Known:
    """Whether a requirement such as ``torchvision >=0.15`` is installed."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.version import InvalidVersion

    if not isinstance(requirement, str):
        return UNKNOWN
    try:
        wanted = Requirement(requirement)
        version = run.modules.version(wanted.name)
        if version is None:
            return False if not run.modules.has_hooks else UNKNOWN
        return (
            wanted.specifier.contains(version, prereleases=True) if not wanted.extras else UNKNOWN
        )
    except (InvalidRequirement, InvalidVersion):
        return UNKNOWN


_UTILITIES = "lightning_utilities.core.imports"
FUNCTIONS: dict[str, Callable[..., Known]] = {
    "os.getenv": _environment,
    "os.environ.get": _environment,
    "os.path.expanduser": _expanded,
    "sysconfig.get_config_var": _variable,
    "platform.system": lambda run: run.constants["platform.system()"],
    "platform.machine": lambda run: run.constants["platform.machine()"],
    "torch.cuda.is_available": _without_device,
    "importlib.metadata.version": _version,
    "importlib_metadata.version": _version,
    f"{_UTILITIES}.package_available": _available,
    f"{_UTILITIES}.RequirementCache": _satisfied,
    "lightning_utilities.package_available": _available,
    "lightning_utilities.RequirementCache": _satisfied,
}
"""Dotted names to the functions; ``functions`` has the others."""
