"""Fingerprints: what a table, an estimator or a number holds, in forty digits."""

import inspect
import pickle
import platform
import sys
from functools import partial
from hashlib import blake2b

import joblib
import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator

from skdistill.table.containers import column_of, is_column, is_frame, is_polars

DIGEST_BYTES = 20
# They change how long it takes, not what comes out.
NOT_IN_THE_KEY = ("n_jobs", "verbose")
# Where a torch module has what is read by name instead.
_TENSORS = ("_parameters", "_buffers", "_modules")


class Unhashable(ValueError):
    """Something that cannot be known again."""


def fingerprint(*values):
    """Digest of what the values hold, not of where they lie.

    Tables and arrays are read at memory speed, an estimator by its type, its library's
    version and its parameters.

    Returns
    -------
    digest : str
        Hexadecimal.

    Raises
    ------
    Unhashable
        If a value can be told neither by its type nor by pickling it, such as a lambda.
    """
    digest = blake2b(digest_size=DIGEST_BYTES)
    for value in values:
        _feed(digest, value)
    return digest.hexdigest()


def _feed(digest, value):
    """Add one value; what is in front of each says how to read it, so that none runs on."""
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes, np.generic)):
        _add(digest, type(value).__name__, repr(value))
    elif isinstance(value, np.ndarray):
        _feed_array(digest, value)
    elif issparse(value) and value.format == "csr":
        _add(digest, "csr", type(value).__name__, repr(value.shape))
        for array in (value.indptr, value.indices, value.data):
            _feed_array(digest, array)
    elif is_column(value):
        _feed_index(digest, value)
        _feed_column(digest, value)
    elif is_frame(value):
        _add(digest, "table", type(value).__name__, repr(value.shape))
        _feed_index(digest, value)
        for j in range(value.shape[1]):
            _feed(digest, value.columns[j])
            _feed_column(digest, column_of(value, j))
    elif isinstance(value, (list, tuple)):
        _add(digest, type(value).__name__, str(len(value)))
        for item in value:
            _feed(digest, item)
    elif isinstance(value, dict) and all(isinstance(key, str) for key in value):
        _feed(digest, [item for key in sorted(value) for item in (key, value[key])])
    elif isinstance(value, type) or inspect.isroutine(value):
        _feed_pickled(digest, value)
        if isinstance(value, type):
            _feed_type(digest, value)  # what it inherits counts too
        else:
            _add(digest, version_of(value.__module__), _source(value))
    elif hasattr(value, "named_modules"):
        _feed_module(digest, value)
    elif isinstance(value, partial):
        _feed(digest, ["partial", value.func, value.args, value.keywords])
        for estimator in _estimators_in([value.args, value.keywords]):
            _feed_pickled(digest, estimator)  # nobody clones it: what it was fitted on counts
    elif _is_recipe(value):
        _feed_type(digest, type(value))
        params = value.get_params(deep=False)
        known = {k: v for k, v in params.items() if k not in NOT_IN_THE_KEY and k[0] != "_"}
        _feed(digest, known)
        for estimator in _estimators_in([v for v in known.values() if isinstance(v, dict)]):
            _feed_pickled(digest, estimator)  # clones copy a dict with what is fitted in it
    else:
        _feed_type(digest, type(value))
        _feed_pickled(digest, value)


def _feed_array(digest, array):
    _add(digest, "array", array.dtype.str, repr(array.shape))
    if array.dtype.hasobject:
        _feed_objects(digest, array.ravel())
    elif array.size:
        digest.update(np.ascontiguousarray(array).view(np.uint8).data)


def _feed_index(digest, value):
    if is_polars(value):
        _add(digest, "polars")  # has none
    else:
        _feed_column(digest, value.index)


def _feed_column(digest, column):
    """One column of a frame: categories by code, numbers as they lie, all else as objects."""
    if is_polars(column):
        _add(digest, "column", str(column.dtype))
        _feed_array(digest, column.is_null().to_numpy())
        _feed_array(digest, column.drop_nulls().to_numpy())
        return
    _add(digest, "column", repr(column.dtype) if isinstance(column.dtype, np.dtype) else "")
    if hasattr(column, "cat"):
        _feed(digest, [bool(column.cat.ordered), column.cat.categories.tolist()])
        _feed_array(digest, column.cat.codes.to_numpy())
    elif isinstance(column.dtype, np.dtype):
        _feed_array(digest, column.to_numpy())
    else:
        _add(digest, str(column.dtype))
        _feed_objects(digest, column.to_numpy(dtype=object))


def _feed_objects(digest, objects):
    # Without memo two equal strings are written alike whether or not they are one object.
    pickler = pickle.Pickler(_Sink(digest), protocol=5)
    pickler.fast = True
    try:
        for start in range(0, len(objects), 10_000):
            pickler.dump(objects[start : start + 10_000].tolist())
    except Exception as error:
        raise Unhashable(describe_error(error)) from error


def _feed_type(digest, kind):
    for parent in kind.__mro__[:-1]:
        _add(digest, f"{parent.__module__}.{parent.__qualname__}", version_of(parent.__module__))
        _add(digest, _source(parent))


def _feed_module(digest, module):
    """A torch module by its parts: pickled, its tensors would be others each time."""
    try:
        for name, part in module.named_modules():
            _add(digest, name)
            _feed_type(digest, type(part))
            tensors = dict(part.named_parameters(recurse=False))
            tensors |= dict(part.named_buffers(recurse=False))
            _feed(digest, {name: each.detach().cpu().numpy() for name, each in tensors.items()})
            _feed(digest, {key: value for key, value in vars(part).items() if key not in _TENSORS})
    except (TypeError, RecursionError) as error:  # bfloat16, or parts that refer to each other
        raise Unhashable(f"{type(module).__name__} ({describe_error(error)})") from error


def _feed_pickled(digest, value):
    if "<" in getattr(value, "__qualname__", ""):  # <lambda> or <locals>: a name for many
        raise Unhashable(f"{value!r} has no name of its own: define it in a module")
    try:
        _add(digest, "pickled", joblib.hash(value))
    except Exception as error:  # whatever somebody's __reduce__ raises
        raise Unhashable(f"{value!r} cannot be hashed ({describe_error(error)})") from error


def _estimators_in(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _estimators_in(item)
    elif hasattr(value, "get_params"):
        yield value


def _is_recipe(value):
    """Whether its parameters tell all of it: not so of an estimator that is frozen."""
    if not hasattr(value, "get_params"):
        return False
    if getattr(value, "_is_its_parameters", False):
        return True
    own_clone = getattr(type(value), "__sklearn_clone__", BaseEstimator.__sklearn_clone__)
    return own_clone is BaseEstimator.__sklearn_clone__


def version_of(module):
    """The version of the library that a module belongs to, Python's own among them; "" if none."""
    name = module.partition(".")[0]
    if name in sys.stdlib_module_names:
        return platform.python_version()
    return str(getattr(sys.modules.get(name), "__version__", ""))


def describe_error(error):
    """One line on what went wrong."""
    return f"{type(error).__name__}: {error}"


def _source(thing):
    """The source of what belongs to no versioned library, such as a class in a notebook."""
    if version_of(thing.__module__):
        return ""
    try:
        return inspect.getsource(thing)
    except (OSError, TypeError):
        return ""


def _add(digest, *texts):
    for text in texts:
        encoded = text.encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % len(encoded))
        digest.update(encoded)


class _Sink:
    """A file whose content goes into a digest."""

    def __init__(self, digest):
        self.write = digest.update
