"""The student's net: its default, its inputs, and its forward pass after training."""

import math

import numpy as np
import torch
from scipy.sparse import issparse
from skorch import NeuralNet

from skdistill.effort import EFFORTS
from skdistill.nets import interface
from skdistill.nets.modules import StudentMLP, is_student_mlp
from skdistill.nets.tensor_net import TensorNet, name_parameters
from skdistill.serving.forward import ForwardPass

# Labels that teachers cannot explain at all save this share of the epochs.
SAVED_BY_NOISE = 0.4
ROWS_TO_SCALE = 10_000


class StudentNet(TensorNet):
    """The default student: a `TensorNet` over `StudentMLP`.

    It is trained with the distillation loss. Its ``valid_loss`` is the log loss of the labels
    of validation rows. `DistilledClassifier` sets the sizes of the input and the output, and
    trains it.

    Parameters
    ----------
    module : nn.Module class, default=StudentMLP
        Returns logits of shape (n_samples, n_classes).
    start : dict or None, default=None
        Set by `student_from_teacher`, or for `warm_start`: the initial parameters "arrays", and
        the "inputs" of the teacher or of the present student. None: random initial parameters.
    patience : int or None, default=None
        None: the student trains for all epochs on all rows if there are at least as many
        synthetic and other unlabeled rows as labeled ones. Otherwise it stops early, see
        `TensorNet`. An int, or a callback that watches ``valid_loss``: it always stops early, by
        the loss of validation rows.
    lr : float or "auto", default="auto"
        Initial learning rate. "auto": 4e-3 where the student stops early, else 8e-3. Both are
        higher than that of other nets, because soft targets are less noisy than labels.
    max_epochs : int or "auto", default="auto"
        Largest number of epochs. "auto" follows `effort` of `DistilledClassifier`: by default at
        most 50 where the student stops early, else 30 where the teachers explain the labels and
        down to 18 where they do not.
    **kwargs
        Further parameters of `TensorNet`, such as `optimizer`, `batch_size`, `callbacks` and
        ``module__hidden_sizes``. A single callback can be switched off, such as
        ``callbacks__early_stopping=None``; a student with ``callbacks="disable"`` is refused.

    See Also
    --------
    DistilledClassifier : Trains the student.
    StudentMLP : The module.
    student_from_teacher : Cuts a student from a torch teacher.

    Notes
    -----
    On its own, the net is fitted on encoded rows, and targets of shape
    (n_samples, n_classes + 2): soft targets, label (-1 for unlabeled rows) and weight.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from skdistill import DistilledClassifier, StudentNet
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = DistilledClassifier(
    ...     RandomForestClassifier(10),
    ...     StudentNet(max_epochs=3, module__hidden_sizes=(16,)),
    ...     cv=2,
    ...     random_state=0,
    ... ).fit(X, y)
    >>> clf.predict_proba(X).shape
    (150, 3)
    """

    def __init__(
        self,
        module=StudentMLP,
        *,
        start=None,
        patience=None,
        lr: float | str = "auto",
        max_epochs: int | str = "auto",
        **kwargs,
    ):
        self.start = start
        super().__init__(module, patience=patience, lr=lr, max_epochs=max_epochs, **kwargs)

    def settle(self, *, early_stopping=True, effort=EFFORTS["default"], noise=0.0):
        """Set `lr` and `max_epochs` where they are "auto".

        Parameters
        ----------
        early_stopping : bool, default=True
        effort : Effort
        noise : float, default=0.0
            Share of the labels' variance that the teachers do not explain. The noisier the
            labels, the sooner a student that does not stop early has learned what there is.

        Returns
        -------
        self : StudentNet
        """
        if self.lr == "auto":
            self.set_params(lr=4e-3 if early_stopping else 8e-3)
        if self.max_epochs == "auto":
            n_epochs = round(effort.student_epochs * (1 - SAVED_BY_NOISE * noise))
            longest = effort.student_epochs_at_most
            self.set_params(max_epochs=longest if early_stopping else n_epochs)
        return self

    def initialize(self):
        """Initialize the net."""
        self.settle()
        return super().initialize()

    def initialize_module(self):
        """Create the module, with the initial parameters in `start` if there are any."""
        super().initialize_module()
        if self.start is not None:
            _load_arrays(self.module_, self.start["arrays"])
        return self


name_parameters(StudentNet, TensorNet)


def _load_arrays(module, arrays):
    """Overwrite the parameters of a module, which must have the same names and shapes."""
    own = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    theirs = {name: array.shape for name, array in arrays.items()}
    if own != theirs:
        other = sorted(name for name in own | theirs if own.get(name) != theirs.get(name))
        raise ValueError(
            f"the student's {', '.join(other)} have other shapes than the layers that it starts "
            "from: do not set sizes by module__ parameters. student_from_teacher has keep=… and "
            "width=…, and warm_start=False starts anew."
        )
    module.load_state_dict({name: torch.tensor(array) for name, array in arrays.items()})


def choose_width(net: NeuralNet, task, X):
    """Give a net the hidden layers of its task, where nobody has set any."""
    hidden_sizes = task.hidden_sizes(math.prod(np.shape(X)[1:]))
    is_free = getattr(net, "module", None) is StudentMLP and getattr(net, "start", None) is None
    if hidden_sizes and is_free and "hidden_sizes" not in net.get_params_for("module"):
        net.set_params(module__hidden_sizes=hidden_sizes)


def fit_inputs(net: NeuralNet, data, soft_targets, rng):
    """Fit the inputs of a net, and size its module for them.

    Parameters
    ----------
    net : skorch.NeuralNet
    data : TrainingData
    soft_targets : ndarray of shape (n_samples, n_outputs)
        Soft targets of the rows, by which bins are chosen.
    rng : RandomState

    Returns
    -------
    inputs : NetInputs or UnscaledInputs
    """
    inputs = interface.fit_inputs(
        net, data.X, data.categorical_features, soft_targets, rng, encoder=data.encoder
    )
    interface.size_module(net, inputs.layout, data.task.n_outputs)
    return inputs


class TorchForward:
    """The forward pass of a custom module, which remains a torch module on the CPU."""

    scale = 1.0

    def __init__(self, module):
        self.module = module.cpu().eval()

    @property
    def kind(self):
        """The module's class in messages."""
        return type(self.module).__name__

    def __call__(self, X):
        """Return the logits of encoded rows, ndarray of shape (n_samples, n_classes)."""
        X = X.toarray() if issparse(X) else X
        with torch.inference_mode():
            return self.module(torch.as_tensor(X)).numpy()


def plain_forward(module):
    """Return the forward pass of a module: plain arrays, or a custom module as it is."""
    return ForwardPass(**module.arrays()) if is_student_mlp(module) else TorchForward(module)


def forward_pass(net: NeuralNet, transfer_set, alpha):
    """Return the forward pass of a trained net: of plain arrays, or of a custom module.

    A student of few epochs is less sure than its teachers. So its outputs get the scale of
    theirs on rows without a label, if there are at least as many of them as of the others. Where
    a small alpha says that the labels are right, a student that has learned them may be surer
    than its teachers: then it keeps more of its own scale. A custom module stays as it is.

    Parameters
    ----------
    net : skorch.NeuralNet
        Trained; it is changed.
    transfer_set : TransferSet
        What it was trained on.
    alpha : float
        The weight of the teachers.

    Returns
    -------
    student : ForwardPass or TorchForward
    """
    module = net.module_
    if not is_student_mlp(module):
        return plain_forward(module)
    unlabeled = np.flatnonzero(~transfer_set.is_labeled)
    if len(unlabeled) >= transfer_set.n_labeled:
        some = unlabeled[:: -(-len(unlabeled) // ROWS_TO_SCALE)]
        outputs = plain_forward(module)(transfer_set.X[some])
        scale = transfer_set.task.scale_to(outputs, transfer_set.soft_targets[some])
        module.scale_logits(scale**alpha)
    module.round_weights()
    return plain_forward(module)
