import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch.nn import functional as F

from skdistill import DistillationLoss, distillation_loss
from skdistill.nets.losses import DIVERGENCES, pack_targets
from skdistill.nets.training import train_net
from skdistill.table.net_inputs import NetInputs
from tests.small import quick_student, transfer_set


def logits_and_targets(n_samples=8, n_classes=4, seed=0):
    """Random logits, probabilities and labels."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(n_samples, n_classes, generator=generator, dtype=torch.float64)
    targets = torch.randn(n_samples, n_classes, generator=generator, dtype=torch.float64).softmax(1)
    labels = torch.randint(n_classes, (n_samples,), generator=generator)
    return logits, targets, labels


def gradient(logits, *args, **kwargs):
    logits = logits.clone().requires_grad_()
    distillation_loss(logits, *args, **kwargs).backward()
    return logits.grad


@pytest.mark.parametrize("divergence", DIVERGENCES)
@pytest.mark.parametrize("temperature", [1.0, 2.0, 5.0])
def test_free_logits_recover_the_soft_targets(temperature, divergence):
    _, p, _ = logits_and_targets()
    logits = torch.zeros_like(p, requires_grad=True)
    optimizer = torch.optim.LBFGS([logits], max_iter=500, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = distillation_loss(logits, p, temperature=temperature, divergence=divergence)
        loss.backward()
        return loss

    optimizer.step(closure)

    torch.testing.assert_close(logits.detach().softmax(1), p, atol=1e-4, rtol=0)


@pytest.mark.parametrize("temperature", [2.0, 5.0, 20.0])
def test_the_gradient_keeps_its_scale_whatever_the_temperature(temperature):
    difference, _, _ = logits_and_targets()
    p = torch.full_like(difference, 1 / difference.shape[1])
    nearby = 1e-4 * difference  # where tempering is linear, T² makes up for it exactly

    at_one = gradient(nearby, p, temperature=1.0)
    tempered = gradient(nearby, p, temperature=temperature)

    assert (tempered - at_one).norm() < 1e-3 * at_one.norm()


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_classes_that_both_think_impossible_change_no_gradient(divergence):
    logits, p, labels = logits_and_targets(n_classes=3)
    impossible = 997
    more_logits = F.pad(logits, (0, impossible), value=-40.0)
    more_p = F.pad(p, (0, impossible))

    few = gradient(logits, p, labels, divergence=divergence)
    many = gradient(more_logits, more_p, labels, divergence=divergence)[:, :3]

    # A zero of the teacher counts as 1e-7, and there are a thousand.
    torch.testing.assert_close(many, few, rtol=1e-3, atol=1e-3 / len(logits))


@pytest.mark.parametrize("n_classes", [2, 10, 1000])
def test_the_gradient_of_a_sure_teacher_does_not_shrink_with_the_number_of_classes(n_classes):
    p = F.one_hot(torch.tensor([0]), n_classes).double()
    undecided = torch.zeros(1, n_classes, dtype=torch.float64)

    towards_the_class = -gradient(undecided, p)[0, 0].item()

    assert towards_the_class == pytest.approx(1 - 1 / n_classes, abs=1e-3)


def test_rows_are_averaged_and_classes_summed():
    p = torch.tensor([[0.8, 0.2], [0.5, 0.5]])
    logits = torch.zeros(2, 2)

    by_hand = (0.8 * np.log(0.8 / 0.5) + 0.2 * np.log(0.2 / 0.5) + 0.0) / 2

    assert distillation_loss(logits, p).item() == pytest.approx(by_hand, abs=1e-6)


def test_a_tempered_loss_by_hand():
    p = torch.tensor([[0.8, 0.2]])  # at T = 2 the teacher says 2/3 and 1/3
    logits = torch.tensor([[0.0, 0.0]])

    kl = 2 / 3 * np.log(4 / 3) + 1 / 3 * np.log(2 / 3)
    loss = distillation_loss(logits, p, torch.tensor([1]), temperature=2.0, alpha=0.25)

    assert loss.item() == pytest.approx(0.25 * 4 * kl + 0.75 * np.log(2), abs=1e-6)


def test_reverse_kl_by_hand():
    p = torch.tensor([[0.8, 0.2]])
    by_hand = 0.5 * np.log(0.5 / 0.8) + 0.5 * np.log(0.5 / 0.2)

    loss = distillation_loss(torch.zeros(1, 2), p, divergence="reverse_kl")

    assert loss.item() == pytest.approx(by_hand, abs=1e-6)


def test_soft_cross_entropy_is_kl_plus_the_entropy_of_the_teacher():
    logits, p, _ = logits_and_targets()
    entropy = -(p * p.log()).sum(1).mean()

    kl = distillation_loss(logits, p)
    cross_entropy = distillation_loss(logits, p, divergence="soft_cross_entropy")

    torch.testing.assert_close(cross_entropy, kl + entropy)


@pytest.mark.parametrize("divergence", DIVERGENCES)
@pytest.mark.parametrize("temperature", [5e-324, 0.1, 1.0, 5.0, 1e308])
def test_a_teacher_with_zeros_gives_a_finite_loss_and_gradient(temperature, divergence):
    p = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]])
    logits = torch.tensor([[-30.0, 30.0, 0.0], [60.0, 0.0, -60.0]])

    loss = distillation_loss(logits, p, temperature=temperature, divergence=divergence)
    slope = gradient(logits, p, temperature=temperature, divergence=divergence)

    assert torch.isfinite(loss)
    assert torch.isfinite(slope).all()


@pytest.mark.parametrize("divergence", ["kl", "reverse_kl"])
def test_the_loss_is_zero_where_student_and_teacher_agree(divergence):
    _, p, _ = logits_and_targets()

    loss = distillation_loss(p.log() + 3.0, p, temperature=2.0, divergence=divergence)

    assert loss.item() == pytest.approx(0, abs=1e-12)


def test_the_label_does_not_count_at_alpha_one():
    logits, p, labels = logits_and_targets()

    torch.testing.assert_close(
        distillation_loss(logits, p, labels, alpha=1.0),
        distillation_loss(logits, p, (labels + 1) % 4, alpha=1.0),
        rtol=0, atol=0,
    )  # fmt: skip


def test_the_loss_is_the_cross_entropy_of_the_labels_at_alpha_zero():
    logits, p, labels = logits_and_targets()

    loss = distillation_loss(logits, p, labels, alpha=0.0, temperature=3.0)

    torch.testing.assert_close(loss, F.cross_entropy(logits, labels))


def test_a_row_without_label_learns_from_the_teacher_alone():
    logits, p, labels = logits_and_targets()
    labels[3] = -1

    unlabeled = gradient(logits, p, labels, alpha=0.2)[3]
    teacher_only = gradient(logits, p, alpha=1.0)[3]

    torch.testing.assert_close(unlabeled, teacher_only)


def test_a_row_of_weight_two_counts_as_two_rows():
    logits, p, labels = logits_and_targets(n_samples=3)
    rows = [0, 0, 1, 2]
    weights = torch.tensor([2.0, 1.0, 1.0], dtype=torch.float64)

    weighted = 3 * distillation_loss(logits, p, labels, sample_weight=weights)
    repeated = 4 * distillation_loss(logits[rows], p[rows], labels[rows])

    torch.testing.assert_close(weighted, repeated)


def test_an_unknown_divergence_is_refused_by_name():
    logits, p, _ = logits_and_targets()

    with pytest.raises(ValueError, match=r"divergence must be one of .* got 'js'"):
        distillation_loss(logits, p, divergence="js")


def test_the_criterion_in_training_is_the_distillation_loss():
    logits, p, labels = logits_and_targets()
    weights = torch.linspace(0.5, 1.5, len(labels))
    targets = torch.as_tensor(pack_targets(p.numpy(), labels.numpy(), weights.numpy()))
    criterion = DistillationLoss(temperature=2.0, alpha=0.3, divergence="reverse_kl")

    expected = distillation_loss(
        logits.float(), p.float(), labels,
        temperature=2.0, alpha=0.3, divergence="reverse_kl", sample_weight=weights,
    )  # fmt: skip

    torch.testing.assert_close(criterion(logits, targets), expected)


def test_the_criterion_in_evaluation_is_the_log_loss_of_the_labels():
    logits, p, labels = logits_and_targets()
    targets = torch.as_tensor(pack_targets(p.numpy(), labels.numpy()))
    criterion = DistillationLoss(temperature=2.0, alpha=1.0).eval()

    loss = criterion(logits, targets)

    torch.testing.assert_close(loss, F.cross_entropy(logits.float(), labels))


def test_packed_weights_have_mean_one():
    targets = pack_targets(np.full((4, 2), 0.5), np.zeros(4), np.array([0.0, 10.0, 20.0, 10.0]))

    np.testing.assert_allclose(targets[:, -1], [0.0, 1.0, 2.0, 1.0])


def trained_on(soft_targets, y, X):
    inputs = NetInputs().fit(X, np.eye(2)[y], np.random.RandomState(0))
    net = quick_student(max_epochs=20, lr=0.02, module__layout=inputs.layout, module__n_classes=2)
    held_out = np.zeros(len(y), dtype=bool)
    rows = transfer_set(inputs.transform(X), soft_targets, y, None, held_out)
    train_net(net, rows, seed=0, alpha=0.5)
    return net.predict_proba(inputs.transform(X))


def test_permuting_the_soft_targets_changes_the_student():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(80, 2))
    y = (X[:, 0] > 0).astype(int)
    confidence = np.clip(abs(X[:, 0]), 0, 0.49)
    soft_targets = np.where(np.eye(2)[y] == 1, 0.5 + confidence[:, None], 0.5 - confidence[:, None])

    student = trained_on(soft_targets, y, X)
    same = trained_on(soft_targets.copy(), y, X)
    other = trained_on(rng.permutation(soft_targets), y, X)

    np.testing.assert_array_equal(student, same)
    assert abs(student - other).max() > 0.1


def test_in_evaluation_the_loss_is_the_weighted_log_loss_of_the_labels():
    logits = torch.tensor([[2.0, 0.0], [0.0, 1.0], [3.0, -1.0]])
    labels, weight = np.array([0, 0, 1]), np.array([1.0, 2.0, 6.0])
    targets = torch.as_tensor(pack_targets(np.full((3, 2), 0.5), labels, weight))

    loss = DistillationLoss(temperature=4.0, alpha=1.0).eval()(logits, targets)

    log_losses = -torch.log_softmax(logits, 1)[torch.arange(3), torch.as_tensor(labels)].numpy()
    assert_allclose(loss, (log_losses * weight).sum() / weight.sum(), rtol=1e-6)


def test_in_evaluation_an_unlabeled_row_has_no_loss():
    logits = torch.tensor([[2.0, 0.0], [0.0, 5.0]])
    soft_targets = np.array([[1.0, 0.0], [1.0, 0.0]])

    def loss(labels):
        targets = torch.as_tensor(pack_targets(soft_targets, np.array(labels)))
        return DistillationLoss().eval()(logits, targets)

    assert_allclose(loss([0, -1]), -torch.log_softmax(logits, 1)[0, 0] / 2, rtol=1e-6)
    assert loss([-1, -1]) == 0


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_the_loss_is_the_mean_over_rows_of_a_sum_over_classes(divergence):
    logits, p, _ = logits_and_targets()
    q = logits.softmax(1)
    of_row = {
        "kl": (p * (p / q).log()).sum(1),
        "reverse_kl": (q * (q / p).log()).sum(1),
        "soft_cross_entropy": -(p * q.log()).sum(1),
    }[divergence]

    assert_allclose(distillation_loss(logits, p, divergence=divergence), of_row.mean(), rtol=1e-6)


def test_function_and_criterion_weigh_teachers_and_labels_alike_by_kl_unless_told_otherwise():
    logits, p, labels = logits_and_targets()
    targets = torch.as_tensor(pack_targets(p.numpy(), labels.numpy()))

    expected = distillation_loss(
        logits, p, labels, temperature=1.0, alpha=0.5, divergence="kl"
    ).item()

    assert distillation_loss(logits, p, labels).item() == pytest.approx(expected)
    assert DistillationLoss()(logits, targets).item() == pytest.approx(expected, rel=1e-5)
