"""How findings about the requirement on torch say what else is wrong, and what to declare."""

from __future__ import annotations

from torch_abi_audit.facts.cuda import Brought, cuda_majors
from torch_abi_audit.facts.torch_advice import Fault
from torch_abi_audit.facts.torch_range import reachable
from torch_abi_audit.knowledge.platforms import LINUX, SYSTEMS
from torch_abi_audit.model.releases import release_runs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch_abi_audit.facts.torch_advice import Advice
    from torch_abi_audit.rules.context import Context


def declare(advice: Advice) -> str:
    """``; declare `torch>=2.11```, where it is known what to declare."""
    return f"; declare {quoted(advice.proposal)}" if advice.proposal is not None else ""


def fix(advice: Advice) -> str | None:
    """The fix of a finding; None where the rule's own is all that can be said."""
    return f"Declare {quoted(advice.proposal)}." if advice.proposal is not None else None


def quoted(proposal: str) -> str:
    """A proposal in backquotes; one for each of several requirements."""
    return " and ".join(f"`{each}`" for each in proposal.split(" | "))


def open_clause(advice: Advice) -> str:
    """That unstable binaries must not be left without an upper bound, if they are."""
    return "; it also lacks the upper bound that unstable symbols need" if advice.is_open else ""


def cuda_clause(context: Context) -> str:
    """That some of the releases bring another CUDA than the package needs, if they do."""
    advice = context.torch_advice
    reached = reachable(context.environments)
    other = advice.other_cuda or advice.fit.cuda_nowhere
    need = context.needed_torch
    if need is not None and advice.fault is Fault.MISSING:
        other = other or tuple(
            one for one in reached if one in advice.fit.other_cuda and need.loads(one)
        )
    return f"; {needs_other('the binaries need', context, other)}" if other else ""


def needs_other(subject: str, context: Context, releases: Sequence[str]) -> str:
    """``the binaries need CUDA 12 (libcudart.so.12), but torch 2.11.0 … brings CUDA 13``."""
    found = cuda_majors(releases, context.environments)
    return (
        f"{subject} {cuda_need(context)}, but torch "
        f"{release_runs(releases, reachable(context.environments))} from the package index brings "
        f"CUDA {either(found)}"
    )


def cuda_need(context: Context) -> str:
    """``CUDA 12 (libcudart.so.12)``: what torch must bring, and the first name that shows it."""
    names = [name for one in context.lacking_cuda for name in one.of_torch]
    return f"CUDA {either(sorted(context.cuda_of_torch))} ({names[0]})"


def either(numbers: Sequence[int]) -> str:
    """``11, 12 or 13``."""
    *most, last = map(str, numbers)
    return f"{', '.join(most)} or {last}" if most else last


def platforms_of(context: Context) -> str:
    """``Windows`` or ``Linux aarch64``: the platforms of the package."""
    places = sorted({(one.system, one.machine) for one in context.environments})
    return " and ".join(
        SYSTEMS[system].title + (f" {machine}" if SYSTEMS[system] is LINUX else "")
        for system, machine in places
    )


def without_fitting(context: Context) -> tuple[str, ...]:
    """The releases that are built without CUDA, where no admitted one brings what is needed."""
    cuda = context.brought_cuda
    return tuple(
        one for one in context.torch_advice.fit.without_cuda if cuda.get(one) is Brought.NOTHING
    )
