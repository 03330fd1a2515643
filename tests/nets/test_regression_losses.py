"""The distillation loss of regression."""

import numpy as np
import pytest
import torch

from skdistill.nets.losses import pack_targets
from skdistill.nets.regression_losses import DISTANCES, RegressionLoss

OUTPUTS = torch.tensor([[0.2], [1.5], [-0.3]])
SOFT = np.array([[0.1], [1.0], [0.5]])
Y = np.array([[0.3], [2.0], [np.nan]])


def loss_of(outputs=OUTPUTS, soft=SOFT, y=Y, weight=None, **params):
    targets = torch.as_tensor(pack_targets(soft, y, weight))
    return RegressionLoss(**params)(outputs, targets)


@pytest.mark.parametrize("loss", DISTANCES)
def test_alpha_one_follows_the_teachers_alone(loss):
    one = loss_of(alpha=1.0, loss=loss)

    assert one == loss_of(y=np.full((3, 1), np.nan), alpha=0.3, loss=loss)


def test_a_row_without_target_follows_the_teachers_whatever_alpha_is():
    losses = [loss_of(OUTPUTS[2:], SOFT[2:], Y[2:], alpha=alpha) for alpha in (0.0, 0.7)]

    assert losses[0] == losses[1] == pytest.approx(0.64)


def test_alpha_mixes_both_terms():
    parts = [loss_of(OUTPUTS[:2], SOFT[:2], Y[:2], alpha=alpha).item() for alpha in (0, 1, 0.25)]

    assert parts[2] == pytest.approx(0.75 * parts[0] + 0.25 * parts[1])


@pytest.mark.parametrize(("loss", "mean"), [("poisson", 2.0), ("gamma", 2.0)])
def test_deviances_are_lowest_where_the_output_is_the_logarithm_of_the_mean(loss, mean):
    z = torch.linspace(-1, 2, 301)

    values = DISTANCES[loss](z, torch.tensor(mean))

    assert z[values.argmin()] == pytest.approx(np.log(mean), abs=0.01)
    assert values.min() == pytest.approx(0, abs=1e-3)


def test_counts_of_zero_have_a_finite_loss_and_gradient():
    outputs = torch.zeros((1, 1), requires_grad=True)

    loss_of(outputs, np.ones((1, 1)), np.zeros((1, 1)), loss="poisson").backward()

    assert torch.isfinite(outputs.grad).all()


def test_evaluation_measures_the_targets_alone_and_no_row_without():
    criterion = RegressionLoss(alpha=0.9).eval()
    targets = torch.as_tensor(pack_targets(SOFT, Y))

    assert criterion(OUTPUTS, targets) == pytest.approx((0.1**2 + 0.5**2) / 3)


def test_the_outputs_of_quantiles_minimize_the_pinball_loss():
    y = np.random.RandomState(0).normal(size=(4000, 1))
    outputs = torch.zeros(3, requires_grad=True)
    optimizer = torch.optim.Adam([outputs], lr=0.05)
    criterion = RegressionLoss(alpha=0.0, quantiles=(0.1, 0.9))
    targets = torch.as_tensor(pack_targets(np.zeros((4000, 3)), y))

    for _ in range(300):
        optimizer.zero_grad()
        criterion(outputs.expand(4000, 3), targets).backward()
        optimizer.step()

    expected = [y.mean(), *np.quantile(y, [0.1, 0.9])]
    np.testing.assert_allclose(outputs.detach(), expected, atol=0.03)


def test_a_weight_counts_as_rows():
    one = loss_of(OUTPUTS[:2], SOFT[:2], Y[:2], weight=np.array([3.0, 1.0]))

    rows = [0, 0, 0, 1]
    assert one == pytest.approx(loss_of(OUTPUTS[rows], SOFT[rows], Y[rows]).item())
