"""`EstimatorForward`: predictions of an estimator as logits."""

import numpy as np
from numpy.testing import assert_allclose
from scipy.sparse import csr_matrix
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeClassifier

from skdistill.serving.estimator_forward import EstimatorForward
from skdistill.serving.forward import softmax

X = np.arange(8.0).reshape(4, 2)


def test_impossible_classes_have_finite_logits():
    tree = DecisionTreeClassifier().fit(X, [0, 1, 2, 0])

    logits = EstimatorForward(tree, "log")(X)

    assert np.isfinite(logits).all()
    assert_allclose(softmax(logits), tree.predict_proba(X), atol=1e-300)


def test_log_odds_become_logits_of_two_classes():
    odds = np.array([-2.0, 0.0, 1.0, 3.0])
    line = LinearRegression().fit(np.eye(4), odds)

    logits = EstimatorForward(line, "log-odds")(np.eye(4))

    assert_allclose(logits[:, 1] - logits[:, 0], odds, atol=1e-12)


def test_one_output_is_a_column():
    line = LinearRegression().fit(X, X[:, 0])

    assert EstimatorForward(line, "identity")(X).shape == (4, 1)


def test_rows_are_sparse_as_they_were_at_fit():
    line = LinearRegression().fit(X, X[:, 0])

    for is_sparse in (False, True):
        forward = EstimatorForward(line, "identity", is_sparse=is_sparse)
        assert_allclose(forward(csr_matrix(X)), forward(X))


def test_it_is_shown_on_one_line():
    assert repr(EstimatorForward(LinearRegression(), "identity")) == (
        "EstimatorForward(LinearRegression)"
    )
