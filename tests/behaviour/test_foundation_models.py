"""Teachers that answer in context: they keep the labeled table, and look each row up in it."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import log_loss

from skdistill import DistilledClassifier, StudentNet
from tests.docs.test_readme import ROOT, code_blocks
from tests.small import mixed_table, quick_classifier


class InContext(ClassifierMixin, BaseEstimator):
    """Attention over the labeled rows: `fit` keeps them, and each answer reads all of them.

    A row that is among them attends to itself. The number of rows that were asked about belongs to
    the class, as the answers are what costs.
    """

    n_asked = 0

    def __init__(self, sharpness=40.0):
        self.sharpness = sharpness

    def fit(self, X, y):
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.context_ = np.asarray(X), np.eye(len(self.classes_))[codes]
        return self

    def predict_proba(self, X):
        InContext.n_asked += len(X)
        rows, labels = self.context_
        attention = softmax(-self.sharpness * cdist(np.asarray(X), rows, "sqeuclidean"), axis=1)
        return 0.98 * attention @ labels + 0.02 / labels.shape[1]


@pytest.fixture
def in_context(monkeypatch):
    monkeypatch.setattr(InContext, "n_asked", 0)
    return InContext()


def noisy_rows(n_samples, seed):
    """Two classes that one column tells apart, but for a third of the labels, as (X, y)."""
    rng = np.random.RandomState(seed)
    X = rng.uniform(-1, 1, size=(n_samples, 2))
    return X, (X[:, 0] > 0) ^ (rng.rand(n_samples) < 0.3)


def taught(teacher, cv, *, max_epochs=1, **params):
    """A student of 300 noisy rows that listens to its teachers alone."""
    X, y = noisy_rows(300, seed=0)
    student = StudentNet(max_epochs=max_epochs, lr=0.01, module__hidden_sizes=(32,))
    given = {"alpha": 1.0, "augmenter": None, "random_state": 0} | params
    return DistilledClassifier(teacher, student, cv=cv, **given).fit(X, y)


def test_out_of_fold_it_promises_no_more_than_new_rows_get(in_context):
    X_new, y_new = noisy_rows(3000, seed=1)
    of_new_rows = log_loss(y_new, in_context.fit(*noisy_rows(300, seed=0)).predict_proba(X_new))

    out_of_fold = taught(in_context, cv=5).teacher_scores_["pool"]

    assert out_of_fold > 0.95 * of_new_rows


@pytest.mark.filterwarnings("ignore:cv='in_sample'")
def test_in_sample_it_repeats_the_labels_and_a_student_learns_their_noise(in_context):
    X_new, y_new = noisy_rows(3000, seed=1)
    in_sample, out_of_fold = (taught(in_context, cv=cv, max_epochs=40) for cv in ("in_sample", 5))

    loss_in_sample, loss_out_of_fold = (
        log_loss(y_new, clf.predict_proba(X_new)) for clf in (in_sample, out_of_fold)
    )
    assert in_sample.teacher_scores_["pool"] < 0.8 * out_of_fold.teacher_scores_["pool"]
    assert loss_out_of_fold < loss_in_sample


@pytest.mark.parametrize(
    ("params", "answers"),
    [({"augmenter": "munge"}, 25), ({"augmenter": "munge", "cv": 3}, 17), ({}, 1)],
)
def test_it_is_asked_as_often_as_the_page_says(in_context, params, answers):
    taught(in_context, **{"cv": 5} | params)

    page = (ROOT / "docs" / "foundation_models.md").read_text()
    assert InContext.n_asked == 300 * answers
    assert f"| {answers} |" in page


def test_with_memory_it_is_asked_nothing_twice(in_context, tmp_path):
    taught(in_context, cv=5, memory=tmp_path)
    InContext.n_asked = 0

    taught(in_context, cv=5, memory=tmp_path, max_epochs=2)

    assert InContext.n_asked == 0


def test_the_student_comes_without_the_table_of_its_teacher(in_context):
    clf = taught(in_context, cv=5)

    assert not hasattr(clf, "teacher_")
    assert not hasattr(clf.teachers, "context_")


# The real ones, as small as they go and with random weights: the tests download nothing.


@pytest.fixture(scope="module")
def tabicl(tmp_path_factory):
    """TabICL's classifier, of a checkpoint that was never trained."""
    module = pytest.importorskip("tabicl")
    from tabicl._model.tabicl import TabICL

    sizes = dict.fromkeys(("col_num_blocks", "row_num_blocks", "icl_num_blocks", "ff_factor"), 1)
    sizes |= dict.fromkeys(("col_nhead", "row_nhead", "icl_nhead", "row_num_cls"), 2)
    sizes |= {"embed_dim": 8, "col_num_inds": 4}
    path = tmp_path_factory.mktemp("tabicl") / "random.ckpt"
    torch.save({"config": sizes, "state_dict": TabICL(**sizes).state_dict()}, path)
    return partial(module.TabICLClassifier, model_path=path, device="cpu", n_jobs=1)


@pytest.fixture(scope="module")
def tabpfn():
    """TabPFN's classifier, of a net that was never trained."""
    module = pytest.importorskip("tabpfn")
    from tabpfn.architectures.tabpfn_v2 import TabPFNV2Config, get_architecture
    from tabpfn.constants import ModelVersion
    from tabpfn.inference_config import InferenceConfig

    sizes = TabPFNV2Config(emsize=12, nlayers=1, nhead=2, max_num_classes=10, num_buckets=0)
    inference = InferenceConfig.get_default("multiclass", ModelVersion.V2)
    net = module.ModelSpecs(get_architecture(sizes), sizes, inference)
    return partial(module.TabPFNClassifier, model_path=net, n_estimators=2, device="cpu")


def assert_teaches(teacher):
    """Distill it on a table with strings as labels, categories and missing values."""
    X, y = mixed_table(80)

    clf = quick_classifier([("model", teacher)], augmenter="munge").fit(X, y)

    assert set(clf.predict(X)) <= {"yes", "no"}
    assert np.isfinite(clf.teacher_scores_["model"])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.integration("TabICL", "a teacher; the test's weights are random", package="tabicl")
def test_tabicl_teaches(tabicl):
    assert_teaches(tabicl(n_estimators=2))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.integration("TabPFN", "a teacher; the test's weights are random", package="tabpfn")
def test_tabpfn_teaches(tabpfn):
    assert_teaches(tabpfn())


@pytest.mark.filterwarnings("ignore")
def test_the_code_of_the_page_runs(tabicl, tabpfn, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("tabicl.TabICLClassifier", tabicl)
    monkeypatch.setattr("tabpfn.TabPFNClassifier", tabpfn)
    monkeypatch.chdir(tmp_path)
    page, names = ROOT / "docs" / "foundation_models.md", {}

    for block in code_blocks(page.read_text()):
        exec(compile(block, page, "exec"), names)

    assert "student" in capsys.readouterr().out
    assert Path("cache").is_dir()
