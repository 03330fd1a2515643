"""Work that is done once and found again: by another candidate, another process, tomorrow.

A key is a fingerprint of all that a result depends on; an entry is one file, written
beside and renamed, so that it is there in full or not at all. While it is computed
its writer holds the operating system's lock on the unfinished file: others wait, and a
process that dies, however it dies, lets go of it.
"""

import os
import pickle
import warnings
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

try:
    import fcntl
except ImportError:  # on Windows two processes may compute the same, and neither waits
    fcntl = None  # type: ignore[assignment]

# Raised when what is stored, or what a key is made of, changes its meaning.
FORMAT = b"skdistill memory 6\n"


class Absent(Enum):
    """Why there is no result: nobody computed it, or somebody is about to."""

    MISSING = 1
    BUSY = 2


class Memory:
    """Results on disk by their keys.

    Whatever the disk does, work goes on: the first problem is kept in `problem`, and
    nothing is read or written after it.

    Parameters
    ----------
    folder : path-like
        Made if it is not there.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self.problem = None
        self._tables = {}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            probe = self.folder / f".probe-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            self.problem = describe_error(error)

    def key(self, *parts):
        """A name for what is computed from these.

        Raises
        ------
        Unhashable
            If one of them cannot be pickled, and so not be known again.
        """
        return fingerprint(FORMAT, version_of("skdistill"), version_of("sklearn"), *parts)

    def table(self, X):
        """The fingerprint of a table, which is read once however often it is asked for."""
        if id(X) not in self._tables:
            self._tables[id(X)] = X, fingerprint(X)  # with X, so that no other gets its id
        return self._tables[id(X)][1]

    def recall(self, key):
        """The result of this key, or `Absent.MISSING`: damaged and foreign files are none."""
        try:
            with open(self._path(key), "rb") as file:
                head, payload = file.read(len(_header(key, b""))), file.read()
            if head == _header(key, payload):
                return pickle.loads(payload)
        except Exception:  # a net of another machine's GPU, a class that is no more
            return Absent.MISSING
        return Absent.MISSING

    def remember(self, key, make, *, keep=None, wait=True):
        """The result of this key, computed by `make()` if it is not there.

        Parameters
        ----------
        key : str or None
            None: compute it, and keep nothing.
        make : callable
        keep : callable, default=None
            Says of a result whether it is worth keeping; by default all are.
        wait : bool, default=True
            For another process that computes it; else return `Absent.BUSY`.
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
            result = self.recall(key)  # whoever was waited for has left it there
            if result is Absent.MISSING:
                result = make()
                if keep is None or keep(result):
                    self._write(part, key, result)
            return result
        finally:
            _release(part)

    def warn(self):
        """Say what went wrong; once, as nothing is tried after it."""
        if self.problem:
            warnings.warn(
                f"memory in {str(self.folder)!r} is not used: {self.problem}. The fit goes on "
                "without it, and its results are not kept. Give a folder that can be written to.",
                UserWarning,
                stacklevel=4,
            )

    def _path(self, key):
        return self.folder / key[:2] / key

    def _claim(self, key, wait):
        """The unfinished file of this key, locked; None if somebody else has it."""
        path = self._path(key).with_suffix(".part" if fcntl else f".{os.getpid()}.part")
        path.parent.mkdir(exist_ok=True)
        while True:
            # Not "wb", which would empty what another is writing; held until it is renamed.
            part = open(path, "ab", buffering=0)  # noqa: SIM115
            try:
                if fcntl is not None:
                    fcntl.flock(part, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
                if _is_there(part):
                    return part
            except BlockingIOError:
                part.close()
                return None
            except BaseException:
                part.close()
                raise
            part.close()  # it was finished and renamed while we waited: look again

    def _write(self, part, key, result):
        try:
            payload = pickle.dumps(result, protocol=5)
            part.truncate(0)
            with open(part.name, "ab") as file:  # buffered: a raw write may write but a part
                file.write(_header(key, payload))
                file.write(payload)
            if fcntl is None:
                part.close()  # Windows renames no open file
            os.replace(part.name, self._path(key))
        except Exception as error:  # a full disk, or a result that cannot be pickled
            self.problem = describe_error(error)

    def __getstate__(self):
        """Without the tables: a worker gets those that it needs in its own way."""
        return {**vars(self), "_tables": {}}


def open_memory(memory, random_state=None):
    """Turn the parameter `memory` into a `Memory`, or None where nothing is to be kept.

    Parameters
    ----------
    memory : None, str, path-like, joblib.Memory
    random_state : int, RandomState or None

    Warns
    -----
    UserWarning
        If the folder cannot be written to, or `random_state` is a generator: what it
        draws depends on what it drew before.
    """
    if isinstance(memory, joblib.Memory):
        # Within joblib's own folder, so that Memory.clear() clears ours as well.
        memory = None if memory.store_backend is None else memory.store_backend.location
    if memory is None:
        return None
    if not isinstance(memory, (str, os.PathLike)):
        raise TypeError(
            f"memory must be None, a path (str or os.PathLike) or a joblib.Memory, got {memory!r}."
        )
    if random_state is not None and not isinstance(random_state, (int, np.integer)):
        warnings.warn(
            "memory is not used: random_state is a generator, which draws something else each "
            f"time. Give an int instead of {random_state!r}.",
            UserWarning,
            stacklevel=3,
        )
        return None
    opened = Memory(Path(memory) / "skdistill")
    opened.warn()
    return None if opened.problem else opened


def remembered(memory, make, *parts, keep=None):
    """`make()`, or what it made of the same parts before.

    Parameters
    ----------
    memory : Memory or None
    make : callable
    *parts
        All that its result depends on.
    keep : callable, default=None
        As in `Memory.remember`.
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


def _is_there(part):
    """Whether a file's name still is that of this very file."""
    try:
        return os.path.samestat(os.fstat(part.fileno()), os.stat(part.name))
    except FileNotFoundError:
        return False


def _release(part):
    """Let go of a claim, and of its file if that was not renamed."""
    if not part.closed and _is_there(part) and fcntl is not None:
        os.unlink(part.name)
    part.close()
    if fcntl is None:
        Path(part.name).unlink(missing_ok=True)
