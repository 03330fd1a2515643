"""An exponential moving average of a net's weights."""

import torch
from torch.optim.swa_utils import AveragedModel


class RunningAverage:
    """Exponential moving average of a module's parameters during training.

    Between epochs the module holds the average, so validation and early stopping see the
    average. A training epoch continues from the parameters themselves.

    Parameters
    ----------
    module : nn.Module
    decay : float
        Weight of the previous average in each step. It is lower in the first steps.

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
        """Update the average after a batch."""
        self.averaged.update_parameters(self.module)

    def swap_in(self):
        """Put the average into the module and save its parameters; a second call does nothing."""
        if self.trained is not None:
            return
        self.trained = [each.detach().clone() for each in self.module.parameters()]
        _copy(self.averaged.module.parameters(), self.module)

    def restore(self):
        """Put the saved parameters back into the module, to train it further."""
        if self.trained is not None:
            _copy(self.trained, self.module)
            self.trained = None


@torch.no_grad()
def _copy(parameters, module):
    for own, other in zip(module.parameters(), parameters):
        own.copy_(other)
