"""What a net's module asks for, and what it must return."""

from inspect import signature

import torch
from sklearn.base import clone

from skdistill.nets.modules import StudentMLP
from skdistill.nets.training import seeded
from skdistill.table.net_inputs import NetInputs, UnscaledInputs

ROWS_TO_TRY = 8


def size_module(net, layout, n_outputs, n_samples):
    """Tell a net's module those of the sizes that its constructor asks for."""
    sizes = {
        "layout": layout,
        "n_features": layout.width,
        "n_classes": n_outputs,
        "n_samples": n_samples,
    }
    taken = _constructor_parameters(net)
    net.set_params(**{f"module__{name}": sizes[name] for name in sizes if name in taken})


def embeds_columns(net):
    """Whether a net's module asks for an `InputLayout`, as `StudentMLP` does."""
    return "layout" in _constructor_parameters(net)


def inputs_for(net, X, categorical_features):
    """How a net wants the table: with its layout if it asks for it, else as flat floats.

    Rows of more than one axis it gets as they are, unless it asks for a layout.
    """
    if embeds_columns(net):
        return NetInputs(categorical_features)
    if len(X.shape) > 2:
        return UnscaledInputs()
    return NetInputs(categorical_features, max_bins=0, one_hot=True)


def check_module(net, X, n_outputs):
    """Try a module of one's own on a few rows, before it is trained.

    Parameters
    ----------
    net : skorch.NeuralNet
        Sized and unfitted; a clone is tried.
    X : ndarray or CSR matrix of shape (n_samples, ...), float32
        As the net sees them.
    n_outputs : int

    Raises
    ------
    ValueError
        If it fails, returns another shape than one number for each class, or probabilities.
    """
    if net.module is StudentMLP:
        return
    few = X[:ROWS_TO_TRY]
    kind = net.module if isinstance(net.module, type) else type(net.module)
    what = f"the module {kind.__name__}"
    trial = clone(net).set_params(verbose=0)
    with seeded(0, net.device):
        trial.initialize()
        try:
            logits = trial.forward(few)
        except Exception as error:
            raise ValueError(
                f"{what} failed on rows of shape {few.shape[1:]}, float32: "
                f"{type(error).__name__}: {error}"
            ) from error
    wanted = (few.shape[0], n_outputs)
    if not isinstance(logits, torch.Tensor) or tuple(logits.shape) != wanted:
        got = getattr(logits, "shape", None)
        got = type(logits).__name__ if got is None else f"shape {tuple(got)}"
        raise ValueError(
            f"{what} returned {got} for {wanted[0]} rows, expected {wanted}: one logit for each of "
            f"the {n_outputs} classes."
        )
    sums = logits.float().sum(1)
    if (logits >= 0).all() and torch.allclose(sums, torch.ones_like(sums), atol=1e-3):
        raise ValueError(
            f"{what} returns probabilities, expected logits: drop the softmax at its end, which is "
            "part of the loss."
        )


def _constructor_parameters(net):
    return signature(net.module).parameters if isinstance(net.module, type) else ()
