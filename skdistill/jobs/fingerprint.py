"""Fingerprints: a digest of the content of a table, an estimator or any other value."""

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

from skdistill.table.containers import (
    column_of,
    holds_categories,
    is_column,
    is_frame,
    is_polars,
)

DIGEST_BYTES = 20
# Parameters that change how long a fit takes, not its result.
NOT_IN_THE_KEY = ("n_jobs", "thread_count", "verbose")
# Attributes of a torch module that are read through named_parameters and the like instead.
_TENSORS = ("_parameters", "_buffers", "_modules")


class Unhashable(ValueError):
    """A value that has no reproducible fingerprint."""


def fingerprint(*values):
    """Return a digest of the content of values: equal content gives an equal digest.

    Tables and arrays are read at memory speed. An estimator is identified by its type, the
    version of its library and its parameters.

    Parameters
    ----------
    *values : object

    Returns
    -------
    digest : str
        Forty hexadecimal digits.

    Raises
    ------
    Unhashable
        If neither the type of a value nor its pickle identifies it, such as a lambda.
    """
    digest = blake2b(digest_size=DIGEST_BYTES)
    for value in values:
        _feed(digest, value)
    return digest.hexdigest()


def _feed(digest, value):
    """Add one value. A prefix says how to read what follows, so that values cannot run together."""
    feed = next(feed for accepts, feed in _FEEDERS if accepts(value))
    feed(digest, value)


def _feed_scalar(digest, value):
    _add(digest, type(value).__name__, repr(value))


def _feed_array(digest, array):
    _add(digest, "array", array.dtype.str, repr(array.shape))
    if array.dtype.hasobject:
        _feed_objects(digest, array.ravel())
    elif array.size:
        digest.update(np.ascontiguousarray(array).view(np.uint8).data)


def _feed_csr(digest, matrix):
    _add(digest, "csr", type(matrix).__name__, repr(matrix.shape))
    for array in (matrix.indptr, matrix.indices, matrix.data):
        _feed_array(digest, array)


def _feed_series(digest, series):
    _feed_index(digest, series)
    _feed_column(digest, series)


def _feed_frame(digest, frame):
    _add(digest, "table", type(frame).__name__, repr(frame.shape))
    _feed_index(digest, frame)
    for j in range(frame.shape[1]):
        _feed(digest, frame.columns[j])
        _feed_column(digest, column_of(frame, j))


def _feed_index(digest, value):
    if is_polars(value):
        _add(digest, "polars")  # polars has no index
    else:
        _feed_column(digest, value.index)


def _feed_column(digest, column):
    """Add a frame's column: categories by their codes, numbers by their bytes, others pickled."""
    if is_polars(column):
        _add(digest, "column", str(column.dtype))
        _feed_array(digest, column.is_null().to_numpy())
        _feed_array(digest, column.drop_nulls().to_numpy())
        return
    _add(digest, "column", repr(column.dtype) if isinstance(column.dtype, np.dtype) else "")
    if holds_categories(column):
        _feed(digest, [bool(column.cat.ordered), column.cat.categories.tolist()])
        _feed_array(digest, column.cat.codes.to_numpy())
    elif isinstance(column.dtype, np.dtype):
        _feed_array(digest, column.to_numpy())
    else:
        _add(digest, str(column.dtype))
        _feed_objects(digest, column.to_numpy(dtype=object))


def _feed_objects(digest, objects):
    # Without a memo, equal strings have the same bytes whether or not they are one object.
    pickler = pickle.Pickler(_Sink(digest), protocol=5)
    pickler.fast = True
    try:
        for start in range(0, len(objects), 10_000):
            pickler.dump(objects[start : start + 10_000].tolist())
    except Exception as error:
        raise Unhashable(describe_error(error)) from error


def _feed_list(digest, items):
    _add(digest, type(items).__name__, str(len(items)))
    for item in items:
        _feed(digest, item)


def _feed_dict(digest, mapping):
    _feed(digest, [item for key in sorted(mapping) for item in (key, mapping[key])])


def _feed_class(digest, cls):
    _feed_pickled(digest, cls)
    _feed_type(digest, cls)  # pickle knows the name only


def _feed_routine(digest, routine):
    _feed_pickled(digest, routine)
    _add(digest, version_of(routine.__module__), _source(routine))


def _feed_type(digest, cls):
    """Add a class and its parents, by name, version and source."""
    for parent in cls.__mro__[:-1]:
        _add(digest, f"{parent.__module__}.{parent.__qualname__}", version_of(parent.__module__))
        _add(digest, _source(parent))


def _feed_module(digest, module):
    """Add a torch module by its parts: pickling a tensor gives other bytes each time."""
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


def _feed_partial(digest, value):
    _feed(digest, ["partial", value.func, value.args, value.keywords])
    for estimator in _estimators_in([value.args, value.keywords]):
        _feed_pickled(digest, estimator)  # a partial is not cloned, so fitted attributes count


def _feed_estimator(digest, estimator):
    """Add an estimator by its parameters."""
    _feed_type(digest, type(estimator))
    params = estimator.get_params(deep=False)
    known = {k: v for k, v in params.items() if k not in NOT_IN_THE_KEY and k[0] != "_"}
    _feed(digest, known)
    for nested in _estimators_in([v for v in known.values() if isinstance(v, dict)]):
        _feed_pickled(digest, nested)  # clone copies a dict with the fitted estimators in it


def _feed_other(digest, value):
    _feed_type(digest, type(value))
    _feed_pickled(digest, value)


def _feed_pickled(digest, value):
    if "<" in getattr(value, "__qualname__", ""):  # many functions are called <lambda> or <locals>
        raise Unhashable(f"{value!r} has no name of its own: define it in a module")
    try:
        _add(digest, "pickled", joblib.hash(value))
    except Exception as error:  # __reduce__ may raise anything
        raise Unhashable(f"{value!r} cannot be hashed ({describe_error(error)})") from error


def _estimators_in(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _estimators_in(item)
    elif hasattr(value, "get_params"):
        yield value


def _is_defined_by_params(value):
    """Tell whether a value is an estimator that its parameters define; a frozen one is not."""
    if not hasattr(value, "get_params"):
        return False
    if getattr(value, "_defined_by_params", False):
        return True
    own_clone = getattr(type(value), "__sklearn_clone__", BaseEstimator.__sklearn_clone__)
    return own_clone is BaseEstimator.__sklearn_clone__


def version_of(module):
    """Return the version of the library that a module belongs to, "" if it has none."""
    name = module.partition(".")[0]
    if name in sys.stdlib_module_names:
        return platform.python_version()
    return str(getattr(sys.modules.get(name), "__version__", ""))


def describe_error(error):
    """Return the type and the message of an error, as one line."""
    return f"{type(error).__name__}: {error}"


def _source(thing):
    """Return the source of a class or function outside of versioned libraries, else ""."""
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
    """File-like object whose content goes into a digest."""

    def __init__(self, digest):
        self.write = digest.update


def _is_a(*types):
    return lambda value: isinstance(value, types)


def _is_csr(value):
    return issparse(value) and value.format == "csr"


def _has_string_keys(value):
    return isinstance(value, dict) and all(isinstance(key, str) for key in value)


# How to read a value: the first predicate that is true of it decides.
_FEEDERS = [
    (_is_a(type(None), bool, int, float, complex, str, bytes, np.generic), _feed_scalar),
    (_is_a(np.ndarray), _feed_array),
    (_is_csr, _feed_csr),
    (is_column, _feed_series),
    (is_frame, _feed_frame),
    (_is_a(list, tuple), _feed_list),
    (_has_string_keys, _feed_dict),
    (_is_a(type), _feed_class),
    (inspect.isroutine, _feed_routine),
    (lambda value: hasattr(value, "named_modules"), _feed_module),
    (_is_a(partial), _feed_partial),
    (_is_defined_by_params, _feed_estimator),
    (lambda value: True, _feed_other),
]
