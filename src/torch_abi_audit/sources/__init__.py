"""TARGET resolution: turn a name, directory, file or archive into libraries that can be read.

Only this room reads audited files: from disk, from archives and from package indexes.
``target`` holds the table of all kinds of TARGET, ``environments`` finds whole environments, and
``found`` holds the records that both give.

- ``files/``: directory trees, single files and build directories, and positioned reads of them
- ``installed/``: import names and distributions, found through site-packages and RECORD files
- ``archives/``: wheels, zip and tar files, conda packages
- ``index/``: wheels on package indexes, found through the user's pip configuration
"""

from __future__ import annotations

from torch_abi_audit.sources.found import Candidate, Found, Inventory, Unread
from torch_abi_audit.sources.naming import INDEX_PREFIX
from torch_abi_audit.sources.target import resolve, several

__all__ = [
    "INDEX_PREFIX",
    "Candidate",
    "Found",
    "Inventory",
    "Unread",
    "resolve",
    "several",
]
