"""Explains a name that was asked about: of a source, of a build, of a library, or of a GPU."""

from __future__ import annotations

from torch_abi_audit.explain.devices.named import architecture, gpu_name, misspelt_gpu
from torch_abi_audit.explain.explanation import Cause, Explanation, installed_torch
from torch_abi_audit.explain.names.build_macros import build_macro
from torch_abi_audit.explain.names.declared import declared, spelled, undeclared, unknown_header
from torch_abi_audit.explain.names.near import near
from torch_abi_audit.explain.names.operators import operator
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.explain.scene import Scene


def name(asked: str, scene: Scene, *, symbol: bool) -> Explanation | None:
    """The answer to a name; None if nothing is known that is like it.

    Args:
        asked: The name, in one line.
        scene: The platform and the installed torch.
        symbol: Whether it has the form of a symbol, which is then explained in any case.

    Raises:
        IndexFileError: an index is missing or damaged.
    """
    if (
        gpu := architecture(asked, scene) or (None if symbol else gpu_name(asked, scene))
    ) is not None:
        return gpu
    for known in (
        build_macro(asked),
        operator(asked, scene),
        declared(asked, scene),
        unknown_header(asked),
    ):
        if known is not None:
            return known
    if (said := undeclared(asked)) is not None:
        return Explanation(
            asked,
            "unknown",
            is_a=("a name of the namespaces of torch's stable headers",),
            causes=(Cause.UNKNOWN,),
            unknown=(said,),
            nearby=near(asked),
            pair=installed_torch(scene.installed),
        )
    if symbol:
        from torch_abi_audit.explain.symbols.symbol import symbol as explained  # reads tables

        answer = explained(asked, scene)
        unknown = answer.causes == (Cause.UNKNOWN,) or (answer.provider is None and answer.unknown)
        return replace(answer, nearby=near(asked)) if unknown else answer
    if nearby := near(asked) or near(spelled(asked)):
        return Explanation(
            asked,
            "unknown",
            causes=(Cause.UNKNOWN,),
            unknown=("what this is: no rule, label, symbol or name of torch's headers",),
            nearby=nearby,
            pair=installed_torch(scene.installed),
        )
    return misspelt_gpu(asked, scene)
