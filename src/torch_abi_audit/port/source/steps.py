"""The order of work of a port, from what its sources and build files say. Pure."""

from __future__ import annotations

import re

from torch_abi_audit.port.source.build.target_macro import definition
from torch_abi_audit.port.source.findings import Kind, Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from torch_abi_audit.port.source.findings import BuildFinding, SourceFile, SourceUse

_REGISTRATION = re.compile(
    r"TORCH_LIBRARY\w*|TORCH_SELECTIVE\w*|PYBIND11_\w+|TORCH_EXTENSION_NAME|torch::Library.*|"
    r"(?:::)?(?:py|pybind11)::.*|\w*\.(?:def|impl|class_|fallback)\b.*|(?:c10|torch)::dispatch|"
    r"torch::(?:class_|schema|CppFunction|RegisterOperators|CustomClassHolder|jit)\b.*"
)
_AUTOGRAD = re.compile(
    r".*\b(?:autograd|AutogradContext|variable_list|save_for_backward|get_saved_variables|"
    r"AutoDispatchBelow\w+|AutoNonVariable\w+|GradMode|NoGradGuard)\b.*|.*\b(?:Autograd\w*|Meta)\b"
)

_INCLUDE, _REGISTERING, _GRADIENT, _KERNEL = "include", "registration", "autograd", "kernel"
_BEFORE = {
    _REGISTERING: (
        "Register the operators with STABLE_TORCH_LIBRARY",
        "it takes the place of pybind11 as well: Python calls torch.ops.<namespace>.<name>",
    ),
    _GRADIENT: (
        "Move autograd and fake (meta) implementations to Python",
        "the stable ABI has no C++ autograd: use torch.library.register_autograd and register_fake",
    ),
}
"""The steps before the kernels, in order: title and reason."""


def steps(
    files: Sequence[SourceFile], build: Sequence[BuildFinding], target: str
) -> tuple[Step, ...]:
    """The steps of a port, in order; those with nothing to do are left out.

    Args:
        files: The sources and their uses.
        build: What to change in the build files.
        target: The oldest torch release to support.
    """
    return tuple(_steps(files, build, target))


def _steps(
    files: Sequence[SourceFile], build: Sequence[BuildFinding], target: str
) -> Iterator[Step]:
    if early := [one for one in build if not one.late]:
        yield Step(
            "Set the compiler options in the build files",
            f"with {definition(target)} each unstable header is an error, so the compiler lists "
            "what is left; to keep a build that works meanwhile, give the files that are done an "
            "extension of their own",
            _findings(early),
        )
    kinds = [(_kind(use), file, use) for file in files for use in file.uses]
    for kind, (title, why) in _BEFORE.items():
        if places := [f"{file.name}:{use.line}" for one, file, use in kinds if one == kind]:
            yield Step(title, why, _once(places))
    kernels: dict[str, list[SourceUse]] = {}
    for kind, file, use in kinds:
        if kind == _KERNEL:
            kernels.setdefault(file.name, []).append(use)
    for name, uses in sorted(kernels.items(), key=_cost):
        by_hand = sum(not use.edits for use in uses)
        yield Step(
            f"Port {name}",
            f"{len(uses)} to replace, {by_hand} of them by hand",
            _once(f"{name}:{use.line}" for use in uses),
            name,
        )
    if places := [f"{file.name}:{use.line}" for one, file, use in kinds if one == _INCLUDE]:
        yield Step(
            "Remove the includes of unstable headers",
            "nothing needs them any more, and with the macro set they do not compile",
            _once(places),
        )
    if late := [one for one in build if one.late]:
        yield Step(
            "Drop what the build no longer needs",
            "one library then serves every CPython",
            _findings(late),
        )
    if kinds or build:
        yield Step(
            "Build the wheel, and audit it",
            "torch-abi-audit --check torch on the wheel fails as long as anything unstable is left",
        )


def _kind(use: SourceUse) -> str:
    if use.kind is Kind.INCLUDE:
        return _INCLUDE
    if _REGISTRATION.fullmatch(use.spelled):
        return _REGISTERING
    return _GRADIENT if _AUTOGRAD.fullmatch(use.spelled) else _KERNEL


def _cost(one: tuple[str, list[SourceUse]]) -> tuple[int, int, str]:
    name, uses = one
    return sum(not use.edits for use in uses), len(uses), name


def _findings(found: Iterable[BuildFinding]) -> tuple[str, ...]:
    return _once(one.name if one.line is None else f"{one.name}:{one.line}" for one in found)


def _once(places: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(places))
