"""The student: a small net, and what remains of it after training."""

import torch
from scipy.sparse import issparse
from skorch import NeuralNet

from skdistill.nets.modules import StudentMLP, is_student_mlp
from skdistill.nets.tensor_net import TensorNet
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
    patience : int or None, default=None
        None: beside as many synthetic or other unlabelled rows as labelled ones it is trained
        for all epochs, on all rows; else it stops early, see `TensorNet`. An int: it always
        stops early, by rows that are held out for that.
    lr : float, default=4e-3
    max_epochs : int, default=50
        Higher and fewer than those of a net on labels alone: soft targets are less noisy.
    **kwargs
        As in `TensorNet`: optimizer, batch_size, callbacks; and
        ``module__hidden_sizes``, ``module__dropout`` and the like.

    Examples
    --------
    >>> import torch
    >>> from skdistill import StudentNet
    >>> net = StudentNet(optimizer=torch.optim.SGD, lr=0.1, module__hidden_sizes=(64, 64))
    """

    def __init__(
        self, module=StudentMLP, *, start=None, patience=None, lr=4e-3, max_epochs=50, **kwargs
    ):
        self.start = start
        super().__init__(module, patience=patience, lr=lr, max_epochs=max_epochs, **kwargs)

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
        X = X.toarray() if issparse(X) else X
        with torch.inference_mode():
            return self.module(torch.as_tensor(X)).numpy()


def forward_pass(net: NeuralNet):
    """What predicts once a net is trained: plain arrays, or a custom module."""
    module = net.module_
    if not is_student_mlp(module):
        return TorchForward(module)
    module.round_weights()
    return ForwardPass(**module.arrays())
