"""The student: a small net, and what remains of it after training."""

import torch
from skorch import NeuralNet

from skdistill._inputs import NetInputs, UnscaledInputs
from skdistill.nets.modules import LayerStack, StudentMLP
from skdistill.nets.tensor_net import TensorNet
from skdistill.nets.training import embeds_columns
from skdistill.serving.forward import ForwardPass


class StudentNet(TensorNet):
    """The default student: a skorch net over `StudentMLP`.

    Its criterion is the distillation loss, its ``valid_loss`` the log loss of held-out
    labels. `DistilledClassifier` sizes and trains it; on its own it is fitted on
    encoded rows and what `pack_targets` makes of their targets.

    Parameters
    ----------
    module : nn.Module class, default=StudentMLP
    start : dict or None, default=None
        What `student_from_teacher` has cut from a teacher: "arrays", the parameters that each
        training begins with, and "inputs", how the teacher saw a table. None: a fresh start.
    **kwargs
        As in `TensorNet`: optimizer, lr, max_epochs, batch_size, patience, callbacks;
        and ``module__hidden_sizes``, ``module__dropout`` and the like.

    Examples
    --------
    >>> import torch
    >>> from skdistill import StudentNet
    >>> net = StudentNet(optimizer=torch.optim.SGD, lr=0.1, module__hidden_sizes=(64, 64))
    """

    def __init__(self, module=StudentMLP, *, start=None, **kwargs):
        self.start = start
        super().__init__(module, **kwargs)

    def initialize_module(self):
        super().initialize_module()
        if self.start is not None:
            _begin_with(self.module_, self.start["arrays"])
        return self


def _begin_with(module, arrays):
    """Overwrite a module's parameters, which must be these."""
    own = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    theirs = {name: array.shape for name, array in arrays.items()}
    if own != theirs:
        other = sorted(name for name in own | theirs if own.get(name) != theirs.get(name))
        raise ValueError(
            f"the student's {', '.join(other)} have other shapes than what was cut from the "
            "teacher: leave its module__ sizes as they are, and choose them by "
            "student_from_teacher(keep=…, width=…)."
        )
    module.load_state_dict({name: torch.tensor(array) for name, array in arrays.items()})


class TorchForward:
    """The forward pass of a custom module, which stays a torch module on the CPU."""

    def __init__(self, module):
        self.module = module.cpu().eval()

    def __call__(self, X):
        """Logits of encoded rows, ndarray of shape (n_samples, n_classes)."""
        with torch.inference_mode():
            return self.module(torch.as_tensor(X)).numpy()


def forward_pass(net: NeuralNet):
    """What predicts once a net is trained: plain arrays, or a custom module."""
    module = net.module_
    if not isinstance(module, StudentMLP):
        return TorchForward(module)
    module.round_weights()
    return ForwardPass(**module.arrays())


def fitted_inputs(net: NeuralNet, categorical_features, X, soft_targets, rng):
    """How a net wants the table: with its layout if it asks for it, else as flat floats.

    One that was cut from a teacher wants it as its teacher saw it.
    """
    start = _start_of(net)
    if start is not None:
        return NetInputs.from_arrays(**start["inputs"])
    if net.module is LayerStack:
        return UnscaledInputs().fit(X, soft_targets, rng)
    if embeds_columns(net):
        inputs = NetInputs(categorical_features)
    else:
        inputs = NetInputs(categorical_features, max_bins=0, one_hot=True)
    return inputs.fit(X, soft_targets, rng)


def check_start(net: NeuralNet, n_features, n_classes):
    """Refuse a table that a net which was cut from a teacher cannot be trained on.

    Raises
    ------
    ValueError
        If the teacher had other numbers of columns or classes.
    """
    start = _start_of(net)
    if start is not None:
        n_columns = len(start["inputs"]["is_categorical"])
        n_outputs = len(start["arrays"]["out.bias"])
    elif net.module is LayerStack:
        linear = [m for m in net.module__layers.modules() if isinstance(m, torch.nn.Linear)]
        n_columns, n_outputs = linear[0].in_features, linear[-1].out_features
    else:
        return
    for what, got, expected in (
        ("columns", n_features, n_columns),
        ("classes", n_classes, n_outputs),
    ):
        if got != expected:
            raise ValueError(
                f"the student was cut from a teacher of {expected} {what}, but there are {got} "
                f"{what} here: cut it from one that was fitted on such a table."
            )


def _start_of(net):
    return getattr(net, "start", None)
