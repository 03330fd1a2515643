"""Nets of one shape, stacked and trained side by side."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from torch.nn.functional import cross_entropy

from skdistill import StudentMLP, TensorNet
from skdistill.nets.side_by_side import StackedRows, train_side_by_side
from skdistill.nets.stack import Stack, dropout_mask
from skdistill.table.net_inputs import InputLayout
from tests.small import numeric_rows

LOSSES = partial(cross_entropy, reduction="none")
LAYOUT = InputLayout(n_numbers=3, n_embedded=2, n_indicators=1, n_categories=(3, 4), n_bins=(5, 3))


def encoded_rows(n_samples, seed=0):
    """Rows of `LAYOUT` as one net takes them."""
    rng = np.random.RandomState(seed)
    numbers, indicators = rng.normal(size=(n_samples, 3)), rng.randint(0, 2, (n_samples, 1))
    categories = np.column_stack([rng.randint(0, 3, n_samples), rng.randint(0, 4, n_samples)])
    bins = np.column_stack([rng.randint(0, 5, n_samples), rng.randint(0, 3, n_samples)])
    return torch.tensor(np.hstack([numbers, indicators, categories, bins]), dtype=torch.float32)


def modules(n_nets, layout=LAYOUT, **params):
    torch.manual_seed(0)
    params = {"hidden_sizes": (8, 6)} | params
    return [StudentMLP(layout, n_classes=3, **params) for _ in range(n_nets)]


@pytest.mark.parametrize(
    "params", [{}, {"n_frequencies": 0}, {"bin_embedding_size": 0}, {"hidden_sizes": ()}]
)
def test_a_stack_gives_the_logits_of_each_of_its_nets(params):
    nets = modules(3, **params)
    rows = [encoded_rows(7, seed) for seed in range(3)]

    with torch.no_grad():
        X, bins = (
            torch.stack([each[:, :-2] for each in rows]),
            torch.stack([each[:, -2:] for each in rows]),
        )
        together = Stack(nets).eval()(X, bins)
        alone = torch.stack([net.eval()(each) for net, each in zip(nets, rows)])

    assert_allclose(together, alone, atol=1e-6)


def test_a_net_gets_the_weights_of_its_place_back():
    nets = modules(2)
    stack = Stack(nets)
    with torch.no_grad():
        for each in stack.stacked:
            each[1] += 1
    before = [parameter.clone() for parameter in nets[0].parameters()]
    other = [parameter.clone() for parameter in nets[1].parameters()]

    stack.unstack(nets)

    assert all(map(torch.equal, before, nets[0].parameters()))
    assert all(torch.allclose(a + 1, b) for a, b in zip(other, nets[1].parameters()))


def trained(n_nets=3, rows=None, **params):
    """Nets trained on two thirds of some rows each, and validated on the others."""
    torch.manual_seed(0)
    X, y = numeric_rows(90)
    layout = InputLayout(5, 5, 0, ())
    params = {"max_epochs": 12, "patience": 12, "module__hidden_sizes": (8,)} | params
    nets = [
        TensorNet(StudentMLP, module__layout=layout, module__n_classes=3, **params).initialize()
        for _ in range(n_nets)
    ]
    train = [np.flatnonzero(np.arange(90) % 3 != m % 3) for m in range(n_nets)]
    valid = [np.flatnonzero(np.arange(90) % 3 == m % 3) for m in range(n_nets)]
    rows = rows or StackedRows(X.astype(np.float32), None, y, LOSSES, None, train, valid)
    history, diverged = train_side_by_side(nets, rows, seed=0)
    return nets, rows, history, diverged


def test_nets_that_are_trained_side_by_side_learn_their_rows():
    nets, rows, history, diverged = trained(lr=1e-2)

    assert not diverged
    assert history[-1]["valid_loss"] < history[0]["valid_loss"] < 1.1
    for net, valid in zip(nets, rows.valid):
        right = net.predict_proba(rows.X[valid]).argmax(1) == rows.y[valid]
        assert right.mean() > 0.7


def test_they_are_those_of_the_epoch_with_the_lowest_mean_validation_loss():
    _, _, history, _ = trained(lr=0.1, patience=4, max_epochs=40)
    losses = [epoch["valid_loss"] for epoch in history]

    assert len(losses) == np.argmin(losses) + 1 + 4


def test_a_net_never_sees_the_labels_of_its_validation_rows():
    _, rows, _, _ = trained(1)
    changed = StackedRows(rows.X, None, rows.y.copy(), LOSSES, None, rows.train, rows.valid)
    changed.y[rows.valid[0]] = (rows.y[rows.valid[0]] + 1) % 3
    # Which epoch is kept is all that they decide: there is one.
    one, other = (trained(1, each, max_epochs=1)[0][0] for each in (rows, changed))

    assert_array_equal(one.predict_proba(rows.X), other.predict_proba(rows.X))


def test_a_net_without_validation_rows_is_trained_beside_the_others():
    X, y = numeric_rows(90)
    everything = np.arange(90)
    rows = StackedRows(
        X.astype(np.float32), None, y, LOSSES, np.ones(90),
        [everything[::2], everything[1::2], everything],
        [everything[1::2], everything[::2], everything[:0]],
    )  # fmt: skip

    nets, _, _, _ = trained(3, rows, lr=1e-2)

    assert (nets[2].predict_proba(rows.X).argmax(1) == y).mean() > 0.7


def test_without_validation_rows_all_epochs_are_trained():
    X, y = numeric_rows(90)
    nobody = np.arange(0)
    rows = StackedRows(
        X.astype(np.float32), None, y, LOSSES, None, [np.arange(90)] * 2, [nobody] * 2
    )

    nets, _, history, _ = trained(2, rows, lr=1e-2, patience=2)

    assert len(history) == 12
    assert (nets[0].predict_proba(rows.X).argmax(1) == y).mean() > 0.7


def test_a_net_that_diverges_is_named_and_leaves_the_others_as_they_are():
    X, y = numeric_rows(90)
    X = np.where(np.arange(90)[:, None] < 30, np.inf, X).astype(np.float32)
    sane = np.arange(30, 90)
    rows = StackedRows(
        X, None, y, LOSSES, None, [np.arange(30), sane[::2]], [sane[1::2], sane[1::2]]
    )

    nets, _, _, diverged = trained(2, rows, lr=1e-2)

    assert diverged == [0]
    assert (nets[1].predict_proba(X[sane[1::2]]).argmax(1) == y[sane[1::2]]).mean() > 0.6


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_dropout_drops_its_share_and_keeps_the_mean(rate):
    torch.manual_seed(0)
    mask = dropout_mask(torch.ones(400, 300), rate)

    assert (mask == 0).float().mean() == pytest.approx(rate, abs=0.005)
    assert mask.mean() == pytest.approx(1, abs=0.01)


def test_a_stack_drops_whole_bins_of_weak_columns_of_each_net():
    layout = InputLayout(2, 2, 0, (), n_bins=(3, 3), weak_bins=(True, False))
    nets = modules(2, layout, bin_dropout=0.5, n_frequencies=0, hidden_sizes=(), dropout=0.0)
    X, bins = torch.zeros(2, 1_000, 2), torch.zeros(2, 1_000, 2, dtype=torch.int64)

    logits = Stack(nets).train()(X, bins)[..., 0].detach()

    for each in logits:  # all rows are alike, but for what is dropped
        _, counts = each.unique(return_counts=True)
        assert len(counts) == 2
        assert counts.min() > 400


@pytest.mark.parametrize(
    "layout",
    [
        LAYOUT,
        replace(LAYOUT, weak_bins=(True, False)),
        replace(LAYOUT, n_bins=()),
        replace(LAYOUT, n_categories=()),
    ],
)
def test_a_stack_computes_on_the_device_of_its_nets(layout):
    """On torch's device without memory, which refuses tensors of others, as a GPU does."""
    nets = [net.to("meta") for net in modules(2, layout)]
    n_alike = layout.width - len(layout.n_bins)
    X, bins = torch.empty(2, 7, n_alike), torch.empty(2, 7, len(layout.n_bins))

    logits = Stack(nets).train()(X.to("meta"), bins.to("meta"))
    cross_entropy(
        logits.flatten(0, 1), torch.zeros(14, dtype=torch.int64, device="meta")
    ).backward()

    assert logits.device.type == "meta"


@pytest.mark.gpu
def test_a_gpu_trains_them_as_the_processor_does():
    nets, rows, _, diverged = trained(3, device="cuda", lr=1e-2)

    assert not diverged
    right = nets[0].predict_proba(rows.X[rows.valid[0]]).argmax(1) == rows.y[rows.valid[0]]
    assert right.mean() > 0.7
