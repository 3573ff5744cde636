"""Explains a symbol: what it is, who owns it, why it is undefined. Pure: it reads only tables."""

from __future__ import annotations

import re

from torch_abi_audit.explain.explanation import Cause, Explanation
from torch_abi_audit.explain.names.bundled import bundled, not_exported, of_question, sentences
from torch_abi_audit.explain.symbols.foreign import foreign
from torch_abi_audit.explain.symbols.shim_symbol import shim_symbol
from torch_abi_audit.explain.symbols.symbol_history import history, is_same_text, named, of_overload
from torch_abi_audit.explain.symbols.torch_symbol import torch_symbol
from torch_abi_audit.knowledge import export_index, torch_names, torch_namespaces, torch_shims
from torch_abi_audit.knowledge.bundled_exports import is_bundled_space, project
from torch_abi_audit.knowledge.platforms import MACOS, WINDOWS, usual_platform
from torch_abi_audit.mangling import demangle, owner
from torch_abi_audit.mangling.entity import entity
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.explain.explanation import History
    from torch_abi_audit.explain.scene import Scene

_STABLE = ("torch::stable", "torch::headeronly")
_TORCH_C_NAMES = (b"aoti_", b"torch_", b"at_", b"FLAGS_", b"TH")
"""Beginnings of torch's own C names in the export index."""
_LENT_C_NAMES = (b"Sleef_", b"cpuinfo_", b"clog_", b"nnp_", b"pthreadpool_")
"""Those of projects whose headers torch ships."""
_OWN_LIBRARIES = ("libc10", "c10", "libtorch_python", "torch_python", "libshm", "shm", "_C")
"""Libraries of torch that contain no other project's."""
_QUALIFIED_AT_END = re.compile(r"[\w:~]+$")
_SHOWN = 3
_SHORTEST = 12
"""Characters of a mangled name from which on exports that begin like it are sought."""


def symbol(text: str, scene: Scene) -> Explanation:
    """Explain a mangled or demangled symbol and its history in torch's releases.

    Args:
        text: The symbol.
        scene: Where it is missing.

    Raises:
        IndexFileError: the export index is missing or damaged.
    """
    plain = text.removeprefix("__imp_")
    plain = plain if plain.startswith("?") else plain.partition("@")[0]
    if plain.startswith("?") and scene.system is not WINDOWS:
        scene = replace(scene, platform=usual_platform(WINDOWS.word))
    name = _raw(plain, scene)
    if name is None:
        return _unnamed(text, scene)
    shown = demangle([name])[0]
    base = Explanation(text, "symbol", symbol=name.decode("utf-8", "replace"), demangled=shown)
    known = history(name, scene.platform)
    if shim := torch_shims.shim(name):
        return shim_symbol(base, shim, known, scene)
    if _function(shown).startswith(_STABLE) or owner(name)[:2] in (
        (b"torch", b"stable"),
        (b"torch", b"headeronly"),
    ):
        return _of_headers(base, scene)
    if "(" in plain and "::" in plain and not is_same_text(plain, shown):
        other = replace(base, symbol=None, demangled=plain)
        return torch_symbol(other, of_overload(known, plain, shown), scene)
    if not known.releases and (whole := _begun(name, scene.platform)):
        return _cut(torch_symbol(base, history(whole[0], scene.platform), scene), whole)
    if _is_torchs(name, known):
        answer = torch_symbol(base, known, scene)
        return _cut(answer, ()) if shown == plain and plain.startswith("_Z") else answer
    answer = foreign(base, name, scene)
    copy = bundled(name, scene.platform)
    if copy is not None:
        return _copied(answer, name, copy, scene)
    told = scene.is_question and answer.owner is not None and answer.provider is None
    none = not_exported(scene.platform) if told else None
    return replace(answer, is_a=(*answer.is_a, none)) if none else answer


def _is_torchs(name: bytes, known: History) -> bool:
    """Whether a name is torch's own: torch also exports those of libraries that it contains."""
    if torch_namespaces.owns(owner(name)) or torch_namespaces.owns_c_name(name):
        return True
    if not known.releases:
        return False
    if name.startswith((b"_Z", b"?")):
        return not owner(name) or not is_bundled_space(owner(name)[0])
    if name.startswith(_TORCH_C_NAMES):
        return True
    own = all(library.startswith(_OWN_LIBRARIES) for library, _ in known.libraries)
    return own and not name.startswith(_LENT_C_NAMES)


def _copied(answer: Explanation, name: bytes, copy: History, scene: Scene) -> Explanation:
    """The answer to another project's name of which torch's libraries export a copy."""
    if scene.is_question:
        return of_question(answer, name, copy)
    what, where = sentences(name, copy)
    named = answer.owner is not None and not any("no torch release" in one for one in answer.is_a)
    return replace(
        answer,
        is_a=(*(answer.is_a if named else (what,)), where),
        unknown=() if answer.owner is None else answer.unknown,
    )


def _raw(text: str, scene: Scene) -> bytes | None:
    """The raw name as in the export index; None for a demangled name that no release exports."""
    if text.startswith("__Z"):
        text = text[1:]
    if text.startswith(("_Z", "?")):
        return text.encode("utf-8", "surrogateescape")
    if "::" in text or "(" in text or " " in text:
        return named(text, scene.platform)
    name = text.encode("utf-8", "surrogateescape")
    if scene.system is MACOS and text.startswith("_") and not torch_shims.shim(name):
        return name[1:]
    return name


def _begun(name: bytes, platform: str) -> tuple[bytes, ...]:
    """The exports that begin with a mangled name that is not one of them: it was cut."""
    if len(name) < _SHORTEST or not name.startswith((b"_ZN", b"?")):
        return ()
    return tuple(export_index.beginning_with(platform, name, _SHOWN))


def _cut(answer: Explanation, whole: tuple[bytes, ...]) -> Explanation:
    """The answer to a name that was cut: about the first export that begins like it."""
    why = "the name is cut off: it is not a whole mangled name"
    if whole:
        why = f"the name seems to be cut off: exports begin like it: {'; '.join(demangle(whole))}"
    return replace(
        answer,
        causes=answer.causes and (Cause.OTHER_TORCH, Cause.OLD_STRING),
        why=(why, *answer.why),
        unknown=(*answer.unknown, "the rest of the name: paste the whole line"),
    )


def _unnamed(text: str, scene: Scene) -> Explanation:
    """Explain a demangled name that no known release exports."""
    base = Explanation(text, "symbol", demangled=text)
    if _function(text).startswith(_STABLE):
        return _of_headers(base, scene)
    path = tuple(part.encode() for part in text.partition("(")[0].split("::"))
    of_torch = len(path) > 1 and torch_namespaces.owns(path[:2])
    if scene.is_question and len(path) > 1 and is_bundled_space(path[0]):
        title = project(text, path[0].decode())
        return replace(
            base,
            is_a=(f"a name of {title}, of which torch contains a copy",),
            owner=title,
            unknown=("whether torch's libraries export it: the mangled name is needed",),
        )
    said = (
        "what this is: no known torch release exports a function with this name, and the mangled "
        "name is needed to say more"
    )
    if not scene.linking or scene.is_question:
        causes = (Cause.OTHER_TORCH,) if of_torch and not scene.is_question else (Cause.UNKNOWN,)
        return replace(base, causes=causes, unknown=(said,))
    if of_torch:
        return replace(
            base,
            is_a=("a name of libtorch's C++ API that no known release exports",),
            owner="libtorch",
            causes=(Cause.OTHER_TORCH, Cause.INCOMPLETE_BUILD),
            why=(f"no known release exports a function with this name on {scene.platform}",),
            advice=("build with the headers and the libraries of one torch",),
            unknown=(said,),
        )
    return foreign(base, text.encode("utf-8", "replace"), scene)


def _function(text: str) -> str:
    """The qualified name of a demangled function, without a return type in front of it."""
    whole = entity(text)
    match = _QUALIFIED_AT_END.search(whole)
    return whole if match is None else match[0]


def _of_headers(base: Explanation, scene: Scene) -> Explanation:
    causes = () if scene.is_question else (Cause.INCOMPLETE_BUILD, Cause.OTHER_TORCH)
    found = torch_names.find(_function(base.demangled or base.subject))
    include = "include the header that defines it in the file that uses it, and rebuild"
    if found is not None:
        header = re.sub(r"_(?:struct|inl)\.h$", ".h", found.header)
        include = f"include <{header}> in the file that uses it, and rebuild"
    return replace(
        base,
        is_a=("part of torch's header-only C++ API, which no torch release exports",),
        owner="the library's own build",
        causes=causes,
        why=("the header that defines it must be compiled into the library",),
        advice=(
            include,
            "or build with the headers of a newer torch, if this one only declares it",
        ),
    )
