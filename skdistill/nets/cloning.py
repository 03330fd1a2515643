"""Clones of nets, some of whose callbacks cannot be cloned."""

from sklearn.base import clone


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
    shared = [each for each in callbacks if _clone_or_none(each) is None]
    return [type(each[1] if isinstance(each, tuple) else each).__name__ for each in shared]


def _clone_or_none(callback):
    """Return a clone of a callback, or of (name, callback); None if it cannot be cloned."""
    try:
        return clone(callback, safe=False)
    except Exception:  # such as a lock, or a parameter that is kept under another name
        return None
