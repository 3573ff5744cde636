"""The facts of a file's device code, from the fat binaries and offload bundles in it."""

from __future__ import annotations

from torch_abi_audit.formats.device_code.fatbin import CUBIN, PTX, architecture, fatbins
from torch_abi_audit.formats.device_code.kernels import has_kernels, with_kernels
from torch_abi_audit.model.device_code import DeviceCode, KernelSet, target_key
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch_abi_audit.formats.device_code.fatbin import Fatbin, Key
    from torch_abi_audit.model.binary import Readable

_OLD_CUBIN, _LTO_IR = 4, 8
_FIRST = 10
"""The oldest architecture of CUDA's: sm_10, for compute capability 1.0."""
_MOST_SETS = 1 << 10
"""Most different sets of architectures in a file: torch's libraries have five."""


@dataclass(frozen=True, slots=True)
class Ranges:
    """Where a file has device code: ranges, each given by offset and size."""

    cuda: tuple[tuple[int, int], ...] = ()
    """Fat binaries that are loaded as they are."""
    relocatable: tuple[tuple[int, int], ...] = ()
    """Those from which the device linker made some of the former, or will make them."""
    hip: tuple[tuple[int, int], ...] = ()
    """Offload bundles."""
    offload: tuple[tuple[int, int], ...] = ()
    """LLVM's offload binaries."""
    named: tuple[tuple[str, int], ...] = ()
    """Identifiers of HIP code for one target that stands in a section of its own, and its size."""
    registered: frozenset[int] = frozenset()
    """The offsets of fat binaries and offload bundles, as the file registers them."""
    cuda_records: int = 0
    """How many fat binaries it registers of which only relocations tell where they stand."""
    hip_records: int = 0
    """The same of offload bundles. Those of ``-fgpu-rdc`` are registered once for each source."""
    device_linked: frozenset[int] | None = None
    """The offsets of the fat binaries that the device linker made; None if they are not known."""
    single: bool = False
    """Whether each range only begins with a container, and has other things behind it."""


def collect(source: Readable, ranges: Ranges, problem: str | None = None) -> DeviceCode:
    """The device code in ranges of a file; ``problem`` is what is known to be missing."""
    found = _Found()
    found.problem = problem
    linked = found.read_cuda(source, ranges.cuda, single=ranges.single)
    parts = found.read_cuda(source, ranges.relocatable)
    made = _device_linked(linked, ranges.device_linked) if parts else frozenset()
    common = _common(parts)
    for fatbin in linked if made else ():
        if fatbin.offset in made:
            count = len(parts) if len(made) == 1 else 1
            found.add_linked(fatbin, common, count, has_kernels=has_kernels(source, fatbin))
    for fatbin in with_kernels(source, (one for one in linked if one.offset not in made)):
        found.add(fatbin)
    if not made:
        for fatbin in parts:
            found.add(fatbin)
    if ranges.hip:
        found.read_hip(source, ranges.hip, single=ranges.single)
    if ranges.offload or ranges.named:
        found.read_clang(source, ranges)
    found.check(ranges)
    return found.device_code()


def merged(codes: Iterable[DeviceCode]) -> DeviceCode:
    """The device code of several files as one."""
    found = _Found()
    for code in codes:
        for one in code.sets:
            found.count(frozenset(one.targets), one.count, one.size)
        for target, version in code.ptx_isa:
            major, _, minor = version.partition(".")
            found.speaks(target, (int(major), int(minor)))
        found.others.update(code.others)
        found.toolkits.update(code.toolkits)
        found.problem = found.problem or code.problem
    return found.device_code()


def _device_linked(linked: list[Fatbin], told: frozenset[int] | None) -> frozenset[int]:
    """The offsets of the fat binaries that the device linker made: it makes cubins alone."""
    if told and (found := told & {fatbin.offset for fatbin in linked}):
        return found
    return frozenset(
        fatbin.offset for fatbin in linked if all(one[0] == CUBIN for one in fatbin.key)
    )


def _common(parts: list[Fatbin]) -> dict[str, tuple[int, int]]:
    """What each relocatable fat binary has code for, and the newest version of its PTX.

    If a GPU is not served by what the device linker made, the driver links the parts again for it.
    It can do so where each part has PTX or a cubin: "JIT Linking Support" in
    https://docs.nvidia.com/cuda/cuda-compiler-driver-nvcc/.
    """
    found: dict[str, tuple[int, int]] = {}
    for number, part in enumerate(parts):
        own = {
            _target(kind, architecture(arch, flags)): (major, minor)
            for kind, arch, flags, major, minor, _ in part.key
            if kind in (PTX, CUBIN)
        }
        if number == 0:
            found = own
        else:
            found = {name: max(found[name], own[name]) for name in found.keys() & own.keys()}
    return found


def _target(kind: int, architecture: str) -> str:
    return f"{'compute' if kind == PTX else 'sm'}_{architecture}"


class _Found:
    """What was found so far."""

    def __init__(self) -> None:
        self.sets: dict[frozenset[str], tuple[int, int]] = {}
        self.languages: dict[str, tuple[int, int]] = {}
        self.others: set[str] = set()
        self.toolkits: set[str] = set()
        self.problem: str | None = None
        self.cuda: set[int] = set()
        self.hip: set[int] = set()
        self._known: dict[Key, frozenset[str]] = {}

    def read_cuda(
        self, source: Readable, ranges: Iterable[tuple[int, int]], *, single: bool = False
    ) -> list[Fatbin]:
        """The fat binaries in ranges of a file, as far as they can be read."""
        found: list[Fatbin] = []
        try:
            for start, size in ranges:
                for fatbin in fatbins(source, start, size):
                    self.problem = self.problem or fatbin.problem
                    found.append(fatbin)
                    self.cuda.add(fatbin.offset)
                    if single:
                        break
        except FormatError as error:
            self.problem = self.problem or str(error)
        return found

    def check(self, ranges: Ranges) -> None:
        """Note whether some container is registered that was not found: zeros hide one."""
        missing = min(ranges.registered - self.cuda - self.hip, default=None)
        if missing is not None:
            problem = f"no device code at byte {missing}, where some should begin"
        elif ranges.cuda_records > len(self.cuda):
            count = len(self.cuda)
            problem = f"{ranges.cuda_records} fat binaries are registered, but {count} found"
        elif ranges.hip and ranges.hip_records and not self.hip:
            problem = "an offload bundle is registered, but none found"
        else:
            return
        self.problem = self.problem or problem

    def read_hip(
        self, source: Readable, ranges: Iterable[tuple[int, int]], *, single: bool = False
    ) -> None:
        """Add the offload bundles in ranges of a file, as far as they can be read."""
        from torch_abi_audit.formats.device_code.bundle import bundles  # rare beside CUDA

        try:
            for start, size in ranges:
                for one in bundles(source, start, size):
                    self.problem = self.problem or one.problem
                    self.hip.add(one.offset)
                    self.others.update(f"code for {name}" for name in one.others)
                    self.count(frozenset(one.targets), 1, one.size)
                    if single:
                        break
        except FormatError as error:
            self.problem = self.problem or str(error)

    def read_clang(self, source: Readable, ranges: Ranges) -> None:
        """Add what clang leaves in object files: images that stand alone are one set together."""
        from torch_abi_audit.formats.device_code.bundle import target_of  # rarer still
        from torch_abi_audit.formats.device_code.offload import images

        targets: set[str] = set()
        stored = 0
        for name, size in ranges.named:
            target = target_of(name)
            if target is not None:
                targets.add(target)
                stored += size
            elif not name.startswith("host"):
                self.others.add(f"code for {name}")
        try:
            for start, size in ranges.offload:
                for image in images(source, start, size):
                    stored += image.size
                    if image.target is None:
                        self.others.add(image.other)
                    else:
                        targets.add(image.target)
        except FormatError as error:
            self.problem = self.problem or str(error)
        self.count(frozenset(targets), 1, stored)

    def add(self, fatbin: Fatbin) -> None:
        """Add a fat binary."""
        self.count(self._targets(fatbin.key), 1, fatbin.size)

    def add_linked(
        self, fatbin: Fatbin, common: dict[str, tuple[int, int]], count: int, *, has_kernels: bool
    ) -> None:
        """Add what the device linker made of ``count`` files, with what the driver can link."""
        own = self._targets(fatbin.key) if has_kernels else frozenset()
        for target, version in common.items():
            if target.startswith("compute_"):
                self.speaks(target, version)
        self.count(own.union(common), count, fatbin.size)

    def _targets(self, key: Key) -> frozenset[str]:
        """The architectures of a fat binary; notes what else its entries say."""
        if key in self._known:
            return self._known[key]
        targets: set[str] = set()
        for kind, number, flags, major, minor, toolkit in key:
            name = architecture(number, flags)
            if number < _FIRST:
                self.problem = self.problem or f"there is code for the impossible sm_{name}"
            if kind in (PTX, CUBIN):
                target = _target(kind, name)
                targets.add(target)
                if kind == PTX:
                    self.speaks(target, (major, minor))
                elif toolkit is not None:
                    self.toolkits.add(toolkit)
            elif kind == _LTO_IR:
                self.others.add(f"LTO-IR for sm_{name}")
            elif kind == _OLD_CUBIN:
                self.others.add(f"a cubin of CUDA 2 for sm_{name}")
            else:
                what = f"code of the unknown kind {kind} for sm_{name}"
                self.others.add(what)
                self.problem = self.problem or f"there is {what}"
        return self._known.setdefault(key, frozenset(targets))

    def speaks(self, target: str, version: tuple[int, int]) -> None:
        """Note the version of some PTX."""
        self.languages[target] = max(self.languages.get(target, (0, 0)), version)

    def count(self, key: frozenset[str], count: int, size: int) -> None:
        """Add ``count`` containers with the same targets."""
        if key:
            if key not in self.sets and len(self.sets) >= _MOST_SETS:
                self.problem = self.problem or f"more than {_MOST_SETS} different sets of targets"
                return
            before = self.sets.get(key, (0, 0))
            self.sets[key] = before[0] + count, before[1] + size

    def device_code(self) -> DeviceCode:
        """What was found, as a value."""
        sets = [
            KernelSet(tuple(sorted(targets, key=target_key)), count, size)
            for targets, (count, size) in self.sets.items()
        ]
        sets.sort(key=lambda one: (-one.count, [target_key(target) for target in one.targets]))
        languages = sorted(self.languages.items(), key=lambda item: target_key(item[0]))
        return DeviceCode(
            sets=tuple(sets),
            ptx_isa=tuple((target, f"{major}.{minor}") for target, (major, minor) in languages),
            others=tuple(sorted(self.others)[:_MOST_SETS]),
            toolkits=tuple(sorted(self.toolkits, key=float)),
            problem=self.problem,
        )
