"""A cache of results on disk, shared between candidates, processes and sessions.

A key is a fingerprint of everything that a result depends on. An entry is one file: it is
written under a temporary name and then renamed, so it is complete or absent. While a result is
computed, its writer holds the operating system's lock on the unfinished file and others wait.
The lock is released when the process ends, however it ends.
"""

import os
import pickle
import stat
import tempfile
import threading
from contextlib import suppress
from enum import Enum
from hashlib import blake2b
from pathlib import Path

import joblib
import numpy as np

from skdistill.jobs.fingerprint import (
    DIGEST_BYTES,
    Unhashable,
    describe_error,
    fingerprint,
    version_of,
)
from skdistill.jobs.locks import in_each_child
from skdistill.warn import warn_user

try:
    import fcntl
except ImportError:  # Windows: two processes may compute the same result, neither waits
    fcntl = None  # type: ignore[assignment]

# Increase the number whenever stored results, or the parts of a key, change their meaning.
FORMAT = b"skdistill memory 10\n"
PRIVATE = 0o700  # entries are executed when they are read, so only the owner may write them
_claimed: set = set()  # the unfinished files that this process has locked


def _leave_to_parent():
    """Close the locked files in a forked child, which would keep the locks of a killed parent."""
    for part in list(_claimed):
        part.close()
    _claimed.clear()


in_each_child(_leave_to_parent)


class Absent(Enum):
    """Reason why a result is absent: not computed, or being computed by another process."""

    MISSING = 1
    BUSY = 2


class Memory:
    """Results on disk, by key.

    A failing disk never ends the work: the first problem is kept in `problem`, and nothing is
    read or written after it.

    Parameters
    ----------
    folder : path-like
        Created if it does not exist, for its owner alone.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self.problem = None
        self._has_warned = False
        self._tables = {}
        try:
            self.folder.mkdir(PRIVATE, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                pass
        except OSError as error:
            self.problem = describe_error(error)

    def key(self, *parts):
        """Return the key of a result that depends on these parts.

        Raises
        ------
        Unhashable
            If a part has no reproducible fingerprint.
        """
        return fingerprint(FORMAT, version_of("skdistill"), version_of("sklearn"), *parts)

    def table(self, X):
        """Return the fingerprint of a table; each table is read only once."""
        if id(X) not in self._tables:
            self._tables[id(X)] = X, fingerprint(X)  # keeping X keeps its id unique
        return self._tables[id(X)][1]

    def recall(self, key):
        """Return the result of a key, or `Absent.MISSING`, also for a damaged or foreign file."""
        try:
            path = self._path(key)
            if not path.is_file():  # nobody may ever write to a pipe
                return Absent.MISSING
            with open(path, "rb") as file:
                head, payload = file.read(len(_header(key, b""))), file.read()
            if head == _header(key, payload):
                return pickle.loads(payload)
        except Exception:  # such as a tensor on a GPU that is absent here, or a deleted class
            return Absent.MISSING
        return Absent.MISSING

    def remember(self, key, make, *, keep=None, wait=True):
        """Return the result of a key; compute it by `make()` and keep it if it is absent.

        Parameters
        ----------
        key : str or None
            None: compute the result and do not keep it.
        make : callable
            Called without arguments.
        keep : callable, default=None
            ``keep(result)`` tells whether to keep a result. None: keep all.
        wait : bool, default=True
            Wait for another process that computes this result. False: return `Absent.BUSY`
            instead.

        Returns
        -------
        result : object
        """
        if key is None or self.problem:
            return make()
        try:
            part = self._claim(key, wait)
        except OSError as error:
            self.problem = describe_error(error)
            return make()
        if part is None:
            return Absent.BUSY
        try:
            result = self.recall(key)  # the process that we waited for may have written it
            if result is Absent.MISSING:
                result = make()
                if keep is None or keep(result):
                    self._write(part, key, result)
            return result
        finally:
            _release(part)

    def warn(self):
        """Warn of the problem, if there is one, once."""
        if self.problem and not self._has_warned:
            self._has_warned = True
            warn_user(
                f"memory in {str(self.folder)!r} is not used: {self.problem}. The fit continues "
                "without it and keeps no results. Give a folder that can be written to."
            )

    def _path(self, key):
        return self.folder / key[:2] / key

    def _claim(self, key, wait):
        """Open and lock the unfinished file of a key; return None if another process has it."""
        own = f".{os.getpid()}-{threading.get_ident()}.part"
        path = self._path(key).with_suffix(".part" if fcntl else own)
        self.folder.mkdir(PRIVATE, parents=True, exist_ok=True)  # it may be deleted at any time
        path.parent.mkdir(PRIVATE, exist_ok=True)
        while True:
            # "wb" would empty a file that another process is writing. Open until renamed.
            part = open(path, "ab", buffering=0, opener=_open_file)  # noqa: SIM115
            _claimed.add(part)
            try:
                if fcntl is not None:
                    fcntl.flock(part, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
                if _is_there(part):
                    return part
            except BlockingIOError:
                _close(part)
                return None
            except BaseException:
                _close(part)
                raise
            _close(part)  # renamed while we waited: try again

    def _write(self, part, key, result):
        try:
            payload = pickle.dumps(result, protocol=5)
            part.truncate(0)
            with open(part.name, "ab") as file:  # buffered: a raw write may be partial
                file.write(_header(key, payload))
                file.write(payload)
            if fcntl is None:
                _close(part)  # Windows does not rename an open file
            os.replace(part.name, self._path(key))
        except Exception as error:  # such as a full disk, or a result that cannot be pickled
            self.problem = describe_error(error)

    def __getstate__(self):
        """Leave out the tables: sending them to each worker would be slow."""
        return {**vars(self), "_tables": {}}


def open_memory(memory, random_state=None):
    """Turn the parameter `memory` into a `Memory`, or into None if no results are kept.

    Parameters
    ----------
    memory : None, str, path-like or joblib.Memory
    random_state : int, RandomState or None, default=None

    Returns
    -------
    memory : Memory or None

    Raises
    ------
    TypeError
        If `memory` is of another type.

    Warns
    -----
    UserWarning
        If the folder cannot be written to, or if `random_state` is a generator, which draws
        different numbers at each call.
    """
    if isinstance(memory, joblib.Memory):
        # A subfolder of joblib's, so that its Memory.clear() clears ours too.
        memory = None if memory.store_backend is None else memory.store_backend.location
    if memory is None:
        return None
    if not isinstance(memory, (str, os.PathLike)):
        raise TypeError(
            f"memory must be None, a path (str or os.PathLike) or a joblib.Memory, got {memory!r}."
        )
    if random_state is not None and not isinstance(random_state, (int, np.integer)):
        warn_user(
            "memory is not used: random_state is a generator, which draws different numbers at "
            f"each fit. Give an int instead of {random_state!r}."
        )
        return None
    opened = Memory(Path(memory) / "skdistill")
    opened.warn()
    return None if opened.problem else opened


def remembered(memory, make, *parts, keep=None):
    """Return `make()`, or its earlier result for the same parts.

    Parameters
    ----------
    memory : Memory or None
        None: call `make()`.
    make : callable
        Called without arguments.
    *parts : object
        Everything that the result depends on.
    keep : callable, default=None
        As in `Memory.remember`.

    Returns
    -------
    result : object
    """
    if memory is None or memory.problem:
        return make()
    try:
        key = memory.key(*parts)
    except Unhashable:
        return make()
    result = memory.remember(key, make, keep=keep)
    memory.warn()
    return result


def _header(key, payload):
    return FORMAT + key.encode() + blake2b(payload, digest_size=DIGEST_BYTES).digest()


def _open_file(path, flags):
    """Open a file as `open` does; refuse a pipe, which would wait for a reader."""
    # Asked of the open file: between two questions about a path, another thread may rename it.
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o600)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileExistsError(f"{path} is not a file")
    return descriptor


def _is_there(part):
    """Tell whether an open file still has its name."""
    try:
        return os.path.samestat(os.fstat(part.fileno()), os.stat(part.name))
    except FileNotFoundError:
        return False


def _release(part):
    """Release a lock; delete the unfinished file if it was not renamed."""
    with suppress(OSError):  # such as a folder that may no longer be read
        if fcntl is None:
            _close(part)
            Path(part.name).unlink(missing_ok=True)
        elif not part.closed and _is_there(part):
            os.unlink(part.name)
    _close(part)


def _close(part):
    _claimed.discard(part)
    with suppress(OSError):
        part.close()
