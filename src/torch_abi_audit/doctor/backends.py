"""The device extensions that ``import torch`` loads by itself, since torch 2.5.

``torch/__init__.py`` loads and calls each entry point of the group ``torch.backends``, unless
``TORCH_DEVICE_BACKEND_AUTOLOAD`` is set to something else than 1.
"""

from __future__ import annotations

import configparser
import os

from torch_abi_audit.runtime.records import dataclass
from torch_abi_audit.sources.files import lookup
from torch_abi_audit.sources.installed.distribution import installed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch_abi_audit.doctor.torch_import import Torch
    from torch_abi_audit.sources.installed.python import Python

VARIABLE = "TORCH_DEVICE_BACKEND_AUTOLOAD"
_GROUP = "torch.backends"


@dataclass(frozen=True, slots=True)
class Backend:
    """A device extension."""

    name: str
    module: str
    distribution: str

    @property
    def raises(self) -> str:
        """What torch raises where it does not load."""
        return (
            f"RuntimeError: Failed to load the backend extension: {self.name}. You can disable "
            f"extension auto-loading with {VARIABLE}=0."
        )


class _Parser(configparser.ConfigParser):
    def optionxform(self, optionstr: str) -> str:  # names keep their case
        return optionstr


def backends(torch: Torch, python: Python, environ: Mapping[str, str]) -> Iterator[Backend]:
    """The device extensions that ``import torch`` loads, in its order."""
    source = lookup.source_text(os.path.join(torch.directory, "__init__.py")) or ""
    if f'"{_GROUP}"' not in source or environ.get(VARIABLE, "1") != "1":
        return
    for one in installed(python.path):
        text = lookup.source_text(one.file("entry_points.txt"))
        parser = _Parser(delimiters=("=",), interpolation=None, strict=False)
        try:
            parser.read_string(text or "")
        except configparser.Error:
            continue
        for name, value in parser.items(_GROUP) if parser.has_section(_GROUP) else ():
            yield Backend(name, value.partition(":")[0].strip(), one.key)
