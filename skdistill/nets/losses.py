"""The distillation loss: what the student is asked to match."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

DIVERGENCES = ("kl", "reverse_kl", "soft_cross_entropy")

# Teachers give probabilities, and a forest gives exact zeros: log p stays finite.
SMALLEST_PROBABILITY = 1e-7


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
    """Match the teacher's probabilities and the labels.

    Each row costs ``alpha * T**2 * D(p_T, q_T) + (1 - alpha) * CE(y, q)``, where
    ``q = softmax(logits)``, ``q_T = softmax(logits / T)`` and
    ``p_T`` is the teacher tempered alike, ``p_T ~ p ** (1 / T)``. The factor T² keeps
    the gradient's scale whatever the temperature. Rows are summed over classes and
    averaged over rows, so that it does not depend on the number of classes either.

    Parameters
    ----------
    logits : tensor of shape (n_samples, n_classes)
        The student's, before any softmax.
    soft_targets : tensor of shape (n_samples, n_classes)
        The teacher's probabilities; rows sum to one. Zeros are allowed.
    labels : tensor of shape (n_samples,), dtype int64, default=None
        Class indices. A row with label -1 has none: it learns from the teacher
        alone, as do all rows when `labels` is None.
    temperature : float, default=1.0
        T > 0, applied to both sides.
    alpha : float, default=0.5
        Weight of the teacher in [0, 1] on rows that have a label.
    divergence : {"kl", "reverse_kl", "soft_cross_entropy"}, default="kl"
        KL(p ‖ q), which covers all that the teacher thinks possible; KL(q ‖ p),
        which follows its main mode; or the cross-entropy, which is KL(p ‖ q) plus
        a constant.
    sample_weight : tensor of shape (n_samples,), default=None
        Multiplies each row's loss before the mean over rows.

    Returns
    -------
    loss : tensor of shape ()

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
    teacher_loss = temperature**2 * _divergence(logits, soft_targets, temperature, divergence)
    label_loss = F.cross_entropy(logits, labels, ignore_index=-1, reduction="none")
    losses = teacher_share * teacher_loss + (1 - teacher_share) * label_loss
    return _mean_over_rows(losses, sample_weight)


def _divergence(logits, soft_targets, temperature, divergence):
    """Divergence of each row, both sides tempered, shape (n_samples,)."""
    log_q = F.log_softmax(logits / temperature, dim=1)
    # p ** (1 / T), renormalised, is a softmax of the tempered log-probabilities.
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
    """Put all that the loss wants to know of a row into one row of one matrix.

    One matrix is what any skorch net can carry to its criterion.

    Parameters
    ----------
    soft_targets : ndarray of shape (n_samples, n_classes)
    labels : ndarray of shape (n_samples,), int
        Class indices; -1 for a row without label.
    sample_weight : ndarray of shape (n_samples,), default=None
        Scaled to mean one, so that weights do not change the learning rate.

    Returns
    -------
    targets : ndarray of shape (n_samples, n_classes + 2), float32
        Soft targets, label, weight.
    """
    weight = np.ones(len(labels)) if sample_weight is None else sample_weight
    weight = weight / weight.mean()
    return np.column_stack([soft_targets, labels, weight]).astype(np.float32)


class DistillationLoss(nn.Module):
    """`distillation_loss` as a criterion for any skorch net.

    In training it is the distillation loss. In evaluation it is the plain log loss
    of the labels, so that a net's ``valid_loss``, and whatever watches it (early
    stopping, a learning-rate schedule), speaks of what the student is for.

    Parameters
    ----------
    temperature, alpha, divergence
        As in `distillation_loss`.
    """

    def __init__(self, temperature=1.0, alpha=0.5, divergence="kl"):
        super().__init__()
        self.temperature = temperature
        self.alpha = alpha
        self.divergence = divergence

    def forward(self, logits, targets):
        """Loss of a batch.

        Parameters
        ----------
        logits : tensor of shape (n_samples, n_classes)
        targets : tensor of shape (n_samples, n_classes + 2)
            Made by `pack_targets`.

        Returns
        -------
        loss : tensor of shape ()
        """
        logits = logits.float()  # under mixed precision the loss stays in float32
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
