"""Explains a symbol: what it is, who owns it, why it is undefined. Pure: it reads only tables."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause, Explanation, History, Installed
from torch_abi_audit.explain.foreign import foreign
from torch_abi_audit.explain.kinds.known_symbols import known_symbol
from torch_abi_audit.explain.symbol_history import history, named
from torch_abi_audit.knowledge import export_index, replacements, torch_namespaces, torch_shims
from torch_abi_audit.knowledge.platforms import LINUX, MACOS, system_of_platform, usual_platform
from torch_abi_audit.mangling import demangle, owner
from torch_abi_audit.mangling.entity import entity
from torch_abi_audit.model.releases import release_key, release_runs
from torch_abi_audit.runtime.records import replace

_STABLE = ("torch::stable", "torch::headeronly")


def symbol(text: str, system: str | None, installed: Installed | None) -> Explanation:
    """Explain a mangled or demangled symbol and its history in torch's releases.

    Args:
        text: The symbol.
        system: ``linux``, ``macos`` or ``windows``; None if not known.
        installed: The installed torch, if any.

    Raises:
        IndexFileError: the export index is missing or damaged.
    """
    plain = text.partition("@")[0] if not text.startswith("?") else text
    platform = usual_platform("windows" if plain.startswith("?") else system)
    name = _raw(plain, platform)
    if name is None:
        return Explanation(
            text,
            "symbol",
            demangled=text,
            causes=(Cause.UNKNOWN,),
            unknown=(
                (
                    "what this is: no known torch release exports a function with this name, and "
                    "the mangled name is needed to say more"
                ),
            ),
        )
    shown = demangle([name])[0]
    base = Explanation(text, "symbol", symbol=name.decode("utf-8", "replace"), demangled=shown)
    known = history(name, platform)
    if shim := torch_shims.shim(name):
        return _of_shim(base, shim, known, installed)
    if shown.startswith(_STABLE) or owner(name)[:2] in (
        (b"torch", b"stable"),
        (b"torch", b"headeronly"),
    ):
        return _of_headers(base)
    is_torch = (
        bool(known.releases)
        or torch_namespaces.owns(owner(name))
        or torch_namespaces.owns_c_name(name)
    )
    if is_torch:
        return _of_torch(base, known, installed)
    if (known_name := known_symbol(base.symbol or "")) is not None:
        return replace(
            base,
            is_a=(known_name.is_a,),
            owner=known_name.owner,
            causes=known_name.causes,
            why=known_name.why,
            advice=known_name.advice,
            unknown=known_name.unknown,
        )
    return foreign(base, name)


def _raw(text: str, platform: str) -> bytes | None:
    """The raw name as in the export index; None for a demangled name that no release exports."""
    text = text.removeprefix("__imp_")
    if text.startswith("__Z"):
        text = text[1:]
    if text.startswith(("_Z", "?")):
        return text.encode("utf-8", "surrogateescape")
    if "::" in text or "(" in text:
        return named(text, platform)
    name = text.encode("utf-8", "surrogateescape")
    if (
        system_of_platform(platform) is MACOS
        and text.startswith("_")
        and not torch_shims.shim(name)
    ):
        return name[1:]
    return name


def _of_shim(
    base: Explanation, shim: torch_shims.Shim, known: History, installed: Installed | None
) -> Explanation:
    suffix = system_of_platform(known.platform).suffix
    home = next((one for one in shim.exported_by if one.endswith(suffix)), None)
    is_a = [f"a C function of the LibTorch Stable ABI, since torch {shim.first_release}"]
    if shim.device != "generic":
        is_a.append(f"only in {shim.device} builds")
    causes, why = (
        [Cause.OTHER_TORCH],
        [f"torch releases before {shim.first_release} do not export it"],
    )
    if shim.device == "cuda":
        causes.append(Cause.CPU_TORCH)
        why.append("only CUDA builds of torch export it")
    if installed is not None and _at_least(installed.release, shim.first_release):
        causes = (
            [Cause.CPU_TORCH, Cause.IMPORT_ORDER]
            if shim.device == "cuda"
            else [Cause.IMPORT_ORDER, Cause.OTHER_TORCH]
        )
        why.append(f"the installed torch, {installed}, should export it")
    return replace(
        base,
        is_a=tuple(is_a),
        owner="libtorch's C shim",
        provider=home,
        history=known,
        causes=tuple(causes),
        why=tuple(why),
        advice=(
            f"install torch {shim.first_release} or later",
            (
                f"or rebuild with TORCH_TARGET_VERSION set to the oldest torch to support, below "
                f"{shim.first_release}"
            ),
        ),
        pair=_pair(known, installed),
    )


def _of_headers(base: Explanation) -> Explanation:
    return replace(
        base,
        is_a=("part of torch's header-only C++ API, which no torch release exports",),
        owner="the library's own build",
        causes=(Cause.INCOMPLETE_BUILD,),
        why=("the header that defines it must be compiled into the library",),
        advice=("include the header that defines it in the file that uses it, and rebuild",),
    )


def _of_torch(base: Explanation, known: History, installed: Installed | None) -> Explanation:
    causes, why, unknown = _blame(known, installed)
    row = replacements.replacement(entity(base.demangled or ""))
    advice = []
    if known.releases and Cause.OTHER_TORCH in causes:
        advice.append(f"install a torch that exports it, such as torch=={known.releases[-1]}")
    if Cause.CPU_TORCH in causes:
        advice.append("install a CUDA build of torch, or a CPU build of the package")
    if Cause.OLD_STRING in causes:
        advice.append("rebuild with -D_GLIBCXX_USE_CXX11_ABI=1, like torch's wheels")
    if Cause.IMPORT_ORDER in causes:
        advice.append("import torch before the extension, and link the extension to libtorch")
    if Cause.OTHER_TORCH in causes:
        advice.append("or rebuild the package against the torch that it will run with")
    if row is not None and row.use is not None:
        where = f" ({row.header}, runs on torch {row.floor} and later)" if row.header else ""
        advice.append(f"or replace {row.api} with {row.use}{where} from the stable ABI")
    home = [
        library
        for library, releases in known.libraries
        if known.releases and known.releases[-1] in releases
    ]
    return replace(
        base,
        is_a=("part of libtorch's C++ API, which is not stable between releases",),
        owner="libtorch",
        provider=home[0] if home else None,
        history=known,
        causes=tuple(causes),
        why=tuple(why),
        advice=tuple(advice),
        unknown=tuple(unknown),
        pair=_pair(known, installed),
    )


def _blame(known: History, installed: Installed | None) -> tuple[list[Cause], list[str], list[str]]:
    """Likely causes, the evidence for them, and what cannot be determined."""
    everything = tuple(one.version for one in export_index.releases(known.platform))
    causes: list[Cause] = []
    why: list[str] = []
    unknown: list[str] = []
    if known.old_string:
        causes.append(Cause.OLD_STRING)
        first = export_index.first_cxx11(known.platform)
        why.append(
            "it uses the pre-C++11 ABI of std::string, which torch's wheels no longer use"
            f"{f' since {first}' if first else ''}"
        )
    if known.cuda:
        why.append("only CUDA builds of torch export it")
        if installed is None or installed.cuda is None:
            causes.append(Cause.CPU_TORCH)
    has = installed is not None and installed.release in known.releases
    if has and installed is not None:
        why.append(f"the installed release, torch {installed.release}, exports it")
        if not (known.cuda and installed.stated and installed.cuda is None):
            causes.append(Cause.IMPORT_ORDER)
        unknown.append("whether the process loaded the installed torch or another one")
    elif known.releases and known.missing:
        at = Cause.OTHER_TORCH
        causes.insert(0 if not known.old_string else len(causes), at)
        verb = "does" if len(known.missing) == 1 else "do"
        why.append(f"torch {release_runs(known.missing, everything)} {verb} not export it")
    elif known.releases:
        causes.append(Cause.IMPORT_ORDER)
        why.append(
            f"every release from {known.oldest} to {known.newest} exports it, so the release of "
            "torch is not the problem"
        )
        unknown.append("whether an older or newer torch was loaded")
    elif not known.old_string:
        causes.append(Cause.OTHER_TORCH)
        why.append(
            f"no release from {known.oldest} to {known.newest} exports it on {known.platform}"
        )
        unknown.append(
            f"whether a release before {known.oldest} or after {known.newest}, a nightly or "
            "another build (ROCm, XPU, a Linux distribution's) exports it, or whether it should "
            "have been inlined"
        )
    why += _of_old_builds(known)
    why += _moved(known)
    if known.instead:
        why.append("releases without it export another signature: " + "; ".join(known.instead))
    elif known.releases and known.missing and not has:
        unknown.append("whether those releases removed it or only hid it: exports look the same")
    return causes or [Cause.UNKNOWN], why, unknown


def _moved(known: History) -> list[str]:
    """Say where the symbol went if it moved from one of torch's libraries to another."""
    if not known.releases:
        return []
    before = {library for library, each in known.libraries if known.releases[0] in each}
    after = {library for library, each in known.libraries if known.releases[-1] in each}
    if before & after:
        return []
    since = next(
        release
        for release in known.releases
        if any(library in after and release in each for library, each in known.libraries)
    )
    said = f"it moved from {', '.join(sorted(before))} to {', '.join(sorted(after))} in {since}"
    if system_of_platform(known.platform) is LINUX:
        return [said]
    return [f"{said}: libraries linked before that look for it only in the old one"]


def _of_old_builds(known: History) -> list[str]:
    """Say so if releases lack the symbol only because of their ``std::string`` ABI."""
    first = export_index.first_cxx11(known.platform)
    if first is None or known.old_string or not known.missing or not known.releases:
        return []
    if any(_at_least(one, first) for one in known.missing):
        return []
    if not any("std::string" in one for one in known.instead):
        return []
    return [
        (
            f"torch's wheels before {first} were built for the pre-C++11 ABI of std::string; other "
            "builds of those releases may export it"
        )
    ]


def _pair(known: History, installed: Installed | None) -> tuple[str, ...]:
    if installed is None:
        return ()
    if installed.release in known.releases:
        lacks = known.cuda and installed.stated and installed.cuda is None
        said = "does not export it: only CUDA builds do" if lacks else "exports it"
    elif installed.release in known.missing:
        said = "does not export it"
    else:
        said = f"is not one of the known releases ({known.oldest} to {known.newest})"
    return (f"the installed torch, {installed}, {said}",)


def _at_least(release: str, floor: str) -> bool:
    try:
        return release_key(release) >= release_key(floor)
    except ValueError:
        return False
