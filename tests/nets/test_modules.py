import numpy as np
import pytest
import torch

from skdistill import DistilledClassifier, StudentMLP, StudentNet
from skdistill.nets.modules import BinEmbedding, CategoryEmbedding, PeriodicEmbedding
from skdistill.serving.forward import ROWS_AT_ONCE, ForwardPass
from skdistill.table.net_inputs import InputLayout
from tests.small import numeric_rows

SWITCHES = [(w, s, levels, f) for w in (0, 1) for s in (0, 1) for levels in (0, 1) for f in (0, 1)]


def module_and_rows(
    *, waves=True, steps=True, levels=True, flags=True, n_embedded=3, n_of_two=0, n_samples=20
):
    layout = InputLayout(
        n_numbers=n_embedded + n_of_two,
        n_embedded=n_embedded,
        n_indicators=2 if flags else 0,
        n_categories=(4, 2) if levels else (),
        n_bins=tuple(5 - j % 3 for j in range(n_embedded)) if steps else (),
    )
    rng = np.random.RandomState(0)
    parts = [
        rng.normal(size=(n_samples, n_embedded)),
        rng.randint(0, 2, (n_samples, n_of_two)),
        rng.randint(0, 2, (n_samples, layout.n_indicators)),
    ]
    parts += [rng.randint(0, n, (n_samples, 1)) for n in layout.n_categories]
    parts += [rng.randint(0, n, (n_samples, 1)) for n in layout.n_bins]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = StudentMLP(
            layout, 3, hidden_sizes=(16, 8),
            n_frequencies=6 if waves else 0, bin_embedding_size=4 if steps else 0, dropout=0.5,
        ).eval()  # fmt: skip
    return module, np.hstack(parts).astype(np.float32)


def logits_of_torch(module, X):
    with torch.inference_mode():
        return module(torch.as_tensor(X)).numpy()


@pytest.mark.parametrize(("waves", "steps", "levels", "flags"), SWITCHES)
def test_the_numpy_forward_pass_equals_the_module(waves, steps, levels, flags):
    module, X = module_and_rows(waves=waves, steps=steps, levels=levels, flags=flags)

    logits = ForwardPass(**module.arrays())(X)

    np.testing.assert_allclose(logits, logits_of_torch(module, X), rtol=0, atol=1e-5)


@pytest.mark.parametrize(("n_embedded", "n_of_two"), [(0, 0), (0, 4), (3, 4)])
def test_the_numpy_forward_pass_equals_the_module_of_few_numbers_or_none(n_embedded, n_of_two):
    module, X = module_and_rows(n_embedded=n_embedded, n_of_two=n_of_two)

    logits = ForwardPass(**module.arrays())(X)

    np.testing.assert_allclose(logits, logits_of_torch(module, X), rtol=0, atol=1e-5)


def test_a_table_longer_than_a_block_gives_the_logits_of_its_rows():
    module, X = module_and_rows(n_samples=2 * ROWS_AT_ONCE + 3)

    forward = ForwardPass(**module.arrays())
    one_by_one = np.concatenate([forward(row[None]) for row in X])

    in_blocks = forward(X)

    np.testing.assert_allclose(in_blocks, one_by_one, rtol=0, atol=1e-6)


def test_the_forward_pass_leaves_its_input_as_it_was():
    module, X = module_and_rows()
    before = X.copy()

    ForwardPass(**module.arrays())(X)

    np.testing.assert_array_equal(X, before)


def test_the_arrays_of_a_module_are_copies_in_float32():
    module, X = module_and_rows()
    student = ForwardPass(**module.arrays())
    before = student(X)

    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(1.0)

    np.testing.assert_array_equal(student(X), before)


def test_columns_of_a_periodic_embedding_do_not_mix():
    waves = PeriodicEmbedding(2, 4, 0.1)
    x = torch.tensor([[0.3, 0.7]])
    moved = torch.tensor([[0.3, -2.0]])

    torch.testing.assert_close(waves(x)[:, :3], waves(moved)[:, :3], rtol=0, atol=0)
    assert not torch.allclose(waves(x)[:, 3:], waves(moved)[:, 3:])


def test_a_bin_is_looked_up_in_its_own_column():
    steps = BinEmbedding((3, 5), 4)

    found = steps(torch.tensor([[2.0, 0.0]]))

    expected = torch.cat([steps.table()[2], steps.table()[3]])[None]
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_training_drops_whole_bins_of_weak_columns_and_keeps_their_mean():
    steps = BinEmbedding((3, 5), 4, dropout=0.25, is_weak=(False, True))
    bins = torch.tensor([[2.0, 1.0]]).expand(4_000, 2)
    whole = steps.eval()(bins).view(-1, 2, 4)

    dropped = steps.train()(bins).view(-1, 2, 4)

    torch.testing.assert_close(dropped[:, 0], whole[:, 0])
    is_gone = (dropped[:, 1] == 0).all(1)
    assert is_gone.float().mean() == pytest.approx(0.25, abs=0.03)
    torch.testing.assert_close(dropped[~is_gone, 1], whole[~is_gone, 1] / 0.75)


@pytest.mark.parametrize("rate", [-0.1, 1, float("nan"), None, "half"])
def test_bins_cannot_all_be_dropped(rate):
    X, y = numeric_rows()
    student = StudentNet(module__bin_dropout=rate)

    with pytest.raises(ValueError, match="bin_dropout must be a number from 0 to below 1, got"):
        DistilledClassifier(student=student).fit(X, y)


@pytest.mark.parametrize(("dropout", "is_weak"), [(0.0, (True, True)), (0.5, (False, False))])
def test_without_weak_columns_or_dropout_training_draws_nothing_for_bins(dropout, is_weak):
    steps = BinEmbedding((3, 5), 4, dropout, is_weak).train()
    before = torch.get_rng_state()

    steps(torch.tensor([[2.0, 0.0]]))

    assert torch.equal(torch.get_rng_state(), before)


def test_the_bins_of_each_column_have_increments_of_their_own_and_a_mean_of_zero():
    steps = BinEmbedding((3, 5), 4)
    with torch.no_grad():
        steps.increment.normal_()

    of_columns = steps.table().split([3, 5])

    for table, increment in zip(of_columns, steps.increment.split([3, 5])):
        torch.testing.assert_close(table.mean(0), torch.zeros(4), rtol=0, atol=1e-6)
        torch.testing.assert_close(table.diff(dim=0), increment[1:])


def test_a_category_is_looked_up_in_its_own_column():
    levels = CategoryEmbedding((3, 2), 4)

    found = levels(torch.tensor([[1.0, 0.0]]))

    expected = torch.cat([levels.vector[1], levels.vector[3]])[None]
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_a_category_never_seen_starts_as_the_zero_vector():
    levels = CategoryEmbedding((3, 2), 4)

    torch.testing.assert_close(levels(torch.tensor([[2.0, 1.0]])), torch.zeros(1, 8))
