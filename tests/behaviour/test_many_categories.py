"""Columns of many categories, most of them rare, such as users and films."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss

from skdistill import DistilledClassifier, NetClassifier, StudentMLP, TensorNet
from skdistill.nets import modules
from tests.small import quick_student


def ratings(n_samples, n_films, seed):
    """Ratings by a few users whose taste decides, of films that are mostly seen once or twice."""
    rng = np.random.RandomState(seed)
    user, film = rng.randint(0, 20, n_samples), rng.randint(0, n_films, n_samples)
    liked = np.random.RandomState(0).normal(scale=2, size=20)[user] + rng.logistic(size=n_samples)
    table = pd.DataFrame({"user": user.astype(str), "film": film.astype(str)})
    return table.astype("category"), (liked > 0).astype(int)


def test_vectors_start_small_and_that_of_an_unseen_category_at_zero():
    embedding = modules.CategoryEmbedding((1000, 5), 8)

    length = embedding.vector.detach().norm(dim=1)
    assert 0.05 < length[:999].mean() < 0.2
    assert length[999] == length[1004] == 0


def test_a_new_user_is_predicted_by_what_else_is_known():
    X, y = ratings(600, 5, seed=1)
    clf = DistilledClassifier(
        NetClassifier(TensorNet(StudentMLP, max_epochs=8, batch_size=64)),
        quick_student(max_epochs=10),
        random_state=0,
    ).fit(X, y)

    somebody = X.head(5).assign(user=pd.Categorical(["somebody new"] * 5))
    proba = clf.predict_proba(somebody)[:, 1]

    assert (abs(proba - y.mean()) < 0.2).all()


def test_the_student_of_ratings_is_as_good_as_its_teachers():
    path = Path(os.environ.get("SKDISTILL_DATA", "no folder")) / "movielens.parquet"
    if not path.exists():
        pytest.skip("needs MovieLens: set SKDISTILL_DATA to a folder with movielens.parquet")
    rows = pd.read_parquet(path).sample(7000, random_state=0)
    X, y = rows.drop(columns="target"), rows["target"]
    X_train, X_test, y_train, y_test = X[:5000], X[5000:], y[:5000], y[5000:]
    clf = DistilledClassifier(effort="low", keep_teachers=True, random_state=0)

    clf.fit(X_train, y_train)

    student, teachers = (log_loss(y_test, m.predict_proba(X_test)) for m in (clf, clf.teacher_))
    assert student < 1.01 * teachers
    assert student < 0.67  # of the frequencies of the labels: .69
