"""Explains a symbol of libtorch's C++ API: who exports it, and why it was not found."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.symbols import builds
from torch_abi_audit.explain.symbols.builds import Has
from torch_abi_audit.explain.symbols.int64 import other_integer
from torch_abi_audit.explain.symbols.symbol_history import moved
from torch_abi_audit.explain.torn_torch import torn_torch
from torch_abi_audit.knowledge import export_index, replacements, torch_names
from torch_abi_audit.knowledge.names.torch import Build, link_option
from torch_abi_audit.knowledge.old_exports import old_releases
from torch_abi_audit.knowledge.platforms import LINUX, WINDOWS
from torch_abi_audit.mangling.entity import entity
from torch_abi_audit.model.releases import release_key, release_runs
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.explain.explanation import Explanation, History, Installed
    from torch_abi_audit.explain.scene import Scene

_HOMES = frozenset({"c10", "torch", "torch_cpu"})
_OF_DEVICES = ("cuda", "cudnn", "cublas", "nccl", "nvshmem", "hip", "miopen", "xpu", "mps")
_PYTHON_BINDING = "torch_python"


def torch_symbol(base: Explanation, known: History, scene: Scene) -> Explanation:
    """Explain a symbol that belongs to libtorch's C++ API.

    Raises:
        IndexFileError: the export index is missing or damaged.
    """
    home = provider(known)
    answer = replace(
        base,
        is_a=("part of libtorch's C++ API, which is not stable between releases",),
        owner="libtorch",
        provider=home,
        history=known,
        pair=versions(known, scene.installed),
    )
    if scene.is_of_torch:
        return torn_torch(answer, scene)
    if inline_copy(entity(base.demangled or ""), known):
        return replace(
            answer,
            provider=None,
            history=None,
            causes=() if scene.is_question else (Cause.INCOMPLETE_BUILD, Cause.OTHER_TORCH),
            why=(copied(known),),
            advice=("include the header that defines it in the file that uses it, and rebuild",),
        )
    if not known.releases and base.symbol and (wrong := _other_integer(base, scene)):
        return _spelled(answer, wrong, scene)
    causes = [] if scene.is_question and not known.missing else _causes(known, home, scene)
    return replace(
        answer,
        causes=() if scene.is_question else tuple(causes),
        why=(*_why(known, home, scene), *moved(known)),
        advice=tuple(_advice(base, known, home, causes, scene)),
        unknown=tuple(_unknown(known, scene)),
    )


def _other_integer(base: Explanation, scene: Scene) -> str | None:
    name = (base.symbol or "").encode("utf-8", "surrogateescape")
    return other_integer(name, base.demangled or "", scene)


def _spelled(answer: Explanation, wrong: str, scene: Scene) -> Explanation:
    """The answer for a symbol with an integer type for which torch has no function."""
    right = {"linux": "long", "windows": "__int64"}.get(scene.system.word, "long long")
    return replace(
        answer,
        causes=() if scene.is_question else (Cause.INCOMPLETE_BUILD,),
        why=(
            (
                f"torch has it for int64_t, which is {right} on {scene.system.title}; {wrong} is "
                "another type there"
            ),
        ),
        advice=(f"write int64_t (or uint64_t) in the source in place of {wrong}, and rebuild it",),
    )


def provider(known: History) -> str | None:
    """The library that exports a symbol in the newest release that does."""
    newest = known.releases[-1:]
    homes = (library for library, releases in known.libraries if newest and newest[0] in releases)
    return next(homes, None)


def inline_copy(name: str, known: History) -> bool:
    """Whether libraries export a function only as a copy of what a header defines inline.

    Functions of ATen and c10 that are not inline are in the libraries of those; another library
    has a weak copy of an inline one because its compiler did not inline every call.

    Args:
        name: Qualified, as the headers have it.
        known: Who exports it.
    """
    found = torch_names.find(name)
    if found is None or not known.releases or not found.header.startswith(("ATen/", "c10/")):
        return False
    if any(word in found.header.lower() for word in _OF_DEVICES):
        return False
    return not any(_stem(library) in _HOMES for library, _ in known.libraries)


def copied(known: History) -> str:
    """What the exports of a function mean that is inline, as a sentence."""
    newest = known.releases[-1]
    homes = ", ".join(library for library, releases in known.libraries if newest in releases)
    return (
        f"it is inlined from the header: {homes} of torch {newest} exports a copy of it by chance, "
        "which may go with any release"
    )


def _stem(library: str) -> str:
    return library.removeprefix("lib").partition(".")[0]


def versions(known: History, installed: Installed | None) -> tuple[str, ...]:
    """Whether the installed torch exports the symbol, as a sentence; none without a torch."""
    return () if installed is None else (builds.sentence(known, installed),)


def _causes(known: History, home: str | None, scene: Scene) -> list[Cause]:
    """The likely causes, most likely first: as the installed torch, or all releases, tell them."""
    has = None if scene.installed is None else builds.exports(known, scene.installed)
    if known.old_string and has is not Has.YES and _is_cxx11(scene) is not False:
        return [Cause.OLD_STRING, *([Cause.OTHER_TORCH] if known.releases else [])]
    if has is Has.STRING:
        return [Cause.OTHER_TORCH, Cause.OLD_STRING]
    if has is Has.DEVICE and scene.installed is not None:
        lacking = scene.installed.number in known.missing
        return [*([Cause.OTHER_TORCH] if lacking else []), Cause.CPU_TORCH]
    if scene.linking and known.new_string and not known.releases:
        return [Cause.OTHER_TORCH, Cause.OLD_STRING]  # libtorch without cxx11-abi in its name
    if has is Has.NO or not known.releases:
        return [Cause.OTHER_TORCH]
    if has is Has.YES:
        return _though_exported(scene)
    if scene.linking and not known.missing:
        return [Cause.NOT_LINKED]
    of_device = [Cause.CPU_TORCH] if known.cuda and not _is_for_cuda(scene.installed) else []
    if scene.linking and [*_of_old_builds(known)]:
        return [Cause.OLD_STRING, Cause.OTHER_TORCH]
    if known.missing:
        return [Cause.OTHER_TORCH, *of_device, *([Cause.NOT_LINKED] if scene.linking else [])]
    others = [Cause.NOT_LINKED] if scene.system is LINUX else _though_exported(scene)
    if others[0] is Cause.IMPORT_ORDER or (home and _PYTHON_BINDING in home and not _is_old(scene)):
        return [*others[:1], *of_device, Cause.OTHER_TORCH]
    return [Cause.OTHER_TORCH, *of_device, *others[:1]]


def _though_exported(scene: Scene) -> list[Cause]:
    """Why a symbol is not found that the torch at hand exports."""
    if scene.linking:
        return [Cause.NOT_LINKED]
    if scene.system is LINUX and _is_published(scene):
        return [Cause.OTHER_TORCH, Cause.OTHER_COPY, Cause.NOT_LINKED]
    if scene.system is LINUX:
        return [Cause.NOT_LINKED, Cause.OTHER_COPY]
    if scene.flat and scene.may_lack_import:
        return [Cause.IMPORT_ORDER, Cause.OTHER_COPY]
    return [Cause.OTHER_COPY]


def _is_published(scene: Scene) -> bool:
    """Whether an installed package fails on a torch whose build is not known.

    Its users would have noticed a missing link: another build of torch, or another torch, is the
    likelier cause.
    """
    unknown = scene.installed is not None and not scene.installed.stated
    return unknown and "-packages/" in (scene.file or "")


def _is_cxx11(scene: Scene) -> bool | None:
    """Whether the installed torch has the C++11 ABI's ``std::string``; None if not known."""
    return None if scene.installed is None else builds.cxx11(scene.installed, scene.platform)


def _is_for_cuda(installed: Installed | None) -> bool:
    return installed is not None and installed.build is Build.CUDA


def _is_old(scene: Scene) -> bool:
    """Whether the installed torch is older than the oldest one known."""
    installed = scene.installed
    if installed is None:
        return False
    return release_key(installed.number) < release_key(
        export_index.releases(scene.platform)[0].version
    )


def _why(known: History, home: str | None, scene: Scene) -> Iterator[str]:
    """The evidence for the causes."""
    yield from _of_string(known, scene)
    if known.cuda:
        yield "only CUDA builds of torch export it"
    yield from _of_releases(known, scene)
    if scene.linking:
        yield f"no library on the linker's command line exports it{f' ({home})' if home else ''}"
    elif scene.expected_in and not scene.flat:
        yield f"{scene.expected_in} was found, and does not export it"
    elif home and not scene.is_question and scene.system is LINUX and not known.missing:
        yield (
            f"the loader finds it only if the library that needs it is linked to what brings {home}"
            " in: importing torch earlier does not help"
        )
    yield from _of_old_builds(known)
    if known.instead:
        yield "releases without it export another signature: " + "; ".join(known.instead)


def _of_string(known: History, scene: Scene) -> Iterator[str]:
    """What its ``std::string`` says."""
    has = None if scene.installed is None else builds.exports(known, scene.installed)
    first = export_index.first_cxx11(known.platform)
    if known.old_string and _is_cxx11(scene) is False:
        yield "it uses the pre-C++11 ABI of std::string, like the installed torch"
    elif known.old_string:
        since = f" since {first}" if first else ""
        yield f"it uses the pre-C++11 ABI of std::string, which torch's wheels no longer use{since}"
    elif has is Has.STRING:
        yield "it uses the C++11 ABI of std::string, and the installed torch the pre-C++11 ABI"


def _of_releases(known: History, scene: Scene) -> Iterator[str]:
    """Which releases export it."""
    installed = scene.installed
    every = tuple(one.version for one in export_index.releases(known.platform))
    if installed is not None and builds.exports(known, installed) is Has.YES:
        yield f"the installed release, torch {installed.release}, exports it"
    elif known.releases and known.missing:
        verb = "does" if len(known.missing) == 1 else "do"
        yield f"torch {release_runs(known.missing, every)} {verb} not export it"
    elif known.releases:
        yield f"every known release, from {known.oldest} to {known.newest}, exports it"
        if installed is not None and _is_old(scene):
            yield f"the installed torch, {installed.version}, is older than those"
    elif not known.old_string:
        yield f"no release from {known.oldest} to {known.newest} exports it on {known.platform}"
    if known.before and (not known.releases or _is_old(scene)):
        runs = release_runs(known.before, old_releases())
        yield f"of the releases before {known.oldest}, torch {runs} {_exported(known.before)} it"


def _exported(releases: tuple[str, ...]) -> str:
    return "exports" if len(releases) == 1 else "export"


def _of_old_builds(known: History) -> Iterator[str]:
    """Say so if releases lack the symbol only because of their ``std::string`` ABI."""
    first = export_index.first_cxx11(known.platform)
    if first is None or known.old_string or not known.missing or not known.releases:
        return
    if any(release_key(one) >= release_key(first) for one in known.missing):
        return
    if any("std::string" in one for one in known.instead):
        yield (
            f"torch's wheels before {first} were built for the pre-C++11 ABI of std::string; other "
            "builds of those releases may export it"
        )


def _advice(
    base: Explanation, known: History, home: str | None, causes: list[Cause], scene: Scene
) -> Iterator[str]:
    """What to do about the causes, then the stable replacement of the symbol."""
    linked = _link(home, scene)
    if linked and (scene.linking or causes[:1] == [Cause.NOT_LINKED]):
        yield linked
    having = known.releases or known.before
    if having and Cause.OTHER_TORCH in causes:
        either = "or " if linked and causes[:1] == [Cause.NOT_LINKED] else ""
        yield f"{either}install a torch that exports it, such as torch=={having[-1]}"
    if Cause.CPU_TORCH in causes:
        yield "install a CUDA build of torch, or a CPU build of the package"
    if Cause.OLD_STRING in causes:
        yield (
            "or rebuild with -D_GLIBCXX_USE_CXX11_ABI=1, like torch's wheels"
            if known.old_string
            else "or install a torch built with the C++11 ABI, or rebuild the package with the "
            "pre-C++11 one: -D_GLIBCXX_USE_CXX11_ABI=0"
        )
    if Cause.IMPORT_ORDER in causes:
        yield "import torch before the extension, and link the extension to libtorch"
    if Cause.OTHER_TORCH in causes:
        yield "or rebuild the package against the torch that it will run with"
    if Cause.OTHER_COPY in causes:
        yield f"or look for another torch that is loaded first: {scene.how_to_see}"
    if linked and causes[1:] and Cause.NOT_LINKED in causes[1:] and not scene.linking:
        yield f"or {linked}"
    row = replacements.replacement(entity(base.demangled or ""), base.demangled or "")
    if row is not None and row.use is not None and not replacements.refused(row):
        where = f" ({row.header}, runs on torch {row.floor} and later)" if row.header else ""
        yield f"or replace {row.api} with {row.use}{where} from the stable ABI"


def _link(home: str | None, scene: Scene) -> str | None:
    """What to link, as an advice."""
    if home is None:
        return None
    if scene.system is WINDOWS:
        return f"link {home.removesuffix('.dll')}.lib of the torch whose headers were used"
    said = f"link libtorch from the same torch whose headers were used: {link_option(home)}"
    if _PYTHON_BINDING in home:
        return f"{said}; or include torch/torch.h or torch/library.h instead of torch/extension.h"
    return said


def _unknown(known: History, scene: Scene) -> Iterator[str]:
    """What could not be determined."""
    has = None if scene.installed is None else builds.exports(known, scene.installed)
    if scene.linking or scene.is_question:
        return
    if has is Has.YES:
        yield "whether the process loaded the installed torch or another one"
    elif known.releases and not known.missing:
        yield "whether an older or newer torch was loaded"
    elif not known.releases and not known.before and not known.old_string:
        yield (
            f"whether a release before {known.oldest} or after {known.newest}, a nightly or "
            "another build (ROCm, XPU, a Linux distribution's) exports it, or whether it should "
            "have been inlined"
        )
    elif known.releases and known.missing and not known.instead:
        yield "whether those releases removed it or only hid it: exports look the same"
