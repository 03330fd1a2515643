"""
The ensemble that I have
========================

A vote, a stacking or a pipeline is a teacher as it is. Here a vote of three classifiers is
distilled twice: cloned and fitted out of fold, and frozen, as it would be if it came from
elsewhere and must not be fitted again.
"""

# %%
# The ensemble
# ------------
#
# Somebody has trained it on 1,500 rows; 1,500 others have come since.

from sklearn.datasets import make_classification
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

X, y = make_classification(
    5000, n_features=12, n_informative=8, n_clusters_per_class=4, flip_y=0.1, random_state=0
)
X_old, X_new, y_old, y_new = train_test_split(X, y, train_size=1500, random_state=0)
X_new, X_test, y_new, y_test = train_test_split(X_new, y_new, train_size=1500, random_state=0)

ensemble = VotingClassifier(
    [
        ("logistic", LogisticRegression()),
        ("trees", ExtraTreesClassifier(100, min_samples_leaf=2, random_state=0)),
        ("boosting", HistGradientBoostingClassifier(max_iter=50, random_state=0)),
    ],
    voting="soft",
)
ensemble.fit(X_old, y_old)

# %%
# Fitted anew
# -----------
#
# The vote is cloned and fitted on folds of the rows that ``fit`` gets, so it labels no row that it
# was trained on. This is the way to go where it can be fitted again.

from skdistill import DistilledClassifier

refitted = DistilledClassifier(ensemble, effort="low", random_state=0)
refitted.fit(X_old, y_old)

# %%
# Frozen
# ------
#
# A frozen ensemble labels rows as it is. Give it rows that it has not seen: of those that it was
# trained on it repeats the labels, noise included. Some of the new rows, ``X_val``, validate the
# student.

from sklearn.frozen import FrozenEstimator

frozen = DistilledClassifier(FrozenEstimator(ensemble), effort="low", random_state=0)
frozen.fit(X_new[300:], y_new[300:], X_val=X_new[:300], y_val=y_new[:300])

# %%
# Both are a fraction of its size, and quicker.

from skdistill import compare

report = compare(
    {"ensemble": ensemble, "student, refitted": refitted, "student, frozen": frozen},
    X_test,
    y_test,
)
report

# %%
# The frozen vote and its student, row by row
# -------------------------------------------
#
# Of each test row: the probability of the second class by the ensemble, and by its student. On
# the diagonal they are equal, in the shaded quarters they predict different classes.

import matplotlib.pyplot as plt

of_ensemble, of_student = (model.predict_proba(X_test)[:, 1] for model in (ensemble, frozen))

_, ax = plt.subplots(figsize=(5, 5), layout="constrained")
ax.fill_between([0, 0.5], 0.5, 1, color="0.5", alpha=0.2, lw=0)
ax.fill_between([0.5, 1], 0, 0.5, color="0.5", alpha=0.2, lw=0)
ax.axline((0, 0), slope=1, color="0.5", lw=1)
ax.scatter(of_ensemble, of_student, s=8, alpha=0.4, lw=0)
agreement = report["student, frozen"].agreement
ax.set(
    xlabel="probability by the ensemble",
    ylabel="probability by the student",
    title=f"{agreement:.1%} of the rows get the same class",
    aspect="equal",
    xlim=(0, 1),
    ylim=(0, 1),
)
