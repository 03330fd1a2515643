"""The one way in which files are written: whole, or not at all."""

import os
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


@contextmanager
def whole_file(path):
    """Open a new file that replaces `path` when the block ends, or is deleted if it fails.

    A reader finds the old file or the new one, never half of one, even if the disk is full, the
    process is killed, or another thread writes to the same path. A link is followed. What is not
    a file, such as /dev/stdout, is written to directly.

    Parameters
    ----------
    path : str or path-like

    Yields
    ------
    file : binary file
    """
    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "wb") as file:
            yield file
        return
    path = Path(os.path.realpath(path))
    draft = path.with_name(f".{uuid4().hex}.part")  # in the same folder, so that it can be renamed
    try:
        with open(draft, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def write_whole(path, content):
    """Write bytes to a file by `whole_file`."""
    with whole_file(path) as file:
        file.write(content)


def check_can_write(path):
    """Check before long work that a file can be written; create its folder.

    Parameters
    ----------
    path : str or path-like

    Raises
    ------
    OSError
        If the folder cannot be created or written to, or if `path` is a folder.
    """
    if os.path.isdir(path):
        raise IsADirectoryError(f"{str(path)!r} is a folder: give the name of a file.")
    folder = Path(os.path.realpath(path)).parent
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / f".{uuid4().hex}.part"
    probe.touch(exist_ok=False)
    probe.unlink()
