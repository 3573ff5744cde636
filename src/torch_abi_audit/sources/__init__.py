"""What a TARGET means: names, directories, files and archives, as libraries that can be read.

The only room that reads what is audited: from disk, from archives, from package indexes.
``target`` holds the table of all kinds of TARGET; ``found`` what they turn into.

- ``files/``: directory trees, single files and build directories, and positioned reads of them
- ``installed/``: import names and distributions, as site-packages directories and RECORDs have them
- ``archives/``: wheels, zip and tar files, conda packages
- ``index/``: wheels of package indexes, by the user's pip configuration
"""

from __future__ import annotations

from torch_abi_audit.sources.environments import environment, inventory, site_packages
from torch_abi_audit.sources.found import Candidate, Found, Inventory, Unread
from torch_abi_audit.sources.naming import INDEX_PREFIX
from torch_abi_audit.sources.target import resolve, several

__all__ = [
    "INDEX_PREFIX",
    "Candidate",
    "Found",
    "Inventory",
    "Unread",
    "environment",
    "inventory",
    "resolve",
    "several",
    "site_packages",
]
