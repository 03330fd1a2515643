"""What a net's module takes and returns: its sizes, its inputs, its logits."""

from inspect import signature

import torch
from scipy.sparse import issparse

from skdistill.jobs.processes import device_of, release
from skdistill.nets.cloning import clone_net
from skdistill.nets.modules import LayerStack, StudentMLP
from skdistill.nets.training import seeded
from skdistill.table.net_inputs import NetInputs, UnscaledInputs

ROWS_TO_TRY = 8


def size_module(net, layout, n_outputs):
    """Set those sizes of a net's module that its constructor takes."""
    sizes = {
        "layout": layout,
        "n_features": layout.width,
        "n_classes": n_outputs,
        "n_outputs": n_outputs,
    }
    taken = _constructor_parameters(net)
    net.set_params(**{f"module__{name}": sizes[name] for name in sizes if name in taken})


def settle(net, **how):
    """Let a net set what it leaves open, such as the epochs of a `StudentNet`, and return it."""
    return net.settle(**how) if hasattr(net, "settle") else net


def embeds_columns(net):
    """Tell whether a net's module takes an `InputLayout`, as `StudentMLP` does."""
    return "layout" in _constructor_parameters(net)


def inputs_for(net, X, categorical_features):
    """Return the unfitted inputs of a net.

    A module that takes a layout gets `NetInputs` with category codes, and with bins unless it
    has no embedding of them. Other modules
    get scaled floats with one-hot categories, or rows of more than one axis unchanged.
    """
    if embeds_columns(net):
        has_bins = net.get_params_for("module").get("bin_embedding_size") != 0
        return NetInputs(categorical_features, max_bins="auto" if has_bins else 0)
    if len(X.shape) > 2:
        return UnscaledInputs()
    return NetInputs(categorical_features, max_bins=0, one_hot=True)


def fit_inputs(net, X, categorical_features, soft_targets, rng, *, encoder=None):
    """Fit the inputs of a net; one that was cut from a teacher has the teacher's already.

    Parameters
    ----------
    net : skorch.NeuralNet
    X : table of shape (n_samples, ...)
    categorical_features
        As in `TableEncoder`.
    soft_targets : ndarray of shape (n_samples, n_outputs)
        Soft targets of the rows, by which bins are chosen.
    rng : RandomState
    encoder : TableEncoder, default=None
        Fitted on X.

    Returns
    -------
    inputs : NetInputs or UnscaledInputs
    """
    start = getattr(net, "start", None)
    if start is not None:
        inputs = NetInputs.from_arrays(**start["inputs"], is_sparse=issparse(X))
        return inputs.with_weak_bins(X, soft_targets)
    unscaled = net.module is LayerStack
    inputs = UnscaledInputs() if unscaled else inputs_for(net, X, categorical_features)
    return inputs.fit(X, soft_targets, rng, encoder=encoder)


def check_module(net, X, task):
    """Check a custom module on a few rows before it is trained.

    Parameters
    ----------
    net : skorch.NeuralNet
        Sized and unfitted; the check uses a clone.
    X : ndarray or CSR matrix of shape (n_samples, ...), float32
        Encoded rows.
    task : Task

    Raises
    ------
    ValueError
        If the module fails, or if it does not return one output for each of the task, such as a
        logit per class: another shape, or probabilities.
    """
    if net.module is StudentMLP:
        return
    few = X[:ROWS_TO_TRY]
    kind = net.module if isinstance(net.module, type) else type(net.module)
    what = f"the module {kind.__name__}"
    trial = clone_net(net).set_params(verbose=0)
    with seeded(0, device_of(net)):
        trial.initialize()
        try:
            logits = trial.forward(few)
            release(trial)
        except Exception as error:
            raise ValueError(
                f"{what} failed on rows of shape {few.shape[1:]}, float32: "
                f"{type(error).__name__}: {error}"
            ) from error
    expected = (few.shape[0], task.n_outputs)
    has_classes = task.kind == "classifier"
    if not isinstance(logits, torch.Tensor) or tuple(logits.shape) != expected:
        got = getattr(logits, "shape", None)
        got = type(logits).__name__ if got is None else f"shape {tuple(got)}"
        raise ValueError(
            f"{what} returned {got} for {expected[0]} rows, expected {expected}: one "
            f"{'logit' if has_classes else 'output'} for each of the {task.n_outputs} "
            f"{'classes' if has_classes else 'targets'}."
        )
    if not has_classes:
        return
    sums = logits.float().sum(1)
    if (logits >= 0).all() and torch.allclose(sums, torch.ones_like(sums), atol=1e-3):
        raise ValueError(
            f"{what} returns probabilities, expected logits: drop the softmax at its end, because "
            "the loss applies one."
        )


def _constructor_parameters(net):
    return signature(net.module).parameters if isinstance(net.module, type) else ()
