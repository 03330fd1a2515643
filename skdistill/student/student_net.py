"""The student: a small net, and what remains of it after training."""

import torch
from skorch import NeuralNet

from skdistill._inputs import NetInputs
from skdistill.nets.modules import StudentMLP
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
    **kwargs
        As in `TensorNet`: optimizer, lr, max_epochs, batch_size, patience, callbacks;
        and ``module__hidden_sizes``, ``module__dropout`` and the like.

    Examples
    --------
    >>> import torch
    >>> from skdistill import StudentNet
    >>> net = StudentNet(optimizer=torch.optim.SGD, lr=0.1, module__hidden_sizes=(64, 64))
    """

    def __init__(self, module=StudentMLP, **kwargs):
        super().__init__(module, **kwargs)


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


def inputs_for(net: NeuralNet, categorical_features):
    """How a net wants the table: with its layout if it asks for it, else as flat floats."""
    if embeds_columns(net):
        return NetInputs(categorical_features)
    return NetInputs(categorical_features, max_bins=0, one_hot=True)
