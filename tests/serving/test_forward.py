"""The forward pass in numpy: the blocks of rows it is given, sparse rows, and its pickle."""

import pickle
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix, random_array

from skdistill.serving.forward import (
    ROWS_AT_ONCE,
    ForwardPass,
    batched_outputs,
    log_softmax,
    softmax,
)
from skdistill.table.net_inputs import InputLayout

LAYOUT = InputLayout(n_numbers=4, n_embedded=3, n_indicators=0, n_categories=(), n_bins=0)


class RecordedInputs:
    """Inputs that pass rows on as they are, and record how many they were given at once."""

    def __init__(self):
        self.encoded, self.checked, self.packed = [], set(), []

    def encode(self, X, *, checked="not told"):
        self.encoded.append(X.shape[0])
        self.checked.add(checked)
        return X

    def pack(self, matrix):
        self.packed.append(matrix.shape[0])
        return matrix


def doubled(rows):
    return 2 * np.asarray(rows, dtype=np.float32)


def numbers(n_samples):
    return np.arange(2.0 * n_samples).reshape(n_samples, 2)


def forward_pass(sizes=(5, 3), *, periodic=False, seed=0):
    """Return a forward pass of random weights."""
    rng = np.random.RandomState(seed)

    def draw(*shape):
        return rng.normal(size=shape).astype(np.float32)

    embedding = (draw(3, 2), draw(3, 2), draw(3, 2, 4), draw(3, 4)) if periodic else None
    widths = [4 + (12 if periodic else 0), *sizes]
    weights = [(draw(n_in, n_out), draw(n_out)) for n_in, n_out in pairwise(widths)]
    return ForwardPass(LAYOUT, weights, embedding)


def sparse_rows(n_samples=20):
    rows = random_array((n_samples, 4), density=0.4, random_state=0, dtype=np.float32)
    return csr_matrix(rows)


def test_a_long_table_is_encoded_in_pieces_which_pass_in_blocks():
    inputs, X = RecordedInputs(), numbers(700)

    logits = batched_outputs(inputs, doubled, X, checked=False, rows_of_table=300)

    assert inputs.encoded == [300, 300, 100]
    assert inputs.packed == [ROWS_AT_ONCE, 44, ROWS_AT_ONCE, 44, 100]
    assert logits.dtype == np.float64
    assert_array_equal(logits, 2 * X)


def test_a_few_rows_are_one_block():
    inputs, X = RecordedInputs(), numbers(ROWS_AT_ONCE)

    assert_array_equal(batched_outputs(inputs, doubled, X, checked=False), 2 * X)
    assert inputs.encoded == inputs.packed == [ROWS_AT_ONCE]


def test_a_student_may_ask_for_larger_blocks():
    class Large:
        rows_at_once = 500

        def __call__(self, rows):
            return doubled(rows)

    inputs = RecordedInputs()

    batched_outputs(inputs, Large(), numbers(1200), checked=False, rows_of_table=1000)

    assert inputs.packed == [500, 500, 200]


def test_no_more_sparse_rows_are_encoded_than_pass_at_once():
    inputs, X = RecordedInputs(), csr_matrix(numbers(600))

    logits = batched_outputs(inputs, lambda rows: doubled(rows.toarray()), X, checked=False)

    assert inputs.encoded == [ROWS_AT_ONCE, ROWS_AT_ONCE, 88]
    assert_array_equal(logits, 2 * X.toarray())


@pytest.mark.parametrize("checked", [True, False])
@pytest.mark.parametrize("n_samples", [3, 300])
def test_the_encoder_is_told_whether_rows_are_checked(checked, n_samples):
    inputs = RecordedInputs()

    batched_outputs(inputs, doubled, numbers(n_samples), checked=checked)

    assert inputs.checked == {checked}


def test_a_frame_is_cut_by_position_whatever_its_index():
    X = numbers(600)
    frame = pd.DataFrame(X, index=np.arange(0, 60, 0.1))

    logits = batched_outputs(RecordedInputs(), doubled, frame, checked=False, rows_of_table=256)

    assert_array_equal(logits, 2 * X)


@pytest.mark.parametrize("periodic", [False, True])
def test_sparse_rows_have_the_logits_of_dense_ones(periodic):
    forward, X = forward_pass(periodic=periodic), sparse_rows()

    logits = forward(X)

    assert logits.dtype == np.float32
    assert_allclose(logits, forward(X.toarray()), atol=1e-5)


def test_a_net_without_hidden_units_is_one_product():
    forward, X = forward_pass(sizes=(3,)), sparse_rows().toarray()
    ((weight, bias),) = forward.weights

    assert_allclose(forward(X), X @ weight + bias, atol=1e-6)


def test_two_hidden_layers_are_those_of_the_textbook():
    forward, X = forward_pass(sizes=(6, 5, 3)), sparse_rows().toarray()
    (W1, b1), (W2, b2), (W3, b3) = forward.weights

    by_hand = np.maximum(np.maximum(X @ W1 + b1, 0) @ W2 + b2, 0) @ W3 + b3

    assert forward(X).dtype == np.float32
    assert_allclose(forward(X), by_hand, atol=1e-5)


def test_a_pickle_holds_no_more_than_the_weights():
    forward, X = forward_pass(periodic=True), sparse_rows()
    before = pickle.dumps(forward)
    logits = forward(X)

    after = pickle.dumps(forward)

    assert len(after) == len(before)
    assert_array_equal(pickle.loads(after)(X), logits)


def test_log_softmax_is_the_logarithm_of_softmax():
    logits = np.random.RandomState(0).normal(size=(9, 3))

    assert_allclose(log_softmax(logits), np.log(softmax(logits)), atol=1e-12)
