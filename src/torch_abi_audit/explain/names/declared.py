"""Explains names that torch's headers declare, and the headers: stable or not, and what instead."""

from __future__ import annotations

import re

from torch_abi_audit.explain.explanation import Cause, Explanation, installed_torch
from torch_abi_audit.explain.names.near import WHOLE_HEADERS, near, near_header
from torch_abi_audit.explain.names.replacing import replacing
from torch_abi_audit.explain.symbols.symbol_history import history, named
from torch_abi_audit.explain.symbols.torch_symbol import copied, inline_copy, provider, versions
from torch_abi_audit.knowledge import export_index, replacements, spellings, torch_names
from torch_abi_audit.knowledge.replacements import Replacement
from torch_abi_audit.model.releases import release_key, short
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.explain.scene import Scene
    from torch_abi_audit.knowledge.torch_names import Name

_SPACES = ("at", "c10", "torch")
_TENSORS = ("at::Tensor", "at::TensorBase")
_INCLUDE = re.compile(r"#\s*include\s*")
_HEADER = re.compile(r"[\w./+-]{1,200}\.(?:h|hpp|cuh)")
_CALL = re.compile(r"\s*(?:<[^<>]{0,80}>)?\s*(?:\(\s*(?:\.\.\.|…)?\s*\)?)?\s*;?$")
_NAME = re.compile(r"\w+(?:::\w+)*")
_SHOWN = 4
_LENT = ("cpuinfo_", "clog_", "Sleef_", "nnp_", "pthreadpool_")
"""Begins names of other projects, copies of which torch contains."""
_OF_TORCH = ("ATen/", "c10/", "torch/csrc/", "torch/headeronly/")


def spelled(asked: str) -> str:
    """The name in a text as a source has it: ``x.accessor<float, 2>()`` without what is about it.

    A text with arguments is left as it is: it may be a demangled symbol.
    """
    plain = asked.strip()
    bare = _CALL.sub("", plain)
    bare = re.sub(r"^(?:\w{1,40}\s*)?(?:\.|->)\s*", "", bare)
    return bare.removeprefix("::") if _NAME.fullmatch(bare.removeprefix("::")) else plain


def declared(asked: str, scene: Scene) -> Explanation | None:
    """The answer to a name of torch's headers; None if none declares it.

    Raises:
        IndexFileError: the export index is missing or damaged.
    """
    if (header := _header(asked)) is not None:
        return _of_header(header, scene)
    name = spelled(asked)
    if _NAME.fullmatch(name) is None:
        return None
    found = torch_names.find(name) or _alone(name)
    if found is not None and found.stable and not _needs_alias(name, found):
        return _stable(name, found, scene)
    if found is None and (unknown := _unknown_member(asked, name, scene)) is not None:
        return unknown
    row = _row(name, found)
    if row is None and found is not None and found.stable:
        row = Replacement(found.name, 1, found.name, found.header, found.first)
    if found is None and row is None:
        return None
    return _unstable(name, found, row, scene)


def _unknown_member(asked: str, name: str, scene: Scene) -> Explanation | None:
    """The answer to a member that a known type is not known to have: most likely misspelt.

    None where no table has the type, or where the member is in another table, or is exported.
    """
    scope, _, last = name.rpartition("::")
    owner = torch_names.find(scope) if scope else None
    if owner is None or owner.kind != "type" or last == owner.name.rpartition("::")[2]:
        return None
    if _listed(name, name) is not None or named(name, scene.platform) is not None:
        return None
    return Explanation(
        asked,
        "unknown",
        is_a=(f"a name in {scope}, a type that {owner.header} of torch declares",),
        causes=(Cause.UNKNOWN,),
        unknown=(
            f"whether {scope} has it: the names known of torch's headers have none like this",
        ),
        nearby=near(name),
        pair=installed_torch(scene.installed),
    )


def unknown_header(asked: str) -> Explanation | None:
    """The answer to a header that is named like one of torch's, and is none; None for others."""
    path = _header(asked)
    if path is None:
        return None
    nearby = near_header(path)
    if not nearby and not path.startswith(_OF_TORCH):
        return None
    known = torch_names.releases()
    return Explanation(
        path,
        "unknown",
        causes=(Cause.UNKNOWN,),
        unknown=(
            (
                f"what this is: no header of torch {short(known[0])} to {short(known[-1])} whose "
                "names are known has this path"
            ),
        ),
        nearby=nearby,
    )


def _needs_alias(name: str, found: Name) -> bool:
    """Whether only unstable headers give a stable name this spelling: ``at::Half``, c10's type."""
    return found.name != name and name.startswith(("at::", "torch::"))


def undeclared(asked: str) -> str | None:
    """What to say of a name that looks like one of the stable headers, and is none."""
    if not asked.startswith(("torch::stable::", "torch::headeronly::")):
        return None
    known = torch_names.releases()
    return f"no header of torch {short(known[0])} to {short(known[-1])} declares it"


def _stable(asked: str, found: Name, scene: Scene) -> Explanation:
    rows = [row for row in replacements.rows() if _writes(row, found.name, asked)]
    exact = [
        row
        for row in rows
        if row.use in (found.name, asked, _short(found.name)) and row.since is not None
    ]
    first = min((one.since or found.first for one in exact), key=release_key, default=found.first)
    said = [f"a {found.kind} of the LibTorch Stable ABI, declared by {found.header}"]
    first = min(first, found.first, key=release_key)
    said.append(_since(found, first))
    if found.target is not None and not found.target == first == torch_names.releases()[0]:
        if release_key(found.target) >= release_key(first):
            said.append(f"needs a TORCH_TARGET_VERSION of torch {short(found.target)} or later")
        else:
            said.append(f"also with a TORCH_TARGET_VERSION of torch {short(found.target)}")
    if rows:
        apis = [row.api for row in rows[:_SHOWN]]
        more = f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
        said.append(f"it replaces {'; '.join(apis)}{more}")
    floors = [row.floor for row in exact if row.floor is not None]
    if not floors and found.kind in ("function", "method") and found.target is not None:
        floors = [found.target]  # no older torch has what the headers call for it
    if floors:
        floor = max(floors, key=release_key)
        said.append(f"a library that uses it runs on torch {short(floor)} and later")
    if found.kind in ("function", "method"):
        said.append("it is inlined from the header: no torch release exports it")
    macros = dict.fromkeys(one for row in exact for one in row.macros)
    return Explanation(
        asked,
        "symbol",
        is_a=tuple(said),
        owner="libtorch's stable headers",
        advice=(
            f"include <{_whole(found.header)}>",
            *(f"compile with -D{one}" for one in macros),
        ),
        pair=installed_torch(scene.installed),
    )


def _unstable(asked: str, found: Name | None, row: Replacement | None, scene: Scene) -> Explanation:
    kind = "name" if found is None else found.kind
    said = [f"a {kind} of libtorch's C++ API, which is not stable between releases"]
    if found is not None:
        other = f"{found.name}, " if found.name != asked else ""
        said.append(f"{other}declared by {found.header}{_when(found)}")
        if found.stable:
            space = asked.partition("::")[0]
            said[0] = f"a {kind} of the stable ABI, spelt in the namespace {space}"
            said.append("this spelling needs headers outside the stable ABI")
        if found.header.startswith("pybind11/"):
            said[0] = "a macro of pybind11, whose headers torch ships"
    answer = Explanation(
        asked,
        "symbol",
        is_a=tuple(said),
        owner="libtorch" if not said[0].endswith("ships") else "pybind11",
        pair=installed_torch(scene.installed),
        advice=() if row is None else tuple(replacing(row)),
        unknown=("whether the stable ABI has a replacement: the table does not name it",)
        if row is None
        else (),
    )
    return _exported(answer, asked if found is None else found.name, kind, scene)


def _exported(answer: Explanation, name: str, kind: str, scene: Scene) -> Explanation:
    """The answer with the releases that export the function, if any does."""
    if kind not in ("function", "method", "name") or "::" not in name:
        raw = _global(name, scene) if kind == "function" else None
    else:
        raw = named(name, scene.platform)
    if raw is None:
        inlined = "it is inlined from the header: no torch release exports a function of this name"
        return replace(answer, why=(inlined,)) if kind in ("function", "method") else answer
    raw = _newest(raw, scene.platform)
    known = history(raw, scene.platform)
    if inline_copy(name, known):
        return replace(answer, why=(copied(known),))
    return replace(
        answer,
        symbol=raw.decode("utf-8", "replace"),
        demangled=answer.subject,
        history=known,
        provider=provider(known),
        pair=versions(known, scene.installed),
    )


def _newest(raw: bytes, platform: str) -> bytes:
    """Of a function's overloads and signatures, one that the newest releases export."""
    others = export_index.nearest(platform, raw)
    ranked = {one.name: one.exports.releases for one in others}
    exports = export_index.lookup(platform, (raw,)).get(raw)
    ranked[raw] = 0 if exports is None else exports.releases
    return max(ranked, key=lambda one: (ranked[one], one == raw, one))


def _global(name: str, scene: Scene) -> bytes | None:
    """The raw name of a function of no namespace, such as ``THPVariable_Wrap``."""
    windows = scene.platform.startswith("win")
    start = f"?{name}@@" if windows else f"_Z{len(name)}{name}"
    return next(iter(export_index.beginning_with(scene.platform, start.encode(), 1)), None)


def _alone(name: str) -> Name | None:
    """A method of tensors, or a type or constant of torch's namespaces, by its last part alone."""
    if "::" in name:
        return None
    for scope in (*_TENSORS, "at", "torch"):
        if (found := torch_names.find(f"{scope}::{name}")) is not None:
            return found
    others = [one for one in torch_names.ending_with(name) if one.kind == "type"]
    return others[0] if others else None


def _row(name: str, found: Name | None) -> Replacement | None:
    """The row that says what to write in place of a name; None if the tables have none."""
    full = name if found is None else found.name
    if full.startswith(_LENT):
        return None
    space, _, rest = full.partition("::")
    scope, _, last = full.rpartition("::")
    spelling = None
    if not rest:
        spelling = spellings.plain(full)
    elif space in _SPACES:
        spelling = spellings.named(rest)
        if spelling is None and scope in _TENSORS:
            spelling = spellings.method(last)
    for row in (
        None if spelling is None else spelling.row,
        _listed(name, full),
        _operator(full),
        replacements.replacement(full),
    ):
        if row is not None and (row.use or row.note or row.refused):
            return row
    return None


def _listed(name: str, full: str) -> Replacement | None:
    """The row whose title has a name: ``Tensor::size`` for ``at::TensorBase::size``."""
    titles = {name, full, full.removeprefix("at::"), full.replace("at::TensorBase::", "Tensor::")}
    rows = replacements.rows()
    return next((row for row in rows if titles & {*row.api.split(", ")}), None)


def _operator(full: str) -> Replacement | None:
    scope, _, last = full.rpartition("::")
    if scope not in ("at", "torch", *_TENSORS):
        return None
    spelling = spellings.operator(last)
    return None if spelling is None else spelling.row


def _whole(header: str) -> str:
    """The header to include: what ``_struct.h`` declares, only the header beside it defines."""
    return re.sub(r"_(?:struct|inl)\.h$", ".h", header)


def _writes(row: Replacement, name: str, asked: str) -> bool:
    """Whether a row says to write a name."""
    if row.use is None:
        return False
    if (member := _short(name)) is not None:
        return row.use == member
    return row.use == asked or re.search(rf"(?<![\w:]){re.escape(name)}(?!\w)", row.use) is not None


def _short(name: str) -> str | None:
    """``Tensor::sizes`` for a member of the stable tensor, as rows have it; None for others."""
    if not name.startswith("torch::stable::Tensor::"):
        return None
    return name.removeprefix("torch::stable::")


def _since(found: Name, first: str) -> str:
    known = torch_names.releases()
    if release_key(found.last) < release_key(known[-1]):
        return f"in the headers of torch {short(first)} to {short(found.last)}, no longer"
    return f"needs the headers of torch {short(first)} or later"


def _when(found: Name) -> str:
    known = torch_names.releases()
    first, last = found.first, found.last
    if (first, last) == (known[0], known[-1]):
        return ""
    if last == known[-1]:
        return f" since torch {short(first)}"
    return f" in torch {short(first)} to {short(last)}"


# --- headers -------------------------------------------------------------------------------------


def _header(asked: str) -> str | None:
    """The path of a header, as an ``#include`` or alone."""
    plain = _INCLUDE.sub("", asked.strip()).strip("<>\"' ")
    return plain if _HEADER.fullmatch(plain) else None


def _of_header(path: str, scene: Scene) -> Explanation | None:
    names = torch_names.in_header(path)
    stable = spellings.open_header(path)
    if not names and not stable and not _is_ours(path):
        return None
    if stable:
        said = ["a header of the LibTorch Stable ABI"]
        first = [one.first for one in names]
        if first:
            said.append(f"in torch {short(min(first, key=release_key))} and later")
    else:
        of_pybind = path.startswith("pybind11/")
        said = [
            "a header of pybind11, which torch ships"
            if of_pybind
            else "a header of torch outside the LibTorch Stable ABI"
        ]
        since = "in torch 2.10 to 2.12" if of_pybind else "since torch 2.10"
        said.append(f"with TORCH_TARGET_VERSION defined, it stops with #error {since}")
    shown = [one.name for one in names[:_SHOWN]]
    if shown:
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        said.append(f"it declares {', '.join(shown)}{more}")
    advice = (
        ()
        if stable
        else ("torch-abi-audit port --source DIR says what to include and write in its place",)
    )
    return Explanation(
        path,
        "symbol",
        is_a=tuple(said),
        owner="libtorch's stable headers" if stable else "libtorch",
        advice=advice,
        pair=installed_torch(scene.installed),
    )


def _is_ours(path: str) -> bool:
    return path in WHOLE_HEADERS
