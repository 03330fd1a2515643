"""Parameters that only `fit` needs, closed in a file until they are asked for.

A pickle holds them as pickles of their own. A file of skops, which executes no code, holds
descriptions: names of classes, and their parameters as plain values.
"""

import pickle
import sys
from dataclasses import dataclass
from importlib import import_module
from inspect import signature
from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

# Constructors of estimators and callbacks of these packages only assign, so building what is
# described executes no code of whoever wrote the file.
BUILT = ("skdistill", "skorch", "sklearn", "xgboost", "lightgbm", "catboost")
# Classes that are parameters themselves, such as optimizers: nothing calls them before `fit`.
NAMED = (*BUILT, "torch")
CLASS, PARAMS = "class of skdistill", "params"
PLAIN = (type(None), bool, int, float, str, np.generic, np.ndarray)


@dataclass
class Pickled:
    """A pickle that is opened when it is asked for.

    skops asks whether this class is trusted: a file of skops that holds one can execute code.
    """

    content: bytes

    @classmethod
    def of(cls, value):
        """Return the closed value, or None if its pickle could not be opened elsewhere."""
        try:
            content = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
        except Exception:  # a lambda, say: whoever pickles the estimator says so, or can do it
            return None
        return None if any(name.encode() in content for name in _by_value()) else cls(content)

    def open(self):
        """Return the value."""
        return pickle.loads(self.content)


def _by_value():
    """Return the modules whose classes cloudpickle, as joblib, Dask and Ray use it, sends whole."""
    cloudpickle = sys.modules.get("cloudpickle")
    registered = () if cloudpickle is None else cloudpickle.list_registry_pickle_by_value()
    return ["__main__", *registered]


@dataclass
class Unavailable:
    """Stands for a parameter whose library is not installed."""

    reason: str

    def __repr__(self):
        return f"<not available: {self.reason}>"


class NotDescribable(Exception):
    """A value that plain values cannot describe."""


def described(value) -> Any:
    """Return an unfitted estimator, or a list with some, as plain values; None if it cannot be."""
    try:
        return _describe(value)
    except NotDescribable:
        return None


def _describe(value):
    if isinstance(value, np.ndarray) and value.dtype.hasobject:
        raise NotDescribable
    if isinstance(value, PLAIN):
        return value
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return type(value)(map(_describe, value))
    if type(value) is dict:
        return {key: _describe(each) for key, each in value.items()}
    if isinstance(value, type):
        return {CLASS: _name(value, NAMED)}
    name = _name(type(value), BUILT)
    params = _params(value)
    return {CLASS: name, PARAMS: {key: _describe(each) for key, each in params.items()}}


def _params(value):
    """Return the parameters that build an object, without those at their defaults."""
    if _is_fitted(value):
        raise NotDescribable
    taken = signature(type(value)).parameters
    if hasattr(value, "get_params"):
        params = value.get_params(deep=False)
    elif vars(value).keys() <= taken.keys():  # skorch's ValidSplit
        params = vars(value)
    else:
        raise NotDescribable
    default = {name: each.default for name, each in taken.items()}
    return {
        name: each
        for name, each in params.items()
        if not name.startswith("_") and each is not default.get(name, default)
    }


def _is_fitted(value):
    try:
        check_is_fitted(value)
    except (NotFittedError, TypeError):  # TypeError: a callback cannot be fitted
        return False
    return True


def _name(cls, packages):
    name = f"{cls.__module__}.{cls.__qualname__}"
    if cls.__module__.partition(".")[0] not in packages or cls.__qualname__ != cls.__name__:
        raise NotDescribable
    return name


def built(value):
    """Return what `described` has described.

    Parameters
    ----------
    value : object

    Raises
    ------
    ValueError
        If a class is not one that `described` describes.
    """
    if isinstance(value, (list, tuple)):
        return type(value)(map(built, value))
    if not isinstance(value, dict):
        return value
    if CLASS not in value:
        return {key: built(each) for key, each in value.items()}
    is_built = PARAMS in value
    cls = _found(value[CLASS], BUILT if is_built else NAMED)
    return cls(**built(value[PARAMS])) if is_built else cls


def _found(name, packages):
    """Return a class by its full name."""
    module, _, attribute = str(name).rpartition(".")
    if module.partition(".")[0] in packages:
        cls = getattr(import_module(module), attribute, None)
        if isinstance(cls, type) and cls.__module__ == module:
            return cls
    raise ValueError(
        f"the file names {name!r:.100}, expected a class of {', '.join(packages)}: load only a "
        "file that skdistill has written."
    )
