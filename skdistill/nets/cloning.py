"""Copies of nets, some of whose callbacks can neither be cloned nor pickled."""

import io
import pickle

from sklearn.base import clone
from skorch import NeuralNet

from skdistill.warn import warn_user


def clone_net(net, *, shared=True):
    """Clone a net; callbacks that cannot be cloned are in the clone as they are.

    Parameters
    ----------
    net : skorch.NeuralNet
    shared : bool, default=True
        Whether the clone has the callbacks that it would share with the net.

    Returns
    -------
    clone : skorch.NeuralNet
        Unfitted, with the same parameters.
    """
    params = net.get_params(deep=False)  # in their order, by which a clone is found in memory
    for name, value in params.items():
        if name == "callbacks" and isinstance(value, (list, tuple)):
            clones = [(each, _clone_or_none(each)) for each in value]
            params[name] = [
                each if copy is None else copy for each, copy in clones if shared or copy
            ]
        else:
            params[name] = clone(value, safe=False)
    return type(net)(**params)


def shared_callbacks(net):
    """Return the types' names of a net's callbacks that cannot be cloned."""
    callbacks = net.callbacks if isinstance(net.callbacks, (list, tuple)) else []
    return _types([each for each in callbacks if _clone_or_none(each) is None])


def leave_unpicklable(state):
    """Remove from a net's state the callbacks that cannot be pickled, with a warning.

    Such a callback, one that holds an open file or a lock, must not keep a net from being saved,
    or from being trained in another process.

    Parameters
    ----------
    state : dict
        What `__getstate__` of skorch returns; it is changed.

    Returns
    -------
    state : dict
    """
    left: dict = {}
    for name in ("callbacks", "callbacks_"):
        if isinstance(state.get(name), (list, tuple)):
            stays = [(each, _can_be_pickled(each)) for each in state[name]]
            state[name] = [each for each, can_be in stays if can_be]
            left |= dict.fromkeys(_types([each for each, can_be in stays if not can_be]))
    if left:
        warn_user(
            f"the callbacks {list(left)} cannot be pickled: the copy of the net in a file, or in "
            "another process, goes without them. Have a callback open files and locks in "
            "on_train_begin, and drop them in on_train_end."
        )
    return state


def _types(callbacks):
    """Return the types' names of callbacks, or of (name, callback)."""
    return [type(each[1] if isinstance(each, tuple) else each).__name__ for each in callbacks]


class _WithoutNets(pickle.Pickler):
    """A pickler that passes over nets, of which a callback may hold the one that it belongs to."""

    def persistent_id(self, value):
        return "net" if isinstance(value, NeuralNet) else None


def _can_be_pickled(callback):
    try:
        _WithoutNets(io.BytesIO()).dump(callback)
    except (pickle.PicklingError, AttributeError):  # a local function: cloudpickle can do it
        return True
    except TypeError:  # a lock, say
        return False
    return True


def _clone_or_none(callback):
    """Return a clone of a callback, or of (name, callback); None if it cannot be cloned."""
    try:
        return clone(callback, safe=False)
    except Exception:  # such as a lock, or a parameter that is kept under another name
        return None
