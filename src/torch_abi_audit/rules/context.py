"""What most detectors read: a package while it is audited, and what its distribution declares."""

from __future__ import annotations

from torch_abi_audit.model.paths import file_name, relative_path
from torch_abi_audit.model.verdicts import TorchLabel
from torch_abi_audit.runtime.once import cached_property

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch_abi_audit.facts.cuda import Brought, Unmet
    from torch_abi_audit.facts.environments import Environment
    from torch_abi_audit.facts.lending import Lending
    from torch_abi_audit.facts.torch_advice import Advice
    from torch_abi_audit.facts.torch_range import Needed, Range
    from torch_abi_audit.knowledge.names.torch import Build
    from torch_abi_audit.knowledge.platforms import Platform
    from torch_abi_audit.model.binary import Format
    from torch_abi_audit.model.declared import Declared, WheelTag
    from torch_abi_audit.model.reports import Cuda, ExtensionReport, PackageReport
    from torch_abi_audit.model.torch_fit import TorchFit
    from torch_abi_audit.rules.shipped import Shipped

    LoadsOn = Callable[[PackageReport], Mapping[str, str] | None]


class Package:
    """A package and its libraries by path."""

    def __init__(self, package: PackageReport) -> None:
        self.package = package

    @cached_property
    def libraries(self) -> tuple[tuple[str, ExtensionReport], ...]:
        """Each library's path below the package's root and its report, sorted by path."""
        named = [(relative_path(one, self.package), one) for one in self.package.libraries]
        return tuple(sorted(named, key=lambda each: each[0]))

    @property
    def has_device_code(self) -> bool:
        """Whether the package contains code for GPUs."""
        whole = self.package.device_code
        if whole is not None:
            return whole.present
        return any(one.device_code is not None for one in self.package.libraries)

    @property
    def device_targets(self) -> frozenset[str]:
        """Every architecture for which the package has code; costs little."""
        codes = [one.device_code for one in self.package.libraries]
        if self.package.device_code is not None:
            codes.append(self.package.device_code.files)
        sets = [each for code in codes if code is not None for each in code.sets]
        return frozenset(target for each in sets for target in each.targets)


class Context(Package):
    """A package and what its distribution declares.

    Values that several rules need are computed when the first rule asks for them, and kept.
    """

    def __init__(
        self,
        package: PackageReport,
        declared: Declared,
        loads_on: LoadsOn | None = None,
        lending: Callable[[], Lending] | None = None,
    ) -> None:
        """Pair a package with its metadata.

        Args:
            package: The report, before its findings.
            declared: What its metadata says.
            loads_on: Returns which torch releases a package loads on; called only for unstable
                packages.
            lending: Returns what the requirements lend; by default, as far as their names say it.
        """
        super().__init__(package)
        self.declared = declared
        self._loads_on = loads_on
        self._lending = lending

    @cached_property
    def tags(self) -> tuple[WheelTag, ...]:
        """The wheel's tags."""
        from torch_abi_audit.model.declared import wheel_tags

        return wheel_tags(self.declared)

    @cached_property
    def platforms(self) -> tuple[Platform, ...]:
        """The platforms of the tags, each once; ``any`` has none."""
        from torch_abi_audit.facts.environments import tag_platforms

        return tag_platforms(self.tags)

    def lowest_linux(self, arch: str) -> Platform | None:
        """The oldest system that the manylinux and musllinux tags for an architecture admit."""
        fitting = [
            each
            for each in self.platforms
            if each.libc and each.version and arch in each.architectures
        ]
        return min(fitting, key=lambda each: each.version or (0, 0), default=None)

    @cached_property
    def shipped_names(self) -> frozenset[str]:
        """File names and sonames of the distribution's libraries: the names they are loaded by."""
        libraries = self.package.libraries
        sonames = {image.soname for one in libraries for image in one.linkage if image.soname}
        files = {one.name for one in libraries}
        return frozenset(files).union(self.declared.beside, map(file_name, sonames))

    @cached_property
    def shipped(self) -> Shipped:
        """The libraries of the distribution as a loader meets them."""
        from torch_abi_audit.rules.shipped import Shipped

        return Shipped(
            self.libraries,
            self.declared.beside,
            self.required_names,
            with_torch=self.package.uses_torch or "torch" in self.required_names,
        )

    @cached_property
    def required_names(self) -> frozenset[str]:
        """The canonical names of all required distributions, those of extras included."""
        from torch_abi_audit.knowledge.names.distribution import required

        return frozenset(filter(None, map(required, self.declared.requires)))

    @cached_property
    def missing(self) -> Mapping[tuple[Format, str], frozenset[str]]:
        """The needed libraries that neither package, system nor torch has, by kind of image."""
        from torch_abi_audit.rules.needed_libraries import absent

        return absent(self)

    @cached_property
    def unprovided(self) -> Mapping[str, tuple[str, ...]]:
        """What libraries need that nothing provides, the requirements included, by path."""
        from torch_abi_audit.rules.needed_libraries import lacking

        return lacking(self)

    @cached_property
    def optional(self) -> frozenset[str]:
        """The paths of the libraries without which the package works."""
        if not self.unprovided:
            return frozenset()
        from torch_abi_audit.facts.optional import optional

        return optional(self.libraries, self.unprovided)

    @cached_property
    def lending(self) -> Lending:
        """What the requirements lend to the libraries of the package."""
        from torch_abi_audit.facts.lending import Lending, applying

        if self._lending is not None:
            return self._lending()
        return Lending(lambda: applying(self.declared.requires, self.environments))

    @cached_property
    def environments(self) -> tuple[Environment, ...]:
        """Every known environment that the tags and ``Requires-Python`` admit."""
        from torch_abi_audit.facts.environments import environments

        return environments(self.declared, self.package)

    @cached_property
    def needed_torch(self) -> Needed | None:
        """What the binaries need of torch; None in torch itself and in packages without torch."""
        declared = self.declared
        if not self.package.uses_torch or declared.is_torch or not declared.is_python_distribution:
            return None
        from torch_abi_audit.facts.torch_range import needed

        unstable = any(one.label is TorchLabel.UNSTABLE for one in self.package.libraries)
        ask = self._loads_on if unstable else None
        return needed(self.package, ask(self.package) if ask is not None else None)

    @cached_property
    def required_torch(self) -> Range | None:
        """The requirement on torch; None where nothing is declared.

        Reading a requirement imports ``packaging``.
        """
        if "torch" not in self.required_names:
            return None
        from torch_abi_audit.facts.torch_range import declared_range

        return declared_range(self.declared, self.environments)

    @cached_property
    def has_torch(self) -> bool:
        """Whether torch is beside the package: it uses torch, or requires it without an extra."""
        said = self.required_torch
        return self.needed_torch is not None or (
            said is not None and (said.is_required or said.by_url or bool(said.unreadable))
        )

    @cached_property
    def installable_torch(self) -> tuple[str, ...] | None:
        """The torch releases that may be installed beside the package; None where unknown."""
        from torch_abi_audit.facts.torch_range import installable

        return installable(self.needed_torch, self.required_torch, self.environments)

    @cached_property
    def torch_advice(self) -> Advice:
        """What is wrong with the requirement on torch, and what to declare."""
        from torch_abi_audit.facts.torch_advice import NOTHING, advice

        if self.needed_torch is None and not self.cuda_of_torch:
            return NOTHING
        return advice(
            self.needed_torch,
            self.required_torch,
            self.environments,
            self.brought_cuda,
            other_build=self.torch_build is not None,
        )

    @cached_property
    def torch_fit(self) -> TorchFit | None:
        """The torch releases that the binaries fit; None if that is not known."""
        limits = self.torch_advice.fit.limits
        if self.torch_build is not None or not (limits.sure or limits.bad):
            return None
        from torch_abi_audit.model.torch_fit import TorchFit

        return TorchFit(
            tuple((each.python, each.system, each.machine) for each in self.environments),
            tuple(one for one in limits.known if one in limits.sure),
            tuple(one for one in limits.known if one in limits.bad),
            limits.bounded,
        )

    @cached_property
    def cuda(self) -> Cuda | None:
        """The CUDA libraries that the package is linked to or contains; None without any."""
        from torch_abi_audit.facts.cuda import linked

        return linked(self.package, self.declared)

    @cached_property
    def lacking_cuda(self) -> tuple[Unmet, ...]:
        """The libraries that need CUDA libraries which the distribution does not contain."""
        if self.cuda is None:
            return ()
        from torch_abi_audit.facts.cuda import unmet

        return unmet(
            self.package,
            self.shipped_names,
            lambda name, form: self.lending.lender(name, form) is not None,
        )

    @cached_property
    def cuda_of_torch(self) -> frozenset[int]:
        """The CUDA major releases of which torch must bring one; empty if it need not."""
        if not self.lacking_cuda or not self.has_torch or self.declared.is_torch:
            return frozenset()
        from torch_abi_audit.facts.cuda import from_torch

        return from_torch(self.lacking_cuda)

    @cached_property
    def cuda_of_package(self) -> frozenset[int]:
        """The CUDA major releases that its libraries are linked to; empty if their names say none.

        Libraries for several releases are alternatives, of which one serves.
        """
        return frozenset(self.cuda.majors) if self.cuda is not None else frozenset()

    @cached_property
    def brought_cuda(self) -> Mapping[str, Brought]:
        """What each torch release brings of ``cuda_of_torch``; empty if it need not bring any."""
        if not self.cuda_of_torch:
            return {}
        from torch_abi_audit.facts.cuda import brought

        return brought(self.cuda_of_torch, self.environments)

    @cached_property
    def torch_build(self) -> Build | None:
        """The build of torch, for ROCm or XPU, that the libraries which use torch need."""
        if self.needed_torch is None:
            return None
        from torch_abi_audit.facts.torch_build import needed_build

        return needed_build(self.package, self.shipped_names)
