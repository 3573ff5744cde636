"""Replaces a file at once: nobody ever sees half of it, and its mode stays."""

from __future__ import annotations

import os


def replace_file(path: str, data: bytes) -> None:
    """Give a regular file new contents.

    Args:
        path: The file itself, not a link to it.
        data: Its new contents.

    Raises:
        OSError: it cannot be written.
    """
    import tempfile

    mode = os.stat(path).st_mode & 0o7777
    prefix = f".{os.path.basename(path)}."
    with tempfile.NamedTemporaryFile(
        "wb", dir=os.path.dirname(path), prefix=prefix, delete=False
    ) as new:
        try:
            new.write(data)
            new.flush()
            os.fsync(new.fileno())
            os.chmod(new.name, mode)
        except BaseException:
            os.unlink(new.name)
            raise
    try:
        os.replace(new.name, path)
    except BaseException:
        os.unlink(new.name)
        raise
