"""The distillation loss, as a function and as a criterion, and the targets it takes."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

DIVERGENCES = ("kl", "reverse_kl", "soft_cross_entropy")

# A forest predicts exact zeros; clipping keeps log p finite.
SMALLEST_PROBABILITY = 1e-7
# Beyond these temperatures, float32 holds too few digits of the tempered probabilities.
COLDEST, HOTTEST = 1e-4, 1e4


def distillation_loss(
    logits,
    soft_targets,
    labels=None,
    *,
    temperature=1.0,
    alpha=0.5,
    divergence="kl",
    sample_weight=None,
):
    """Compute the loss of a student against its teacher's probabilities and the labels.

    Parameters
    ----------
    logits : tensor of shape (n_samples, n_classes)
        Logits of the student.
    soft_targets : tensor of shape (n_samples, n_classes)
        Probabilities of the teacher. Rows sum to one; zeros are allowed.
    labels : tensor of shape (n_samples,), dtype int64, default=None
        Class indices, -1 for an unlabeled row. The loss of an unlabeled row is the teacher's
        term alone. If None, all rows are unlabeled.
    temperature : float, default=1.0
        T > 0, applied to teacher and student.
    alpha : float, default=0.5
        Weight of the teacher's term on labeled rows, between 0 and 1.
    divergence : {"kl", "reverse_kl", "soft_cross_entropy"}, default="kl"
        Divergence D between teacher p and student q. "kl": KL(p ‖ q), which covers all modes
        of the teacher. "reverse_kl": KL(q ‖ p), which follows the main mode.
        "soft_cross_entropy": the cross-entropy of p and q, which is KL(p ‖ q) plus a constant.
    sample_weight : tensor of shape (n_samples,), default=None
        Multiplies the loss of each row before the mean over rows.

    Returns
    -------
    loss : tensor of shape ()

    Raises
    ------
    ValueError
        If `divergence` is unknown.

    See Also
    --------
    DistillationLoss : The same loss as a criterion for skorch nets.

    Notes
    -----
    The loss of a row is ``alpha * T**2 * D(p_T, q_T) + (1 - alpha) * CE(y, q)``, where
    ``q = softmax(logits)``, ``q_T = softmax(logits / T)`` and ``p_T`` is proportional to
    ``p ** (1 / T)``. The factor T² keeps the scale of the gradient independent of the
    temperature. The divergence is a sum over classes; the loss is a mean over rows. Temperatures
    are clipped to the range from 0.0001 to 10,000, beyond which float32 is too coarse.

    References
    ----------
    Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network", 2015,
    arXiv:1503.02531.

    Examples
    --------
    >>> import torch
    >>> from skdistill import distillation_loss
    >>> p = torch.tensor([[0.9, 0.1]])
    >>> round(distillation_loss(p.log(), p, temperature=2.0).item(), 6)
    0.0
    """
    if labels is None:
        labels = torch.full(logits.shape[:1], -1, device=logits.device)
    teacher_share = torch.where(labels < 0, 1.0, alpha)
    temperature = min(max(temperature, COLDEST), HOTTEST)
    teacher_loss = temperature**2 * _divergence(logits, soft_targets, temperature, divergence)
    label_loss = F.cross_entropy(logits, labels, ignore_index=-1, reduction="none")
    losses = teacher_share * teacher_loss + (1 - teacher_share) * label_loss
    return _mean_over_rows(losses, sample_weight)


def _divergence(logits, soft_targets, temperature, divergence):
    """Return the divergence of each row at temperature T, shape (n_samples,)."""
    log_q = F.log_softmax(logits / temperature, dim=1)
    # p ** (1 / T), normalized, is the softmax of log(p) / T.
    log_p = F.log_softmax(soft_targets.clamp_min(SMALLEST_PROBABILITY).log() / temperature, dim=1)
    match divergence:
        case "kl":
            return (log_p.exp() * (log_p - log_q)).sum(1)
        case "reverse_kl":
            return (log_q.exp() * (log_q - log_p)).sum(1)
        case "soft_cross_entropy":
            return -(log_p.exp() * log_q).sum(1)
    raise ValueError(f"divergence must be one of {DIVERGENCES}, got {divergence!r}.")


def _mean_over_rows(losses, sample_weight):
    return losses.mean() if sample_weight is None else (losses * sample_weight).mean()


def pack_targets(soft_targets, labels, sample_weight=None):
    """Pack soft targets, labels and weights into one matrix.

    A skorch net passes a single target array to its criterion.

    Parameters
    ----------
    soft_targets : ndarray of shape (n_samples, n_classes)
    labels : ndarray of shape (n_samples,), int
        Class indices, -1 for unlabeled rows.
    sample_weight : ndarray of shape (n_samples,), default=None
        Scaled to mean one, so that the scale of the weights does not act as a learning rate.

    Returns
    -------
    targets : ndarray of shape (n_samples, n_classes + 2), float32
        Columns: soft targets, label, weight.
    """
    weight = np.ones(len(labels)) if sample_weight is None else sample_weight
    weight = weight / weight.mean()
    return np.column_stack([soft_targets, labels, weight]).astype(np.float32)


class DistillationLoss(nn.Module):
    """`distillation_loss` as a criterion for skorch nets.

    In training mode it is the distillation loss. In evaluation mode it is the log loss of the
    labels. So the ``valid_loss`` of a net, and the early stopping and learning-rate schedules
    that monitor it, measure the quality of the predictions.

    Parameters
    ----------
    temperature : float, default=1.0
        T > 0, applied to teacher and student.
    alpha : float, default=0.5
        Weight of the teacher's term on labeled rows, between 0 and 1.
    divergence : {"kl", "reverse_kl", "soft_cross_entropy"}, default="kl"
        See `distillation_loss`.

    See Also
    --------
    distillation_loss : The function, with its formula.
    TensorNet : A skorch net with this criterion by default.

    Notes
    -----
    skorch passes one target array to a criterion. So soft targets, labels and weights are the
    columns of one matrix, see `forward`. In evaluation mode, `temperature` and `alpha` play no
    part, and an unlabeled row has loss 0. The loss is computed in float32, also in mixed
    precision.

    Examples
    --------
    >>> import torch
    >>> from skdistill import DistillationLoss
    >>> logits = torch.tensor([[2.0, 0.0]])
    >>> # Soft targets of two classes, the label, the row's weight.
    >>> targets = torch.tensor([[0.9, 0.1, 0.0, 1.0]])
    >>> criterion = DistillationLoss(temperature=2.0, alpha=0.5)
    >>> round(criterion(logits, targets).item(), 3)
    0.065
    >>> round(criterion.eval()(logits, targets).item(), 3)
    0.127
    """

    def __init__(self, temperature=1.0, alpha=0.5, divergence="kl"):
        super().__init__()
        self.temperature = temperature
        self.alpha = alpha
        self.divergence = divergence

    def forward(self, logits, targets):
        """Compute the loss of a batch.

        Parameters
        ----------
        logits : tensor of shape (n_samples, n_classes)
        targets : tensor of shape (n_samples, n_classes + 2)
            Columns: soft targets, label (-1 for unlabeled rows), weight.

        Returns
        -------
        loss : tensor of shape ()
        """
        logits = logits.float()  # the loss is float32 under mixed precision too
        soft_targets, labels, weights = targets[:, :-2], targets[:, -2].long(), targets[:, -1]
        if not self.training:
            losses = F.cross_entropy(logits, labels, ignore_index=-1, reduction="none")
            return _mean_over_rows(losses, weights)
        return distillation_loss(
            logits,
            soft_targets,
            labels,
            temperature=self.temperature,
            alpha=self.alpha,
            divergence=self.divergence,
            sample_weight=weights,
        )
