"""What most detectors see: a package as it is audited, with what its distribution declares."""

from __future__ import annotations

from torch_abi_audit.model.paths import file_name, relative_path
from torch_abi_audit.model.verdicts import TorchLabel
from torch_abi_audit.runtime.once import cached_property

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch_abi_audit.facts.environments import Environment
    from torch_abi_audit.facts.torch_range import Needed, Range
    from torch_abi_audit.knowledge.platforms import Platform
    from torch_abi_audit.model.declared import Declared, WheelTag
    from torch_abi_audit.model.reports import Cuda, ExtensionReport, PackageReport

    LoadsOn = Callable[[PackageReport], Mapping[str, str] | None]


class Package:
    """A package, with its libraries by path."""

    def __init__(self, package: PackageReport) -> None:
        self.package = package

    @cached_property
    def libraries(self) -> tuple[tuple[str, ExtensionReport], ...]:
        """Path below the package's root and report of every library, sorted by path."""
        named = [(relative_path(one, self.package), one) for one in self.package.libraries]
        return tuple(sorted(named, key=lambda each: each[0]))


class Context(Package):
    """A package with what its distribution declares.

    What several rules ask is computed when the first of them asks.
    """

    def __init__(
        self, package: PackageReport, declared: Declared, loads_on: LoadsOn | None = None
    ) -> None:
        """See the package together with its metadata.

        Args:
            package: What was read of it.
            declared: What its metadata says.
            loads_on: Which torch releases an unstable package loads on; asked for those alone.
        """
        super().__init__(package)
        self.declared = declared
        self._loads_on = loads_on

    @cached_property
    def tags(self) -> tuple[WheelTag, ...]:
        """The wheel's tags."""
        from torch_abi_audit.model.declared import wheel_tags

        return wheel_tags(self.declared)

    @cached_property
    def platforms(self) -> tuple[Platform, ...]:
        """The platforms of the tags, each once; none for ``any``."""
        from torch_abi_audit.facts.environments import tag_platforms

        return tag_platforms(self.tags)

    def lowest_linux(self, arch: str) -> Platform | None:
        """The oldest system that the manylinux and musllinux tags promise to an architecture."""
        fitting = [
            each
            for each in self.platforms
            if each.libc and each.version and arch in each.architectures
        ]
        return min(fitting, key=lambda each: each.version or (0, 0), default=None)

    @cached_property
    def within_reach(self) -> frozenset[str]:
        """The names that libraries of the distribution can be loaded by: of files, and sonames."""
        libraries = self.package.libraries
        sonames = {image.soname for one in libraries for image in one.linkage if image.soname}
        files = {one.name for one in libraries}
        return frozenset(files).union(self.declared.beside, map(file_name, sonames))

    @cached_property
    def required_names(self) -> frozenset[str]:
        """The canonical names of everything required, extras included."""
        from torch_abi_audit.knowledge.names.distribution import required

        return frozenset(filter(None, map(required, self.declared.requires)))

    @cached_property
    def environments(self) -> tuple[Environment, ...]:
        """Every known environment that the tags and ``Requires-Python`` admit."""
        from torch_abi_audit.facts.environments import environments

        return environments(self.declared, self.package)

    @cached_property
    def needed_torch(self) -> Needed | None:
        """What the binaries need of torch; None where the package uses none, or is torch."""
        declared = self.declared
        if not self.package.uses_torch or declared.is_torch or not declared.is_python_distribution:
            return None
        from torch_abi_audit.facts.torch_range import needed

        unstable = any(one.label is TorchLabel.UNSTABLE for one in self.package.libraries)
        ask = self._loads_on if unstable else None
        return needed(self.package, ask(self.package) if ask is not None else None)

    @cached_property
    def required_torch(self) -> Range | None:
        """The requirement on torch; None where there is none, and where no rule has a use for it.

        Reading one imports ``packaging``.
        """
        if self.needed_torch is None and self.cuda is None:
            return None
        from torch_abi_audit.facts.torch_range import declared_range

        return declared_range(self.declared, self.environments)

    @cached_property
    def installable_torch(self) -> tuple[str, ...] | None:
        """The torch releases that may be installed beside it; None where too little is known."""
        from torch_abi_audit.facts.torch_range import installable

        return installable(self.needed_torch, self.required_torch, self.environments)

    @cached_property
    def cuda(self) -> Cuda | None:
        """The CUDA libraries that it is linked to; None where there are none."""
        from torch_abi_audit.facts.cuda import linked

        return linked(self.package, self.declared)
