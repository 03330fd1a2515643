"""Sparse X: CSR goes in and is never made dense as a whole."""

import io
import pickle

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_multilabel_classification
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier

import skdistill
from skdistill import (
    NetClassifier,
    StudentMLP,
    StudentNet,
    TableClassifier,
    TeacherEnsemble,
    TensorNet,
    student_from_teacher,
)
from skdistill.jobs.fingerprint import fingerprint
from skdistill.table.net_inputs import NetInputs
from skdistill.table.validation import check_table
from skdistill.transfer.munge import Munge
from tests.small import Linear, quick_classifier, quick_student, small_default_classifier

TEXTS = ["the cat sat on the mat", "a dog and a cat", "stocks fell on bad news"] * 20
TOPICS = ["pets", "pets", "money"] * 20


def word_counts(n_samples=120, n_features=80, seed=0):
    """Rows as of short texts, (CSR, y); y is 0 or 1."""
    X, Y = make_multilabel_classification(
        n_samples, n_features, n_classes=2, length=20, sparse=True, random_state=seed
    )
    return X.tocsr().astype(np.float64), Y[:, 0]


@pytest.fixture(scope="module")
def counts():
    return word_counts()


@pytest.fixture(scope="module")
def fitted(counts):
    return quick_classifier([("lr", LogisticRegression())], keep_teachers=True).fit(*counts)


@pytest.fixture
def never_whole(monkeypatch, counts):
    """Refuse to make more rows dense at once than a batch has."""
    toarray, most = sp.csr_matrix.toarray, 64

    def guarded(self, *args, **kwargs):
        n_samples, n_columns = self.shape
        assert n_samples <= most or n_columns <= 2, f"{n_samples} rows were made dense"
        return toarray(self, *args, **kwargs)

    for kind in (sp.csr_matrix, sp.csr_array, sp.coo_matrix, sp.csc_matrix):
        for name in ("toarray", "todense"):
            monkeypatch.setattr(kind, name, guarded)


def test_a_pipeline_from_text_learns_and_never_makes_the_matrix_dense(never_whole):
    student = quick_student(max_epochs=40)
    clf = make_pipeline(
        TfidfVectorizer(), quick_classifier([("lr", LogisticRegression())], student, alpha=1.0)
    ).fit(TEXTS * 3, TOPICS * 3)

    assert clf.score(TEXTS * 3, TOPICS * 3) == 1


def test_the_default_teachers_and_nets_take_sparse_rows(never_whole):
    X, y = word_counts(200)
    clf = small_default_classifier(alpha="auto", augmenter="auto", keep_teachers=True).fit(X, y)

    assert set(clf.teacher_scores_) == {"rf", "xgb", "mlp", "mlp_periodic", "mlp_bins", "pool"}
    assert_allclose(clf.teacher_.predict_proba(X).sum(1), 1)


@pytest.mark.parametrize("container", [sp.csc_matrix, sp.coo_matrix, sp.csr_array])
def test_every_sparse_format_gives_the_same_student(container, fitted, counts):
    X, y = counts
    other = quick_classifier([("lr", LogisticRegression())]).fit(container(X), y)

    assert_array_equal(other.predict_proba(container(X)), fitted.predict_proba(X))


def test_what_is_stored_does_not_change_what_is_meant(fitted, counts):
    X, _ = counts
    twice = sp.csr_matrix(
        (np.repeat(X.data / 2, 2), np.repeat(X.indices, 2), 2 * X.indptr), X.shape
    )
    with_zeros = X.copy()
    with_zeros.data[::5] = 0
    without = sp.csr_matrix(with_zeros.toarray())

    assert_allclose(fitted.predict_proba(twice), fitted.predict_proba(X), rtol=1e-6)
    assert_array_equal(fitted.predict_proba(with_zeros), fitted.predict_proba(without))
    assert with_zeros.nnz == X.nnz > without.nnz  # the caller's stays as it is


def test_float32_stays_float32(counts):
    X = check_table(LogisticRegression(), counts[0].astype(np.float32), reset=True)

    assert sp.issparse(X)
    assert X.dtype == np.float32


def test_dense_rows_are_predicted_as_the_sparse_ones(fitted, counts):
    X, _ = counts

    assert_allclose(fitted.predict_proba(X.toarray()), fitted.predict_proba(X), atol=1e-6)
    assert_allclose(
        fitted.teacher_.predict_proba(X.toarray()), fitted.teacher_.predict_proba(X), atol=1e-12
    )


@pytest.mark.parametrize("n_features", [5, 80])  # with waves and without
def test_sparse_rows_are_predicted_by_a_dense_fit(n_features):
    X, y = word_counts(n_features=n_features)
    clf = quick_classifier([("lr", LogisticRegression())], keep_teachers=True)
    clf.fit(X.toarray(), y)

    assert_allclose(clf.predict_proba(X), clf.predict_proba(X.toarray()), atol=1e-6)
    assert_allclose(clf.teacher_.predict_proba(X), clf.teacher_.predict_proba(X.toarray()))


def test_xgboost_takes_zeros_for_the_same_in_sparse_and_dense_rows(counts):
    X, y = counts
    on_sparse = TableClassifier(XGBClassifier(n_estimators=5)).fit(X, y)
    on_dense = TableClassifier(XGBClassifier(n_estimators=5)).fit(X.toarray(), y)

    for clf in (on_sparse, on_dense):
        assert_array_equal(clf.predict_proba(X.toarray()), clf.predict_proba(X))


def test_one_row_is_predicted_as_in_company(fitted, counts):
    X, _ = counts
    alone = np.vstack([fitted.predict_proba(X[i]) for i in range(20)])

    assert_allclose(alone, fitted.predict_proba(X)[:20], rtol=1e-6)


def test_a_table_longer_than_a_block_is_predicted_block_by_block(fitted, counts, never_whole):
    X, _ = counts

    assert_allclose(
        fitted.predict_proba(sp.vstack([X] * 5, format="csr")),
        np.tile(fitted.predict_proba(X), (5, 1)),
        rtol=1e-6,
    )


def test_files_hold_a_sparse_student(fitted, counts, tmp_path):
    X, _ = counts
    fitted.save(tmp_path / "student.safetensors")
    joblib.dump(fitted, file := io.BytesIO())
    file.seek(0)
    copies = (
        skdistill.load(tmp_path / "student.safetensors"),
        joblib.load(file),
        pickle.loads(pickle.dumps(fitted)),
    )

    for copy in copies:
        assert_array_equal(copy.predict_proba(X), fitted.predict_proba(X))
        assert_array_equal(copy.predict_proba(X.toarray()), fitted.predict_proba(X.toarray()))


def test_onnx_takes_the_rows_dense(fitted, counts):
    runtime = pytest.importorskip("onnxruntime")
    X, _ = counts
    session = runtime.InferenceSession(fitted.to_onnx().SerializeToString())
    _, proba = session.run(None, {"X": X.toarray().astype(np.float32)})

    assert_allclose(proba, fitted.predict_proba(X), atol=1e-5)


def test_zeros_stay_zeros_and_a_column_far_off_gets_its_own_scale():
    rng = np.random.RandomState(0)
    X = sp.random(300, 20, 0.2, random_state=rng, format="csr", data_rvs=lambda n: 1 + rng.rand(n))
    X = sp.hstack([X, 1e6 * X[:, :1], sp.csr_matrix((300, 1))], format="csr")
    inputs = NetInputs().fit(X, None, rng)
    Z = inputs.transform(X)

    assert Z.dtype == np.float32
    assert Z.nnz == X.nnz
    assert abs(Z.data).max() < 3
    assert_allclose(Z[:, 20].toarray(), Z[:, 0].toarray(), rtol=0.3)
    assert_allclose(inputs.transform(X.toarray()), Z.toarray(), rtol=1e-6)


def test_a_module_of_ones_own_gets_sparse_rows_dense_batch_by_batch(counts, never_whole):
    X, y = counts
    net = TensorNet(Linear, max_epochs=3, batch_size=32)
    clf = quick_classifier([("lr", LogisticRegression())], net)
    half = np.arange(60)

    assert clf.fit(X[half], y[half]).predict_proba(X[half]).shape == (60, 2)


def test_alpha_is_chosen_and_a_transfer_set_grows_with_sparse_rows(counts):
    class Repeat:
        def fit(self, X):
            self.X = X

        def sample(self, n_samples, random_state):
            return self.X[random_state.randint(self.X.shape[0], size=n_samples)]

    X, y = word_counts(1600, 30)
    clf = quick_classifier(
        [("lr", LogisticRegression())], StudentNet(max_epochs=4), alpha="auto", augmenter=Repeat()
    ).fit(X, y)

    assert len(clf.candidates_) == 2
    assert clf.score(X, y) > np.bincount(y).max() / len(y)


def test_a_net_learns_from_sparse_rows(counts):
    X, y = counts
    clf = NetClassifier(TensorNet(StudentMLP, max_epochs=30), random_state=0).fit(X, y)

    assert clf.score(X, y) > 0.8
    assert clf.net_.module_.hidden[0].out_features == 64


def test_unlabeled_rows_are_sparse_as_the_others(counts):
    X, y = counts
    clf = quick_classifier([("lr", LogisticRegression())])

    assert clf.fit(X[:80], y[:80], X_unlabeled=X[80:].tocoo()).predict(X).shape == (120,)
    with pytest.raises(ValueError, match="X_unlabeled is a numpy ndarray, but X is a scipy csr"):
        clf.fit(X[:80], y[:80], X_unlabeled=X[80:].toarray())


def test_a_student_is_cut_from_a_net_on_sparse_rows(counts):
    X, y = counts
    net = TensorNet(StudentMLP, max_epochs=5, module__hidden_sizes=(16, 16))
    teacher = NetClassifier(net, random_state=0)
    student = student_from_teacher(teacher.fit(X, y), width=8)
    clf = quick_classifier([("net", teacher)], student).fit(X, y)

    assert clf.inputs_.layout.is_sparse
    assert_allclose(clf.predict_proba(X).sum(1), 1)


def test_munge_refuses_sparse_rows(counts):
    with pytest.raises(ValueError, match="X is sparse: use augmenter=None"):
        Munge().fit(counts[0])


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("when", ["fit", "predict"])
def test_sparse_nan_and_infinity_are_refused_by_row(value, when, fitted, counts):
    X, y = counts
    bad = X.copy()
    bad.data[bad.indptr[7]] = value
    call = fitted.predict if when == "predict" else quick_classifier().fit

    with pytest.raises(ValueError, match="sparse X contains NaN or infinity, first in row 7"):
        call(bad, *([y] if when == "fit" else []))


def test_a_teacher_that_cannot_take_sparse_rows_is_named(counts):
    with pytest.raises(ValueError, match=r"Teacher 'bayes' failed on fold 1.*[Ss]parse"):
        quick_classifier([("bayes", GaussianNB())]).fit(*counts)


def test_categories_of_a_sparse_matrix_are_refused(counts):
    with pytest.raises(ValueError, match=r"columns of a sparse X.*OneHotEncoder"):
        quick_classifier(categorical_features=[0]).fit(*counts)


def test_another_width_is_refused(fitted, counts):
    with pytest.raises(ValueError, match=r"X has 79 features.*expecting 80"):
        fitted.predict(counts[0][:, :-1])


def test_a_fingerprint_goes_by_what_a_sparse_matrix_holds(counts):
    X, _ = counts
    same, other = X.copy(), X.copy()
    assert same.has_canonical_format  # scipy notes what it has been asked
    other.data[0] += 1

    assert fingerprint(same) == fingerprint(X) != fingerprint(other)


def test_memory_finds_what_was_trained_on_sparse_rows_again(counts, tmp_path):
    X, y = counts
    clf = quick_classifier([("tree", DecisionTreeClassifier())], memory=tmp_path)
    kept = [set(tmp_path.rglob("*")) for _ in range(2) if clf.fit(X.copy(), y)]

    assert kept[0] == kept[1]
    assert sum(path.is_file() for path in kept[0]) == 3  # two folds and the student


def test_an_ensemble_is_sparse_as_far_as_its_teachers_are():
    takes = TeacherEnsemble([("lr", LogisticRegression())])
    takes_not = TeacherEnsemble([("bayes", GaussianNB())])

    assert takes.__sklearn_tags__().input_tags.sparse
    assert not takes_not.__sklearn_tags__().input_tags.sparse


def with_years(n_samples=120, n_years=3):
    """Word counts beside columns far from zero, as OneHotEncoder and passthrough give them."""
    X, _ = word_counts(n_samples, n_features=20)
    years = np.random.RandomState(1).randint(1990, 2021, size=(n_samples, n_years))
    years[5, 0] = 0  # as an unknown year is often written
    return sp.hstack([X, years], format="csr"), (years[:, -1] > 2005).astype(int)


def test_a_full_column_far_from_zero_is_centered_as_in_a_dense_table():
    X, _ = with_years()
    rng = np.random.RandomState(0)
    inputs = NetInputs().fit(X, None, rng)
    Z = inputs.transform(X)

    dense = NetInputs(max_bins=0).fit(X.toarray(), None, rng).transform(X.toarray())

    assert sp.issparse(Z)
    assert_allclose(Z[:, 20:].toarray(), dense[:, 20:], rtol=1e-6)
    assert Z[5, 20] < -2.9
    assert_array_equal(inputs.center[:20], 0)
    assert_allclose(inputs.transform(X.toarray()), Z.toarray(), rtol=1e-6)


def test_a_number_beside_sparse_indicators_is_trained_on(tmp_path, never_whole):
    X, y = with_years(400)
    teachers, student = [("tree", DecisionTreeClassifier())], quick_student(max_epochs=30, lr=0.02)
    clf = quick_classifier(teachers, student).fit(X, y)
    clf.save(tmp_path / "student.safetensors")

    loaded = skdistill.load(tmp_path / "student.safetensors")

    assert clf.score(X, y) > 0.9
    assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
    for start in range(0, 400, 50):
        rows = X[start : start + 50]
        assert_allclose(clf.predict_proba(rows.toarray()), clf.predict_proba(rows), atol=1e-6)


def test_a_sparse_table_of_mostly_full_columns_gives_the_student_of_the_dense_one():
    X, y = with_years(n_years=30)
    of_sparse, of_dense = (quick_classifier().fit(rows, y) for rows in (X, X.toarray()))

    assert not of_sparse.inputs_.layout.is_sparse
    assert_allclose(of_sparse.inputs_.center, of_dense.inputs_.center)
    assert_allclose(of_sparse.predict_proba(X), of_sparse.predict_proba(X.toarray()), atol=1e-6)


def test_a_student_without_periodic_embedding_predicts_sparse_and_dense_rows_alike(counts):
    X, y = counts
    student = quick_student(module__n_frequencies=0)
    clf = quick_classifier([("lr", LogisticRegression())], student).fit(X, y)

    assert_allclose(clf.predict_proba(X), clf.predict_proba(X.toarray()), atol=1e-6)
