"""Names that a compiler does not find: what they are, or which ones were meant."""

from __future__ import annotations

import re

from torch_abi_audit.explain.explanation import Cause, Explanation
from torch_abi_audit.explain.names.declared import declared, unknown_header
from torch_abi_audit.explain.names.near import near
from torch_abi_audit.knowledge import shim_headers, torch_names, torch_shims
from torch_abi_audit.model.releases import release_key, short
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.explain.scene import Scene

_OPEN, _CLOSE = "['\"`\u2018]", "['\"\u2019]"
_TYPE = r"(?:const )?(?:class |struct )?"
_NAME = r"(?P<name>[A-Za-z_][\w:]{1,120})"
_SCOPE = r"(?P<scope>[A-Za-z_][\w:]{1,120})"
_QUOTED = rf"{_OPEN}{_TYPE}{_SCOPE}{_CLOSE}"
_AKA = rf"(?: \{{aka {_OPEN}[^'\u2019\n]{{1,200}}{_CLOSE}\}})?"
_UNDECLARED = r"(?:was not declared in this scope|has not been declared|does not name a type)"
_FORMS = tuple(
    re.compile(one)
    for one in (
        rf"{_OPEN}{_TYPE}{_SCOPE}{_CLOSE}{_AKA} has no member named {_OPEN}{_NAME}{_CLOSE}",
        rf"no (?:member|type|template) named {_OPEN}{_NAME}{_CLOSE} in (?:namespace )?{_QUOTED}",
        rf"(?:namespace|class) \"{_TYPE}{_SCOPE}\" has no member \"{_NAME}\"",
        rf"{_OPEN}{_NAME}{_CLOSE}:? is not a member of {_QUOTED}",
        rf"{_OPEN}{_NAME}{_CLOSE} {_UNDECLARED}",
        rf"use of undeclared identifier {_OPEN}{_NAME}{_CLOSE}",
        rf"identifier \"{_NAME}\" is undefined",
        rf"error C(?:2065|3861): '{_NAME}'",
    )
)
"""Messages of gcc, clang, nvcc and MSVC."""
_HEADER = re.compile(
    r"(?P<header>[\w./+-]{1,200}\.(?:h|hpp|cuh))['\"]?:? ?(?:file )?(?:No such file or directory"
    r"|not found)|(?:cannot open source file \"|Cannot open include file: ')"
    r"(?P<other>[\w./+-]{1,200}\.(?:h|hpp|cuh))['\"]"
)
_SPACES = ("torch::", "at::", "c10::")


def not_found(text: str, scene: Scene) -> Explanation | None:
    """The answer to the first name or header of torch that a compiler does not find.

    None if the text is no such message, or nothing is known that is like its name.

    Raises:
        IndexFileError: the export index is missing or damaged.
    """
    matches = [one for form in _FORMS if (one := form.search(text)) is not None]
    if (named := min(matches, key=lambda one: one.start(), default=None)) is not None:
        scope = named.groupdict().get("scope")
        return _of_name(named["name"], scope, scene)
    if (header := _HEADER.search(text)) is not None:
        answer = unknown_header(header["header"] or header["other"])
        return None if answer is None or not answer.nearby else _misspelt(answer)
    return None


def _of_name(name: str, scope: str | None, scene: Scene) -> Explanation | None:
    full = name if scope is None or name.startswith(f"{scope}::") else f"{scope}::{name}"
    if scope is not None and not full.startswith(_SPACES):
        return None
    if (shim := torch_shims.shim(name.encode())) is not None:
        where = shim_headers.header(name, shim)
        macro = shim_headers.macro(name, shim)
        needed = () if macro is None else (macro,)
        return _absent(name, where, shim.first_release, shim.guard, needed)
    found = torch_names.find(full)
    if found is not None and found.stable:
        answer = declared(full, scene)
        macros = (
            ()
            if answer is None
            else tuple(
                one.removeprefix("compile with -D")
                for one in answer.advice
                if one.startswith("compile with -D")
            )
        )
        header = re.sub(r"_(?:struct|inl)\.h$", ".h", found.header)
        return _absent(full, header, found.first, found.target, macros)
    if found is not None or not _like_torch(full):
        return None
    nearby = near(full)
    return _misspelt(Explanation(full, "error", nearby=nearby)) if nearby else None


def _like_torch(full: str) -> bool:
    """Whether a name is long or marked enough that a near one of torch is likely meant."""
    return (
        full.startswith(_SPACES)
        or re.fullmatch(r"[A-Z][A-Z0-9]*_\w{4,}|\w*torch_\w+", full) is not None
    )


def _absent(
    name: str, header: str, first: str, target: str | None, macros: tuple[str, ...]
) -> Explanation:
    """The answer to a name that torch's stable headers have, though not as they were compiled."""
    advice = [f"include <{header}>, of torch {short(first)} or later"]
    if target is not None and release_key(target) > release_key(torch_shims.STABLE_ABI_BEGINS):
        advice.append(
            f"raise TORCH_TARGET_VERSION to torch {short(target)} or later: it hides newer names"
        )
    advice += [f"compile with -D{one}: the header declares it only then" for one in macros]
    return Explanation(
        name,
        "error",
        is_a=(
            "a part of the LibTorch Stable ABI that torch's headers, as compiled, do not declare",
        ),
        owner="the extension",
        causes=(Cause.INCOMPLETE_BUILD, Cause.OTHER_TORCH)
        if macros
        else (Cause.OTHER_TORCH, Cause.INCOMPLETE_BUILD),
        why=(f"{header} has it from torch {short(first)} on",),
        advice=tuple(advice),
    )


def _misspelt(answer: Explanation) -> Explanation:
    """The answer to a name that no header has, with the ones that may be meant."""
    known = torch_names.releases()
    return replace(
        answer,
        kind="error",
        is_a=("a name that no known header of torch declares",)
        if "/" not in answer.subject
        else ("a header that torch is not known to have",),
        owner="the extension",
        causes=(Cause.INCOMPLETE_BUILD,),
        why=(
            f"torch {short(known[0])} to {short(known[-1])} have names that are spelt almost alike",
        ),
        advice=(f"write {answer.nearby[0]} if that is meant",),
        unknown=(),
    )
