"""`Running`, which knows what the workers were doing when one of them was killed."""

import tempfile
from contextlib import suppress
from functools import partial
from pathlib import Path


class Running:
    """Labels of the calls that run at the moment, in whichever process.

    Each call leaves an empty file for as long as it runs: a process that is killed, such as by
    a system that is out of memory, cannot tell any more.

    Parameters
    ----------
    labels : list of str
    """

    def __init__(self, labels):
        self._labels = list(labels)
        self._folder = None

    def __enter__(self):
        with suppress(OSError):  # then there are no labels, but the calls are made
            self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        return self

    def __exit__(self, *exception):
        if self._folder is not None:
            self._folder.cleanup()

    def watch(self, calls):
        """Return calls that leave their files; there is one for each label."""
        if self._folder is None:
            return list(calls)
        paths = [Path(self._folder.name) / str(k) for k in range(len(self._labels))]
        return [partial(_run_watched, path, call) for path, call in zip(paths, calls)]

    def labels(self):
        """Return the labels of the calls that have begun and not ended."""
        names = [] if self._folder is None else [p.name for p in Path(self._folder.name).iterdir()]
        return [self._labels[k] for k in sorted(map(int, names))]


def _run_watched(path, call, *args):
    with suppress(OSError):
        path.touch()
    try:
        return call(*args)
    finally:
        with suppress(OSError):
            path.unlink()
