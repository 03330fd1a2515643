import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from skorch import NeuralNet, NeuralNetClassifier
from torch import nn

from skdistill import (
    DistillationLoss,
    NetClassifier,
    StudentMLP,
    TensorNet,
    distillation_loss,
)
from skdistill.nets.losses import pack_targets
from skdistill.nets.tensor_net import Batches
from skdistill.nets.training import seeded, train_net
from skdistill.table.net_inputs import InputLayout, NetInputs
from skdistill.table.splits import hold_out
from skdistill.transfer.transfer_set import TransferSet
from tests.small import Linear, numeric_rows, quick_student, training_data, transfer_set

NOTHING_HELD_OUT = np.zeros(60, dtype=bool)


def rows():
    """Encoded rows, labels, and labels as probabilities."""
    X, y = numeric_rows()
    return X.astype(np.float32), y, np.eye(3)[y]


def linear_net(cls=TensorNet, **params):
    params = {"max_epochs": 5, "lr": 0.05, "batch_size": 16, "verbose": 0} | params
    return cls(Linear, module__n_features=5, module__n_classes=3, **params)


def train(net, held_out=NOTHING_HELD_OUT, seed=0, **loss):
    X, y, p = rows()
    return train_net(net, transfer_set(X, p, y, None, held_out), seed=seed, **loss)


def weights_of(net):
    return np.concatenate([w.detach().numpy().ravel() for w in net.module_.parameters()])


def log_loss_of(net, rows_chosen):
    X, y, p = rows()
    criterion = DistillationLoss().eval()
    with torch.inference_mode():
        logits = net.module_.eval()(torch.as_tensor(X[rows_chosen]))
        packed = torch.as_tensor(pack_targets(p, y)[rows_chosen])
        return criterion(logits, packed).item()


@pytest.mark.parametrize("n_samples", [1, 15, 50, 64, 65, 70])
def test_every_row_comes_once_an_epoch(n_samples):
    X = torch.arange(n_samples)

    batches = list(Batches(X, X, 16, shuffle=True))

    assert sorted(torch.cat([x for x, _ in batches]).tolist()) == list(range(n_samples))


@pytest.mark.parametrize("n_samples", [15, 50, 65, 70])
def test_batches_differ_in_size_by_one_row_at_most(n_samples):
    X = torch.arange(n_samples)

    sizes = [len(x) for x, _ in Batches(X, X, 16, shuffle=True)]

    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("n_samples", [3, 5, 7])
def test_no_batch_is_a_single_row_unless_it_is_asked_for(n_samples):
    X = torch.arange(n_samples)

    assert min(len(x) for x, _ in Batches(X, X, 2, shuffle=True)) >= 2
    assert [len(x) for x, _ in Batches(X, X, 1, shuffle=True)] == [1] * n_samples


def test_rows_keep_their_targets_when_shuffled():
    X = torch.arange(40)

    for x, y in Batches(X, 2 * X, 16, shuffle=True):
        torch.testing.assert_close(y, 2 * x, rtol=0, atol=0)


def test_each_epoch_has_an_order_of_its_own():
    X = torch.arange(40)
    batches = Batches(X, X, 16, shuffle=True)

    first, second = (torch.cat([x for x, _ in batches]).tolist() for _ in range(2))

    assert first != second


def test_rows_to_predict_keep_their_order():
    X = torch.arange(40)

    in_order = torch.cat([x for x, _ in Batches(X, X, 16, shuffle=False)])

    assert in_order.tolist() == list(range(40))


@pytest.mark.parametrize(
    ("optimizer", "lr"),
    [
        (torch.optim.SGD, 0.1),
        (torch.optim.Adam, 0.05),
        (torch.optim.AdamW, 0.05),
        (torch.optim.Adagrad, 0.1),
        (torch.optim.RMSprop, 0.01),
    ],
)
def test_any_torch_optimizer_trains_the_net(optimizer, lr):
    net = train(linear_net(optimizer=optimizer, lr=lr, max_epochs=10))

    losses = net.history[:, "train_loss"]
    assert isinstance(net.optimizer_, optimizer)
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize("cls", [NeuralNet, NeuralNetClassifier])
def test_a_skorch_net_that_is_no_tensor_net_is_trained_too(cls):
    params = {"optimizer": torch.optim.Adam, "max_epochs": 10}
    if cls is NeuralNet:
        params["criterion"] = DistillationLoss

    net = train(linear_net(cls, **params))

    losses = net.history[:, "train_loss"]
    assert losses[-1] < 0.9 * losses[0]


def test_the_training_loss_of_an_epoch_is_the_mean_over_its_rows():
    X, y, p = rows()
    weight = np.linspace(0.5, 1.5, len(y))
    net = linear_net(optimizer=torch.optim.SGD, lr=0.0, max_epochs=1)
    train_net(net, transfer_set(X, p, y, weight, NOTHING_HELD_OUT), seed=0, temperature=2.0)

    with torch.inference_mode():
        expected = distillation_loss(
            net.module_(torch.as_tensor(X)), torch.as_tensor(p), torch.as_tensor(y),
            temperature=2.0, sample_weight=torch.as_tensor(weight),
        )  # fmt: skip

    assert net.history[-1, "train_loss"] == pytest.approx(expected.item(), rel=1e-5)


def test_early_stopping_goes_back_to_the_best_epoch():
    held_out = np.arange(60) % 3 == 0
    net = train(linear_net(lr=1.0, max_epochs=20, patience=4), held_out)

    losses = net.history[:, "valid_loss"]

    assert np.argmin(losses) < len(losses) - 1  # or there would be nothing to go back to
    assert log_loss_of(net, held_out) == pytest.approx(min(losses), rel=1e-4)


def test_rows_of_weight_zero_do_not_validate_a_net_on_its_own():
    X, y = numeric_rows()
    weight = np.ones(60)
    weight[hold_out(y, np.random.RandomState(0))] = 0
    net = NetClassifier(TensorNet(StudentMLP, max_epochs=3), random_state=0)

    net.fit(X, y, sample_weight=weight)

    assert np.isfinite([epoch["valid_loss"] for epoch in net.history_]).all()


def test_a_net_on_its_own_learns_nothing_from_labels_of_weight_zero():
    X, y = numeric_rows(2100)  # enough for steps, which follow labels
    weight = np.repeat([0.0, 1.0], [1000, 1100])
    others = np.where(weight > 0, y, (y + 1) % 3)
    net = TensorNet(StudentMLP, max_epochs=1, module__hidden_sizes=(4,))
    teacher = NetClassifier(net, random_state=0)

    one, other = (teacher.fit(X, z, weight).predict_proba(X) for z in (y, others))

    np.testing.assert_array_equal(one, other)


def test_early_stopping_waits_as_long_as_it_was_told():
    held_out = np.arange(60) % 3 == 0
    net = train(linear_net(lr=1.0, max_epochs=30, patience=4), held_out)

    losses = net.history[:, "valid_loss"]

    assert len(losses) < 30
    assert len(losses) - 1 - np.argmin(losses) == pytest.approx(4, abs=1)


def test_held_out_rows_are_not_trained_on():
    X, y, p = rows()
    held_out = np.arange(60) % 3 == 0
    other = np.where(held_out[:, None], np.roll(p, 1, axis=1), p)

    before = train_net(linear_net(), transfer_set(X, p, y, None, held_out), seed=0, alpha=1.0)
    after = train_net(linear_net(), transfer_set(X, other, y, None, held_out), seed=0, alpha=1.0)

    np.testing.assert_array_equal(weights_of(before), weights_of(after))


def test_a_net_without_train_split_trains_on_all_rows_and_to_the_end():
    held_out = np.arange(60) % 3 == 0

    net = train(linear_net(train_split=None, lr=1.0, max_epochs=12, patience=2), held_out)
    on_all = train(linear_net(train_split=None, lr=1.0, max_epochs=12, patience=2))

    assert len(net.history) == 12
    np.testing.assert_array_equal(weights_of(net), weights_of(on_all))


def test_a_seed_gives_the_same_net_again():
    np.testing.assert_array_equal(
        weights_of(train(linear_net(), seed=3)), weights_of(train(linear_net(), seed=3))
    )


def test_another_seed_gives_another_net():
    assert (
        abs(weights_of(train(linear_net(), seed=3)) - weights_of(train(linear_net(), seed=4))).max()
        > 1e-3
    )


def test_training_does_not_depend_on_the_seed_of_torch():
    with torch.random.fork_rng():
        torch.manual_seed(1)
        one = weights_of(train(linear_net()))
        torch.manual_seed(2)
        other = weights_of(train(linear_net()))

    np.testing.assert_array_equal(one, other)


def test_the_generator_of_torch_is_given_back_as_it_was():
    before = torch.get_rng_state()

    with seeded(0, "cpu"):
        torch.rand(3)

    torch.testing.assert_close(torch.get_rng_state(), before, rtol=0, atol=0)


def test_a_table_too_small_to_hold_out_rows_trains_on_all_of_them():
    net = train(linear_net(max_epochs=6))

    assert len(net.history) == 6
    assert "valid_loss" not in net.history[-1]


def test_a_net_can_be_fitted_on_its_own_with_a_split_of_skorch():
    X, y, p = rows()

    net = linear_net(max_epochs=3).fit(X, pack_targets(p, y))

    assert np.isfinite(net.history[:, "valid_loss"]).all()


def test_a_fitted_net_does_not_carry_its_held_out_rows():
    net = train(linear_net(), np.arange(60) % 3 == 0)

    assert net.train_split is None


def test_a_weight_of_zero_takes_a_row_out_of_training():
    X, y, p = rows()
    weight = (np.arange(60) >= 20).astype(float)
    p_of_others = p.copy()
    p_of_others[:20] = np.roll(p[:20], 1, axis=1)
    with_p = transfer_set(X, p, y, weight, NOTHING_HELD_OUT)
    with_others = transfer_set(X, p_of_others, y, weight, NOTHING_HELD_OUT)

    before = train_net(linear_net(), with_p, seed=0, alpha=1.0)
    after = train_net(linear_net(), with_others, seed=0, alpha=1.0)

    np.testing.assert_array_equal(weights_of(before), weights_of(after))


def test_weights_set_the_shares_that_the_net_learns():
    X = np.ones((80, 1), dtype=np.float32)
    y = np.arange(80) % 2
    weight = np.where(y == 1, 9.0, 1.0)
    net = TensorNet(
        Linear, module__n_features=1, module__n_classes=2, lr=0.1, max_epochs=150, batch_size=80
    )

    rows = TransferSet.from_labels(X, training_data(X, y, sample_weight=weight))
    train_net(net, rows, seed=0, alpha=0.0)
    with torch.inference_mode():
        share = net.module_(torch.ones(1, 1)).softmax(1)[0, 1].item()

    assert share == pytest.approx(0.9, abs=0.01)


def test_a_category_that_training_never_saw_stays_the_zero_vector():
    X, y = numeric_rows()
    X[:, 0] = np.arange(60) % 4
    inputs = NetInputs([0]).fit(X, np.eye(3)[y], np.random.RandomState(0))
    net = quick_student(module__layout=inputs.layout, module__n_classes=3)

    rows = TransferSet.from_labels(inputs.transform(X), training_data(X, y))
    train_net(net, rows, seed=0)

    vectors = net.module_.categories.vector.detach().numpy()
    assert (vectors[-1] == 0).all()
    assert (vectors[:-1] != 0).all()


def test_reversed_and_read_only_rows_are_trained_on_as_copies_are():
    X, y, _ = rows()
    read_only = X[::-1].copy()
    read_only.setflags(write=False)
    nets = []
    for given, labels in ((X[::-1], y[::-1]), (read_only, y[::-1].copy())):
        with seeded(0, "cpu"):
            nets.append(linear_net(criterion=nn.CrossEntropyLoss, train_split=None))
            nets[-1].fit(given, labels)

    assert_array_equal(weights_of(nets[0]), weights_of(nets[1]))
    assert_array_equal(nets[0].forward(X[::-1]), nets[1].forward(X[::-1].copy()))


class Dtypes(Linear):
    """A module that notes in which type its outputs are computed."""

    seen: set = set()

    def forward(self, X):
        outputs = super().forward(X)
        self.seen.add(outputs.dtype)
        return outputs


@pytest.mark.parametrize(
    ("mixed_precision", "dtype"),
    [("auto", torch.float32), (False, torch.float32), (True, torch.bfloat16)],
)
def test_a_cpu_computes_in_bfloat16_only_if_it_is_asked_to(mixed_precision, dtype, monkeypatch):
    monkeypatch.setattr(Dtypes, "seen", set())
    net = linear_net(mixed_precision=mixed_precision).set_params(module=Dtypes)

    train(net)

    assert Dtypes.seen == {dtype}
    assert weights_of(net).dtype == np.float32


@pytest.mark.parametrize(("module", "is_mixed"), [(StudentMLP, False), (Linear, True)])
def test_on_a_gpu_modules_of_ones_own_are_trained_in_bfloat16(module, is_mixed, monkeypatch):
    made = []
    net = TensorNet(module, device="cuda")
    vars(net)["module_"] = module.__new__(module)
    nn.Module.__init__(net.module_)
    monkeypatch.setattr(torch, "autocast", lambda device, **how: made.append((device, how)))

    net._autocast()

    assert made == [("cuda", {"dtype": torch.bfloat16, "enabled": is_mixed})]


def test_a_net_trained_in_bfloat16_predicts_in_single_precision():
    X, y = numeric_rows()
    params = {"module__layout": InputLayout(5, 5, 0, ()), "module__n_classes": 3}
    net = TensorNet(
        StudentMLP, nn.CrossEntropyLoss, mixed_precision=True, max_epochs=2, **params
    ).fit(X.astype(np.float32), y)

    proba = net.predict_proba(X.astype(np.float32))

    assert proba.dtype == np.float32
    assert len(np.unique(proba)) > len(X)  # in bfloat16 many would be alike


def test_training_in_bfloat16_reaches_about_the_same_loss():
    X, y = numeric_rows(300)
    losses = []
    for mixed_precision in (False, True):
        net = TensorNet(StudentMLP, max_epochs=15, mixed_precision=mixed_precision)
        losses.append(NetClassifier(net, random_state=0).fit(X, y).history_[-1])

    assert losses[1]["train_loss"] < 0.3
    for name in ("train_loss", "valid_loss"):
        assert losses[1][name] == pytest.approx(losses[0][name], rel=0.1)
