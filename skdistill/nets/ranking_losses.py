"""The distillation loss of ranking, and its parts: losses of the order within each query."""

import torch
from torch import nn
from torch.nn import functional as F

# The relevance of a row is its gain, as in scikit-learn's `ndcg_score`.
SMALLEST_GAIN = 1e-12


def queries_of(codes):
    """Number the queries of some rows from 0.

    Parameters
    ----------
    codes : tensor of shape (n_samples,)

    Returns
    -------
    query : tensor of int of shape (n_samples,)
    n_queries : int
    """
    values, query = codes.unique(return_inverse=True)
    return query, len(values)


def log_softmax_within(scores, query, n_queries):
    """Return the logarithms of the softmax of scores within each query.

    Parameters
    ----------
    scores : tensor of shape (n_samples,)
    query : tensor of int of shape (n_samples,)
        From 0 to ``n_queries - 1``.
    n_queries : int

    Returns
    -------
    log_proba : tensor of shape (n_samples,)
    """
    lowest = scores.new_full((n_queries,), -torch.inf)
    largest = lowest.scatter_reduce(0, query, scores.detach(), "amax")
    shifted = scores - largest[query]
    total = scores.new_zeros(n_queries).index_add(0, query, shifted.exp())
    return shifted - total.log()[query]


def differs_within(relevance, query, n_queries):
    """Return which queries have rows of different relevance, a mask of shape (n_queries,)."""
    lowest = relevance.new_full((n_queries,), torch.inf)
    largest = relevance.new_full((n_queries,), -torch.inf)
    lowest = lowest.scatter_reduce(0, query, relevance, "amin")
    largest = largest.scatter_reduce(0, query, relevance, "amax")
    return largest > lowest


def listwise(scores, relevance, query, n_queries):
    """Return the cross-entropy of the softmax to the shares of relevance [1]_, by row.

    The sum over the rows of a query is its loss, as for the others.

    References
    ----------
    .. [1] Cao et al., "Learning to rank: from pairwise approach to listwise approach", 2007.
    """
    total = relevance.new_zeros(n_queries).index_add(0, query, relevance)
    share = relevance / total.clamp_min(SMALLEST_GAIN)[query]
    return -share * log_softmax_within(scores, query, n_queries)


def pairwise(scores, relevance, query, n_queries):
    """Return the logistic loss of pairs of different relevance, as RankNet [1]_, by row.

    The loss of a query is the mean of its pairs.

    References
    ----------
    .. [1] Burges et al., "Learning to rank using gradient descent", 2005.
    """
    better = _pairs(relevance, query)
    n_pairs = relevance.new_zeros(n_queries).index_add(0, query, better.sum(1))
    losses = better * F.softplus(scores[None, :] - scores[:, None])
    return losses.sum(1) / n_pairs.clamp_min(1)[query]


def lambdarank(scores, relevance, query, n_queries):
    """Return the logistic loss of pairs, weighted by the NDCG that a swap changes [1]_, by row.

    References
    ----------
    .. [1] Wang et al., "The LambdaLoss framework for ranking metric optimization", 2018.
    """
    better = _pairs(relevance, query)
    same = query[:, None] == query[None, :]
    with torch.no_grad():
        place = (same & (scores[None, :] > scores[:, None])).sum(1)
        discount = 1 / torch.log2(place + 2.0)
        ideal_place = _place_by_relevance(relevance, same)
        ideal = relevance.new_zeros(n_queries).index_add(
            0, query, relevance / torch.log2(ideal_place + 2.0)
        )
        change = (relevance[:, None] - relevance[None, :]).abs()
        change = change * (discount[:, None] - discount[None, :]).abs()
        change = better * change / ideal.clamp_min(SMALLEST_GAIN)[query][:, None]
    return (change * F.softplus(scores[None, :] - scores[:, None])).sum(1)


def listmle(scores, relevance, query, n_queries):
    """Return the negative log-likelihood of the order by relevance [1]_, by row.

    The loss of a query is the mean of its rows. Rows of equal relevance are in random order.

    References
    ----------
    .. [1] Xia et al., "Listwise approach to learning to rank", 2008.
    """
    same = query[:, None] == query[None, :]
    place = _place_by_relevance(relevance, same)
    not_before = same & (place[None, :] >= place[:, None])
    rest = scores[None, :].masked_fill(~not_before, -torch.inf).logsumexp(1)
    n_rows = relevance.new_zeros(n_queries).index_add(0, query, torch.ones_like(relevance))
    return (rest - scores) / n_rows[query]


def _pairs(relevance, query):
    """Return 1 where a row is more relevant than another of its query, else 0."""
    same = query[:, None] == query[None, :]
    return (same & (relevance[:, None] > relevance[None, :])).to(relevance)


def _place_by_relevance(relevance, same):
    """Return the place of each row by relevance, ties in random order, from 0."""
    tie = torch.randperm(len(relevance), device=relevance.device)
    higher = relevance[None, :] > relevance[:, None]
    higher |= (relevance[None, :] == relevance[:, None]) & (tie[None, :] < tie[:, None])
    return (same & higher).sum(1)


# By the name of the loss. All but the first compare each row of a batch with each other.
LABEL_LOSSES = {
    "listwise": listwise,
    "pairwise": pairwise,
    "listmle": listmle,
    "lambdarank": lambdarank,
}


class RankingLoss(nn.Module):
    """The distillation loss of a ranker, as a criterion for skorch nets.

    Of each query it is ``alpha * T² * KL(softmax(soft target / T), softmax(output / T))
    + (1 - alpha) * label loss``, where a query of equal labels has the first term alone. A row
    without a query has half the squared distance of its output to its soft target. In evaluation
    mode it is the mean listwise loss of the queries with different labels, whatever `loss` is. A
    query has the mean weight of its rows.

    Parameters
    ----------
    alpha : float, default=0.5
        The teachers' share of the loss of queries.
    temperature : float, default=1.0
        T, which softens both distributions within a query.
    loss : {"listwise", "pairwise", "listmle", "lambdarank"}, default="listwise"
        The loss on labels.
    rows_per_query : float, default=1.0
        By which the loss of a query counts as so many rows.

    Notes
    -----
    Targets are columns of one matrix, because skorch passes a single array: soft target,
    relevance, number of the query, and the row's weight. Relevance and number of a row without
    labels are NaN. A batch must hold whole queries; `groups` tells `TensorNet` which they are.
    """

    def __init__(self, alpha=0.5, temperature=1.0, loss="listwise", rows_per_query=1.0):
        super().__init__()
        self.alpha = alpha
        self.temperature = temperature
        self.loss = loss
        self.rows_per_query = rows_per_query

    def groups(self, targets):
        """Return the number of each row's query, NaN for rows without one, (n_samples,)."""
        return targets[:, -2]

    def forward(self, outputs, targets):
        """Compute the loss of a batch.

        Parameters
        ----------
        outputs : tensor of shape (n_samples, 1)
        targets : tensor of shape (n_samples, 4)

        Returns
        -------
        loss : tensor of shape ()
        """
        scores = outputs[:, 0].float()  # the loss is float32 under mixed precision too
        soft, relevance, codes, weight = targets.unbind(1)
        counts = weight > 0  # rows of no weight do not take part in their queries either
        in_query, alone = counts & ~codes.isnan(), counts & codes.isnan()
        query, n_queries = queries_of(codes[in_query])
        rows = scores[in_query], relevance[in_query], query, n_queries
        of_query = _means(weight[in_query], query, n_queries)
        if not self.training:
            losses, differs = informative(listwise, *rows)
            total = (losses * of_query[query]).sum()
            return total / (of_query * differs).sum().clamp_min(SMALLEST_GAIN)
        of_rows = (scores[alone] - soft[alone]).square() / 2
        of_queries = self._of_queries(soft[in_query], *rows) * of_query[query]
        total = self.rows_per_query * of_queries.sum() + (of_rows * weight[alone]).sum()
        return total / len(scores)

    def _of_queries(self, soft, scores, relevance, query, n_queries):
        """Return the losses of rows in queries."""
        losses = torch.zeros_like(scores)
        if self.alpha > 0:
            T = self.temperature
            log_student = log_softmax_within(scores / T, query, n_queries)
            log_teacher = log_softmax_within(soft / T, query, n_queries)
            divergence = log_teacher.exp() * (log_teacher - log_student)
            losses = losses + self.alpha * T**2 * divergence
        if self.alpha < 1:
            label_loss = LABEL_LOSSES[self.loss]
            own, _ = informative(label_loss, scores, relevance, query, n_queries)
            losses = losses + (1 - self.alpha) * own
        return losses


def _means(values, query, n_queries):
    """Return the mean of each query, shape (n_queries,)."""
    sums = values.new_zeros(2, n_queries)
    sums.index_add_(1, query, torch.stack([values, torch.ones_like(values)]))
    return sums[0] / sums[1]


def informative(loss, scores, relevance, query, n_queries):
    """Return a loss by row, 0 in queries of equal labels, and a mask of the other queries."""
    differs = differs_within(relevance, query, n_queries)
    losses = loss(scores, relevance, query, n_queries)
    return torch.where(differs[query], losses, 0.0), differs


def label_losses(outputs, y):
    """Return the listwise loss by row: its mean is that of the queries of different labels.

    Parameters
    ----------
    outputs : tensor of shape (n_samples, 1)
    y : tensor of shape (n_samples, 2)
        Relevance, and the number of the query.

    Returns
    -------
    losses : tensor of shape (n_samples,)
    """
    query, n_queries = queries_of(y[:, 1])
    losses, differs = informative(listwise, outputs[:, 0], y[:, 0], query, n_queries)
    return losses * len(y) / differs.sum().clamp_min(1)
