"""Explains a symbol of CPython that is undefined: since which Python it exists."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause, Fails
from torch_abi_audit.knowledge import cpython_abi
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.explain.explanation import Explanation
    from torch_abi_audit.explain.scene import Scene


def python_symbol(base: Explanation, name: bytes, scene: Scene) -> Explanation:
    """Explain a symbol of CPython's C API, public or private."""
    stable = cpython_abi.stable_python_name(name)
    private = name.startswith(b"_Py")
    if stable is not None:
        since = cpython_abi.exported_since(name, stable.added, scene.system.format)
        said = f"in its Stable ABI since {stable.added}"
        if since != stable.added:
            said += f", and exported since Python {since}"
    else:
        since = None
        said = "outside its Stable ABI: Python releases may remove it"
    answer = replace(
        base,
        is_a=(f"a {'private ' if private else ''}CPython symbol, {said}",),
        owner="CPython",
        provider="python",
    )
    if scene.is_question:
        return answer
    if scene.linking:
        return replace(
            answer,
            causes=(Cause.INCOMPLETE_BUILD, Cause.WRONG_PYTHON),
            why=("the Python library is not on the linker's command line, or lacks the name",),
            advice=("link with the flags of python3-config --ldflags --embed, or as an extension",),
        )
    return replace(
        answer,
        causes=(Cause.WRONG_PYTHON,),
        why=tuple(_why(name, since, scene)),
        advice=tuple(_advice(scene)),
    )


def _why(name: bytes, since: str | None, scene: Scene) -> Iterator[str]:
    here = f" ({scene.python})" if scene.python else ""
    yield f"the running Python{here} does not export it"
    if since is not None:
        yield (
            f"Python exports it since {since}: an older one lacks it, and so does a process of "
            "another program than Python"
        )
    if name.startswith(b"_Py"):
        yield "private names come and go between Python releases: an abi3 build must not use them"
    if scene.flat:
        yield "or the process is not Python, or its Python is linked in another way"


def _advice(scene: Scene) -> Iterator[str]:
    if scene.native:
        yield "leave libtorch_python out of the program: it needs only libtorch, torch_cpu and c10"
        yield "or let the program embed Python: link it with python3-config --ldflags --embed"
        return
    if scene.fails is Fails.TORCH:
        yield "install the build of torch for the running Python, or run the Python it is built for"
        return
    yield "install the package's build for the running Python"
    yield "or rebuild it with that Python, or as abi3 with Py_LIMITED_API set"
