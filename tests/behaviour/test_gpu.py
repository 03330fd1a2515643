"""What needs a GPU; the machine without one skips it."""

import json
import os
import subprocess
import sys

import joblib
import numpy as np
import pytest
import torch
import xgboost
from scipy.sparse import csr_array

from skdistill import (
    DistilledClassifier,
    DistilledRanker,
    DistilledRegressor,
    NetClassifier,
    NetRanker,
    NetRegressor,
    StudentMLP,
    TensorNet,
)
from tests.small import (
    encoded_tree,
    mixed_table,
    numeric_rows,
    queries,
    quick_classifier,
    quick_student,
    rows_and_targets,
    small_default_classifier,
)

pytestmark = pytest.mark.gpu

ANSWER = """
import json, sys
import joblib, torch
assert not torch.cuda.is_available()
model, rows = sys.argv[1:]
print(json.dumps(joblib.load(model).predict_proba(joblib.load(rows)).tolist()))
"""


def answered_without_gpu(model, X, folder):
    """Probabilities of a model that was loaded where no GPU is seen."""
    joblib.dump(model, folder / "model.joblib")
    joblib.dump(X, folder / "rows.joblib")
    command = [sys.executable, "-c", ANSWER, folder / "model.joblib", folder / "rows.joblib"]
    hidden = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    run = subprocess.run(command, check=True, capture_output=True, text=True, env=hidden)
    return np.array(json.loads(run.stdout))


@pytest.mark.parametrize("mixed_precision", [True, False])
def test_a_student_is_trained_on_the_gpu(mixed_precision):
    X, y = mixed_table(200)
    student = quick_student(max_epochs=30, mixed_precision=mixed_precision)

    clf = quick_classifier(student=student, device="cuda").fit(X, y)

    assert clf.history_[-1]["train_loss"] < clf.history_[0]["train_loss"]
    assert clf.score(X, y) > 0.7


def test_the_gpu_is_chosen_where_there_is_one():
    X, y = numeric_rows()
    net = NetClassifier(TensorNet(StudentMLP, max_epochs=2)).fit(X, y)

    assert next(net.net_.module_.parameters()).is_cuda


def test_mixed_precision_trains_in_bfloat16():
    X, y = numeric_rows()
    seen = []

    class Spy(StudentMLP):
        def forward(self, X):
            logits = super().forward(X)
            seen.append((self.training, logits.dtype))
            return logits

    net = TensorNet(Spy, max_epochs=1, mixed_precision=True)
    NetClassifier(net, device="cuda").fit(X, y).predict_proba(X)

    assert set(seen) == {(True, torch.bfloat16), (False, torch.float32)}


def test_mixed_precision_reaches_about_the_loss_of_float32():
    X, y = numeric_rows(1_000)
    losses = []
    for mixed_precision in (False, True):
        net = TensorNet(StudentMLP, max_epochs=15, mixed_precision=mixed_precision)
        losses.append(NetClassifier(net, device="cuda", random_state=0).fit(X, y).history_[-1])

    assert losses[1]["valid_loss"] == pytest.approx(losses[0]["valid_loss"], rel=0.1)


def test_accelerate_trains_on_the_gpu_that_it_has_chosen():
    pytest.importorskip("accelerate", reason="pip install 'skdistill[accelerate]'")
    from accelerate import Accelerator

    from tests.accelerated import AcceleratedStudent

    X, y = numeric_rows(200)
    student = AcceleratedStudent(max_epochs=30, accelerator=Accelerator())

    clf = quick_classifier(student=student, device="cuda").fit(X, y)

    assert clf.history_[-1]["train_loss"] < clf.history_[0]["train_loss"]
    assert clf.score(X, y) > 0.7


@pytest.mark.parametrize("mixed_precision", [False, "auto"])
def test_a_table_net_trains_in_float32_unless_it_is_asked_to_mix(mixed_precision):
    X, y = numeric_rows()
    seen = []

    class Spy(StudentMLP):
        def forward(self, X):
            logits = super().forward(X)
            seen.append(logits.dtype)
            return logits

    net = TensorNet(Spy, max_epochs=1, mixed_precision=mixed_precision)
    NetClassifier(net, device="cuda").fit(X, y)

    assert set(seen) == {torch.float32}


def test_a_student_trained_on_the_gpu_predicts_where_there_is_none(tmp_path):
    X, y = mixed_table()
    clf = quick_classifier(device="cuda").fit(X, y)

    np.testing.assert_allclose(
        answered_without_gpu(clf, X, tmp_path), clf.predict_proba(X), atol=1e-5
    )


def test_teachers_trained_on_the_gpu_predict_where_there_is_none(tmp_path):
    X, y = numeric_rows()
    net = TensorNet(StudentMLP, max_epochs=3, mixed_precision=False)
    teacher = NetClassifier(net, device="cuda").fit(X, y)

    np.testing.assert_allclose(
        answered_without_gpu(teacher, X, tmp_path), teacher.predict_proba(X), atol=1e-4
    )


def test_a_random_state_gives_the_same_student_again_on_the_gpu():
    X, y = numeric_rows()

    one, other = (quick_classifier(device="cuda").fit(X, y).predict_proba(X) for _ in range(2))

    np.testing.assert_allclose(one, other, atol=1e-3)  # sums on a GPU come in any order


def test_fitting_leaves_the_generator_of_the_gpu_as_it_was():
    X, y = numeric_rows()
    before = torch.cuda.get_rng_state()

    quick_classifier(device="cuda").fit(X, y)

    assert torch.equal(torch.cuda.get_rng_state(), before)


def test_the_default_teachers_and_the_student_are_fitted_on_the_gpu():
    X, y = mixed_table()
    clf = DistilledClassifier(cv=2, alpha=0.5, device="cuda", random_state=0)
    nets = [n for n, t in clf._default_teachers() if isinstance(t, NetClassifier)]
    clf.set_params(student__max_epochs=3, **{f"{n}__net__max_epochs": 3 for n in nets})

    np.testing.assert_allclose(clf.fit(X, y).predict_proba(X).sum(1), 1)


@pytest.mark.parametrize("n_samples", [60, 1_200])  # from 1,000 rows on, with bins
def test_a_default_classifier_learns_on_the_gpu(n_samples):
    X, y = mixed_table(n_samples)

    assert small_default_classifier(device="cuda").fit(X, y).score(X, y) > 0.6


@pytest.mark.parametrize(
    "params", [{}, {"loss": "gamma"}, {"loss": "huber"}, {"quantiles": (0.1, 0.9)}]
)
def test_a_default_regressor_learns_on_the_gpu(params):
    X, y = rows_and_targets(1_200)
    reg = DistilledRegressor(cv=2, device="cuda", random_state=0, **params)
    nets = [n for n, t in reg._default_teachers() if isinstance(t, NetRegressor)]
    few = {f"{name}__net__max_epochs": 5 for name in nets}

    reg.set_params(student__max_epochs=5, **few).fit(X, y)

    assert reg.score(X, y) > 0.3


@pytest.mark.parametrize("loss", ["listwise", "pairwise", "listmle", "lambdarank"])
def test_a_default_ranker_learns_on_the_gpu(loss):
    X, y, qid = queries()
    ranker = DistilledRanker(cv=2, loss=loss, device="cuda", random_state=0)
    nets = [n for n, t in ranker._default_teachers() if isinstance(t, NetRanker)]
    few = {f"{name}__net__max_epochs": 5 for name in nets}

    ranker.set_params(student__max_epochs=5, **few).fit(X, y, qid=qid)

    assert ranker.score(X, y, qid=qid) > 0.6


def test_sparse_rows_are_learned_on_the_gpu():
    X, y = numeric_rows(200)
    student = quick_student(max_epochs=30)

    clf = quick_classifier(encoded_tree(), student, device="cuda").fit(csr_array(X), y)

    assert clf.score(csr_array(X), y) > 0.7


def test_fits_on_threads_share_the_gpu():
    X, y = numeric_rows(200)
    one, both = (
        quick_classifier(device="cuda", n_jobs=n_jobs).fit(X, y).predict_proba(X)
        for n_jobs in (1, 2)
    )

    np.testing.assert_allclose(one, both, atol=1e-3)


def test_xgboost_is_fitted_on_the_gpu_if_it_is_asked_to():
    if not xgboost.build_info().get("USE_CUDA"):
        pytest.skip("this XGBoost was built without CUDA")
    X, y = mixed_table(200)
    clf = small_default_classifier(device="cuda").set_params(xgb__device="cuda")

    assert clf.fit(X, y).score(X, y) > 0.6


def test_training_goes_on_with_smaller_batches_where_the_memory_of_the_gpu_is_exhausted():
    X, y = numeric_rows(200)

    class Greedy(StudentMLP):
        def forward(self, X):
            if len(X) > 40 and self.training:
                torch.empty(2**50, dtype=torch.uint8, device=X.device)
            return super().forward(X)

    net = TensorNet(Greedy, max_epochs=2, batch_size=128)
    with pytest.warns(UserWarning, match="exhausted"):
        NetClassifier(net, device="cuda").fit(X, y)


def test_a_warm_fit_goes_on_on_the_gpu():
    X, y = numeric_rows(200)
    clf = quick_classifier(device="cuda", warm_start=True).fit(X, y)
    before = clf.score(X, y)

    clf.set_params(student__max_epochs=30).fit(X, y)

    assert clf.score(X, y) >= before
