"""The losses of ranking: whole queries, and their order alone."""

import math
from itertools import permutations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from skdistill.nets.losses import pack_targets
from skdistill.nets.ranking_losses import LABEL_LOSSES, RankingLoss, label_losses, pairwise
from skdistill.nets.tensor_net import Batches

SCORES = torch.tensor([0.2, 1.5, -0.3, 0.7, 0.1])
RELEVANCE = np.array([0.0, 2.0, 1.0, 0.0, 3.0])
QUERY = np.array([7, 3, 7, 3, 7])


def loss_of(scores=SCORES, soft=None, y=RELEVANCE, query=QUERY, weight=None, **params):
    soft = np.linspace(-1, 1, len(y)) if soft is None else soft
    targets = pack_targets(np.c_[soft], np.column_stack([y, query]), weight)
    criterion = RankingLoss(**params)
    return criterion(scores[:, None], torch.as_tensor(targets))


def on_labels(loss, scores=SCORES, y=RELEVANCE, query=QUERY, **params):
    return loss_of(scores, y=y, query=query, alpha=0.0, loss=loss, **params)


def test_the_listwise_loss_is_the_cross_entropy_to_the_shares_of_relevance():
    one = F.cross_entropy(SCORES[[1, 3]], torch.tensor([1.0, 0.0]))
    other = F.cross_entropy(SCORES[[0, 2, 4]], torch.tensor([0.0, 0.25, 0.75]))

    assert on_labels("listwise").item() == pytest.approx((one + other).item() / 5)


def test_the_pairwise_loss_is_the_mean_logistic_loss_of_a_querys_pairs():
    pairs = [F.softplus(SCORES[low] - SCORES[high]) for low, high in [(0, 2), (0, 4), (2, 4)]]
    expected = F.softplus(SCORES[3] - SCORES[1]) + sum(pairs) / 3

    assert on_labels("pairwise").item() == pytest.approx(expected.item() / 5)


def test_listmle_is_the_likelihood_of_the_order():
    q = np.zeros(3)
    scores = SCORES[:3]

    losses = [
        3 * on_labels("listmle", scores, np.array(order, float), q).item() * 3
        for order in permutations(range(3))
    ]

    assert sum(math.exp(-loss) for loss in losses) == pytest.approx(1)


def test_lambdarank_weighs_a_pair_by_the_ndcg_that_its_swap_changes():
    scores, relevance = torch.tensor([3.0, 2.0, 1.0]), np.array([0.0, 0.0, 1.0])

    loss = on_labels("lambdarank", scores, relevance, np.zeros(3)).item()

    gains = [1 - 1 / math.log2(4), 1 / math.log2(3) - 1 / math.log2(4)]
    expected = gains[0] * F.softplus(torch.tensor(2.0)) + gains[1] * F.softplus(torch.tensor(1.0))
    assert 3 * loss == pytest.approx(expected.item())


@pytest.mark.parametrize("loss", LABEL_LOSSES)
@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_the_loss_does_not_change_with_a_constant_in_a_query(loss, alpha):
    shift = torch.as_tensor(np.where(QUERY == 3, 5.0, -2.0), dtype=torch.float32)

    torch.manual_seed(0)
    one = loss_of(alpha=alpha, loss=loss)
    torch.manual_seed(0)
    other = loss_of(SCORES + shift, alpha=alpha, loss=loss)

    assert one.item() == pytest.approx(other.item(), rel=1e-5)


@pytest.mark.parametrize("loss", LABEL_LOSSES)
def test_the_loss_does_not_depend_on_the_order_of_rows_and_the_names_of_queries(loss):
    order = np.array([3, 0, 4, 2, 1])

    one = on_labels(loss)
    other = on_labels(loss, SCORES[order], RELEVANCE[order], 100 - QUERY[order])

    assert one.item() == pytest.approx(other.item(), rel=1e-5)


@pytest.mark.parametrize("loss", LABEL_LOSSES)
def test_descending_the_loss_orders_the_rows(loss):
    scores = torch.zeros(5, requires_grad=True)
    optimizer = torch.optim.Adam([scores], lr=0.1)
    for _ in range(100):
        optimizer.zero_grad()
        on_labels(loss, scores + torch.tensor([1.0, 0.0, 0.5, 1.0, 0.0])).backward()
        optimizer.step()

    found = scores.detach() + torch.tensor([1.0, 0.0, 0.5, 1.0, 0.0])
    assert found[1] > found[3]
    assert found[4] > found[2] > found[0]


@pytest.mark.parametrize("loss", LABEL_LOSSES)
def test_a_query_of_equal_labels_weighs_nothing_on_labels(loss):
    with_it = on_labels(
        loss,
        torch.cat([SCORES, torch.tensor([3.0, -3.0])]),
        np.append(RELEVANCE, [1.0, 1.0]),
        np.append(QUERY, [9, 9]),
    )

    assert 7 * with_it.item() == pytest.approx(5 * on_labels(loss).item(), rel=1e-5)


def test_a_row_of_no_weight_takes_no_part_in_its_query():
    weight = np.array([1.0, 1, 0, 1, 1])
    kept = [0, 1, 3, 4]

    one = on_labels("listwise", weight=weight)
    other = on_labels("listwise", SCORES[kept], RELEVANCE[kept], QUERY[kept])

    assert one.item() == pytest.approx(other.item(), rel=1e-5)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_a_query_has_the_mean_weight_of_its_rows(alpha):
    uneven, even = np.array([1.0, 4, 2, 6, 3]), np.array([2.0, 5, 2, 5, 2])

    one, other = (loss_of(alpha=alpha, weight=weight) for weight in (uneven, even))
    unweighted = loss_of(alpha=alpha)

    assert one.item() == pytest.approx(other.item(), rel=1e-5)
    assert one.item() != pytest.approx(unweighted.item(), rel=1e-3)


def test_alpha_one_is_least_where_the_student_orders_like_its_teachers():
    soft = np.array([1.0, 0.3, -2.0, 0.2, 0.4])
    like_them = torch.as_tensor(soft, dtype=torch.float32) + 3

    least = loss_of(like_them, soft, alpha=1.0, temperature=2.0)

    assert least.item() == pytest.approx(0, abs=1e-6)
    assert loss_of(SCORES, soft, alpha=1.0, temperature=2.0) > 0.01


def test_a_row_without_a_query_is_drawn_to_its_soft_target_whatever_alpha_is():
    nothing = np.full(5, np.nan)

    losses = [
        loss_of(soft=RELEVANCE, y=nothing, query=nothing, alpha=alpha) for alpha in (0.0, 1.0)
    ]

    expected = np.square(SCORES.numpy() - RELEVANCE).mean() / 2
    assert losses[0] == losses[1]
    assert losses[0].item() == pytest.approx(expected)


def test_in_evaluation_the_loss_is_the_mean_of_queries_whatever_it_is_in_training():
    targets = torch.as_tensor(pack_targets(np.zeros((5, 1)), np.column_stack([RELEVANCE, QUERY])))
    found = {
        RankingLoss(alpha, loss=loss).eval()(SCORES[:, None], targets).item()
        for alpha, loss in [(0.0, "listmle"), (1.0, "listwise")]
    }
    rows = label_losses(SCORES[:, None], torch.as_tensor(np.column_stack([RELEVANCE, QUERY])))

    assert len(found) == 1
    assert rows.mean().item() == pytest.approx(found.pop(), rel=1e-5)


def test_huge_scores_have_a_finite_loss():
    scores = torch.tensor([1e30, -1e30, 1e30, 0.0, -1e30])

    for loss in ("listwise", "listmle"):
        assert math.isfinite(on_labels(loss, scores).item())


def test_an_epoch_without_pairs_has_no_loss():
    query = torch.zeros(2, dtype=torch.int64)

    losses = pairwise(torch.zeros(2), torch.ones(2), query, 1)

    assert losses.tolist() == [0, 0]


@pytest.mark.parametrize("shuffle", [True, False])
def test_batches_hold_whole_groups_and_each_row_once(shuffle):
    groups = torch.as_tensor(np.random.RandomState(0).randint(0, 40, 300)).float()
    groups[::7] = torch.nan
    rows = torch.arange(300)

    batches = [y for _, y in Batches(rows, rows, 32, shuffle=shuffle, groups=groups)]

    seen = [set(groups[each].nan_to_num(-1).tolist()) - {-1} for each in batches]
    assert torch.cat(batches).sort().values.tolist() == rows.tolist()
    assert sum(map(len, seen)) == len(set.union(*seen))
    assert 7 <= len(batches) <= 9
    assert max(map(len, batches)) <= 32 + 20


def test_a_group_larger_than_a_batch_is_a_batch():
    groups = torch.tensor([0.0] * 50 + [1.0] * 4)
    rows = torch.arange(54)

    batches = [y for _, y in Batches(rows, rows, 4, shuffle=True, groups=groups)]

    assert sorted(map(len, batches)) == [4, 50]
