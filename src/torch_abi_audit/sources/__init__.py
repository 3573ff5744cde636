"""What a TARGET means: names, directories, files and archives, as libraries that can be read."""

from __future__ import annotations

from torch_abi_audit.sources.found import Candidate, Found, Inventory, Unread
from torch_abi_audit.sources.naming import named_as_library
from torch_abi_audit.sources.target import (
    INDEX_PREFIX,
    environment,
    inventory,
    resolve,
    several,
    site_packages,
)

__all__ = [
    "INDEX_PREFIX",
    "Candidate",
    "Found",
    "Inventory",
    "Unread",
    "environment",
    "inventory",
    "named_as_library",
    "resolve",
    "several",
    "site_packages",
]
