"""A running average of a net's weights, which is steadier than the weights themselves."""

import torch
from torch.optim.swa_utils import AveragedModel


class RunningAverage:
    """Keeps the average of a module's parameters while they are trained.

    Between epochs the module holds the average, so that this is what is validated, and
    what early stopping keeps; a training epoch goes on from the parameters themselves.

    Parameters
    ----------
    module : nn.Module
    decay : float
        Weight of what was before in each step's average. The first steps weigh less.

    References
    ----------
    Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992.
    """

    def __init__(self, module, decay):
        def average(averaged, current, n_averaged):
            n_averaged = int(n_averaged)
            share = min(decay, (1 + n_averaged) / (10 + n_averaged))
            torch._foreach_lerp_(averaged, current, 1 - share)

        self.module = module
        self.averaged = AveragedModel(module, multi_avg_fn=average)
        self.trained = None

    def step(self):
        """Take in what one batch has made of the parameters."""
        self.averaged.update_parameters(self.module)

    def put(self):
        """Give the module the average, and remember what it had; once is enough."""
        if self.trained is not None:
            return
        self.trained = [each.detach().clone() for each in self.module.parameters()]
        _copy(self.averaged.module.parameters(), self.module)

    def take_back(self):
        """Give the module what it had, to train it further."""
        if self.trained is not None:
            _copy(self.trained, self.module)
            self.trained = None


@torch.no_grad()
def _copy(parameters, module):
    for own, other in zip(module.parameters(), parameters):
        own.copy_(other)
