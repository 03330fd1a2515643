"""The distillation loss of regression, and its parts: a distance for each kind of target."""

import torch
from torch import nn
from torch.nn import functional as F

from skdistill.table.target import SMALLEST_MEAN

# Beyond it a Huber loss is linear: in standard deviations of the target.
HUBER_DELTA = 1.0


def squared_error(outputs, targets):
    """Return the squared errors."""
    return (outputs - targets).square()


def absolute_error(outputs, targets):
    """Return the absolute errors."""
    return (outputs - targets).abs()


def huber(outputs, targets):
    """Return the Huber losses: squared for small errors, linear for large ones."""
    return F.huber_loss(outputs, targets, reduction="none", delta=HUBER_DELTA)


def poisson(outputs, targets):
    """Return the Poisson deviances; the outputs are logarithms of means."""
    return 2 * (torch.xlogy(targets, targets) - targets * outputs - targets + outputs.exp())


def gamma(outputs, targets):
    """Return the gamma deviances; the outputs are logarithms of means."""
    targets = targets.clamp_min(SMALLEST_MEAN)
    return 2 * (targets * (-outputs).exp() + outputs - targets.log() - 1)


def pinball(outputs, targets, quantile):
    """Return the pinball losses, which are lowest in the mean at a quantile."""
    error = targets - outputs
    return torch.maximum(quantile * error, (quantile - 1) * error)


# By the name of the loss: the distance of an output to a soft target, and to a target. The pool
# of a quantile predicts that quantile, so the student is drawn to it from both sides alike.
DISTANCES = {
    "squared_error": squared_error,
    "absolute_error": absolute_error,
    "huber": huber,
    "quantile": absolute_error,
    "poisson": poisson,
    "gamma": gamma,
}


class RegressionLoss(nn.Module):
    """The distillation loss of a regressor, as a criterion for skorch nets.

    Of each row it is ``alpha * d(soft target, output) + (1 - alpha) * d(target, output)``, or the
    first term alone without a target. In evaluation mode it is ``d(target, output)``, so that the
    ``valid_loss`` of a net measures its predictions.

    Parameters
    ----------
    alpha : float, default=0.5
        The teachers' share on rows with a target.
    loss : str, default="squared_error"
        The distance d: "squared_error", "absolute_error", "huber", "quantile", "poisson" or
        "gamma". "quantile" is the pinball loss on targets, the absolute error on soft targets.
    quantile : float, default=0.5
        With ``loss="quantile"``.
    quantiles : tuple of float, default=()
        Of further outputs, one for each: their losses are pinball losses on targets, and squared
        errors on soft targets. They play no part in evaluation mode.

    Notes
    -----
    Targets are columns of one matrix, because skorch passes a single array: soft targets, targets
    and the row's weight. The target of a row without one is NaN.
    """

    def __init__(self, alpha=0.5, loss="squared_error", quantile=0.5, quantiles=()):
        super().__init__()
        self.alpha = alpha
        self.loss = loss
        self.quantile = quantile
        self.quantiles = tuple(quantiles)

    def forward(self, outputs, targets):
        """Compute the loss of a batch.

        Parameters
        ----------
        outputs : tensor of shape (n_samples, n_outputs)
            Those of the quantiles are the last.
        targets : tensor of shape (n_samples, n_outputs + n_targets + 1)

        Returns
        -------
        loss : tensor of shape ()
        """
        outputs = outputs.float()  # the loss is float32 under mixed precision too
        n_outputs = outputs.shape[1]
        soft_targets, y = targets[:, :n_outputs], targets[:, n_outputs:-1]
        weights = targets[:, -1]
        has_target = ~y.isnan().any(1)
        y = y.nan_to_num()
        of_targets = self.label_losses(outputs, y)
        if not self.training:
            return (of_targets * weights * has_target).mean()
        n_values = y.shape[1]
        of_teachers = DISTANCES[self.loss](outputs[:, :n_values], soft_targets[:, :n_values])
        of_teachers = of_teachers.mean(1)
        if self.quantiles:
            heads, soft_heads = outputs[:, n_values:], soft_targets[:, n_values:]
            of_teachers = of_teachers + squared_error(heads, soft_heads).mean(1)
            of_targets = of_targets + self._pinballs(heads, y)
        share = torch.where(has_target, self.alpha, 1.0)
        losses = share * of_teachers + torch.where(has_target, (1 - share) * of_targets, 0.0)
        return (losses * weights).mean()

    def label_losses(self, outputs, y):
        """Return the loss of each row against its targets, shape (n_samples,)."""
        return label_losses(outputs, y, loss=self.loss, quantile=self.quantile)

    def _pinballs(self, heads, y):
        losses = [pinball(heads[:, k], y[:, 0], q) for k, q in enumerate(self.quantiles)]
        return torch.stack(losses, 1).mean(1)


def label_losses(outputs, y, *, loss="squared_error", quantile=0.5):
    """Return the loss of each row against its targets.

    Parameters
    ----------
    outputs : tensor of shape (n_samples, n_outputs)
        Outputs beyond the targets, those of quantiles, play no part.
    y : tensor of shape (n_samples, n_targets)
    loss, quantile
        As in `RegressionLoss`.

    Returns
    -------
    losses : tensor of shape (n_samples,)
    """
    outputs = outputs[:, : y.shape[1]]
    if loss == "quantile":
        return pinball(outputs, y, quantile).mean(1)
    return DISTANCES[loss](outputs, y).mean(1)
