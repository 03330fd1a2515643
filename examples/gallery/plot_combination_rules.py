"""
Several teachers, and how to combine them
=========================================

Four classifiers of growing strength, all made of trees, are combined by the oldest rules: the
mean of their probabilities, the geometric mean, the median and the vote. What each pool teaches a
student is measured, and how much the teachers differ.
"""

# %%
# The teachers
# ------------

from sklearn.datasets import make_classification
from sklearn.ensemble import (
    AdaBoostClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeClassifier

X, y = make_classification(
    6000, n_features=10, n_informative=7, n_classes=3, flip_y=0.1, random_state=1
)
X_train, X_test, y_train, y_test = train_test_split(X, y, train_size=800, random_state=0)

teachers = [
    ("tree", DecisionTreeClassifier(min_samples_leaf=20, random_state=0)),
    ("forest", RandomForestClassifier(50, min_samples_leaf=2, random_state=0)),
    ("adaboost", AdaBoostClassifier(n_estimators=30, random_state=0)),
    ("boosting", GradientBoostingClassifier(n_estimators=30, random_state=0)),
]

# %%
# How they differ
# ---------------
#
# :class:`~skdistill.TeacherEnsemble` fits them out of fold. The marginal gain of a teacher is the
# log loss that the pool would lose without it. A teacher must differ from the others to bring
# any, and that is not enough: the tree and AdaBoost differ most, by errors of their own.

from tempfile import TemporaryDirectory

from skdistill import DistilledClassifier, TeacherEnsemble

memory = TemporaryDirectory()
ensemble = TeacherEnsemble(teachers, memory=memory.name, random_state=0).fit(X_train, y_train)
names = list(ensemble.scores_)[:-1]
for name in names:
    gain = ensemble.diversity_["marginal_gain"][name]
    print(f"{name:8}  log loss {ensemble.scores_[name]:.3f}  marginal gain {gain:+.4f}")

# %%
# Four rules, four students
# -------------------------
#
# With ``weights=None`` all teachers count the same, as in the textbooks. ``memory`` keeps what
# they predict, so that they are fitted once for all rules. The last pool is the default: a mean
# whose weights minimize the log loss out of fold.

rules = {
    "mean": {"combination": "mean", "weights": None},
    "geometric": {"combination": "geometric", "weights": None},
    "median": {"combination": "median", "weights": None},
    "vote": {"combination": "vote", "weights": None},
    "weighted mean": {},
}
students = {
    rule: DistilledClassifier(
        teachers,
        effort="low",
        keep_teachers=True,
        memory=memory.name,
        random_state=0,
        **settings,
    ).fit(X_train, y_train)
    for rule, settings in rules.items()
}
memory.cleanup()

# %%
# Log losses of new rows, of each pool and of the student that it taught:

from sklearn.metrics import log_loss

losses = {
    name: log_loss(y_test, teacher.predict_proba(X_test))
    for name, teacher in students["mean"].teacher_.named_teachers_.items()
}
of_pools = {
    rule: log_loss(y_test, clf.teacher_.predict_proba(X_test)) for rule, clf in students.items()
}
of_students = {rule: log_loss(y_test, clf.predict_proba(X_test)) for rule, clf in students.items()}
for rule in rules:
    print(f"{rule:13}  pool {of_pools[rule]:.3f}  student {of_students[rule]:.3f}")

# %%
# In one picture
# --------------
#
# A vote knows only shares of voters: a class that nobody votes for gets probability zero, and
# each row of that class then costs a lot of log loss. A student cannot be so sure, so it is better
# than such a pool. Below the line are the rules; the last is the default.

import matplotlib.pyplot as plt
import numpy as np

disagreement = np.array(
    [[ensemble.diversity_["disagreement"][a].get(b, np.nan) for b in names] for a in names]
)

_, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained", width_ratios=(1.4, 1))
left.scatter(losses.values(), losses.keys(), marker="^", color="0.5", label="teacher")
left.scatter(of_pools.values(), of_pools.keys(), marker="s", label="pool")
left.scatter(of_students.values(), of_students.keys(), label="student")
left.hlines(of_pools.keys(), of_pools.values(), of_students.values(), color="0.7", zorder=0)
left.axhline(len(losses) - 0.5, color="0.7", lw=0.8)
left.set(xscale="log", xlabel="log loss of new rows, lower is better", xticks=[0.6, 1, 2, 5])
left.xaxis.set_major_formatter("{x:g}")
left.xaxis.set_minor_formatter("")
left.invert_yaxis()
left.legend()

right.imshow(disagreement, cmap="viridis")
right.set(
    xticks=range(len(names)),
    xticklabels=names,
    yticks=range(len(names)),
    yticklabels=names,
    title="rows that one of two gets right",
)
for i, j in np.ndindex(*disagreement.shape):
    if i != j:
        color = "k" if disagreement[i, j] > np.nanmean(disagreement) else "w"
        right.text(j, i, f"{disagreement[i, j]:.0%}", ha="center", va="center", color=color)
