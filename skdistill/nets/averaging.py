"""An exponential moving average of a net's weights."""

import torch


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
        self.module = module
        self.decay = decay
        self.parameters = list(module.parameters())
        self.averaged = [each.detach().clone() for each in self.parameters]
        self.n_steps = 0
        self.trained = None

    @torch.no_grad()
    def step(self):
        """Update the average after a batch."""
        # The weights before the first batch do not count.
        share = min(self.decay, (1 + self.n_steps) / (10 + self.n_steps)) if self.n_steps else 0.0
        torch._foreach_lerp_(self.averaged, self.parameters, 1 - share)
        self.n_steps += 1

    def swap_in(self):
        """Put the average into the module and save its parameters; a second call does nothing."""
        if self.trained is not None:
            return
        self.trained = [each.detach().clone() for each in self.module.parameters()]
        _copy(self.averaged, self.module)

    def restore(self):
        """Put the saved parameters back into the module, to train it further."""
        if self.trained is not None:
            _copy(self.trained, self.module)
            self.trained = None


@torch.no_grad()
def _copy(parameters, module):
    for own, other in zip(module.parameters(), parameters):
        own.copy_(other)
