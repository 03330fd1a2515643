"""
A first distillation
====================

An ensemble is trained on images of digits, and a small net is trained to predict like it. The
net is smaller, and quicker, and the same net on labels alone says what the ensemble taught it.
"""

# %%
# Rows, and an ensemble
# ---------------------
#
# The digits are 8 × 8 pixels. A third of them trains everything below; the others only measure.

from sklearn.datasets import load_digits
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, train_size=0.33, random_state=0)

teachers = [
    ("trees", ExtraTreesClassifier(200, random_state=0)),
    ("neighbors", KNeighborsClassifier(5, weights="distance")),
    ("net", MLPClassifier(max_iter=300, random_state=0)),
]

# %%
# The student
# -----------
#
# ``fit`` trains each teacher on five folds. What a teacher predicts for the rows of a fold that
# it was not trained on are its soft targets. The student is trained on those of all teachers,
# pooled. ``keep_teachers=True`` keeps the teachers beside the student, to compare them, and
# ``effort="low"`` is for a first look: fewer synthetic rows, fewer epochs.

from skdistill import DistilledClassifier

clf = DistilledClassifier(teachers, effort="low", keep_teachers=True, random_state=0)
clf.fit(X_train, y_train)

# %%
# The weights of the teachers in the pool, and their log losses out of fold:

for name, weight in clf.teacher_weights_.items():
    print(f"{name:9}  weight {weight:.2f}  log loss {clf.teacher_scores_[name]:.3f}")
print(f"pool {clf.teacher_scores_['pool']:29.3f}")

# %%
# What it brought
# ---------------
#
# The same net without teachers is trained on the labels. :func:`~skdistill.compare` measures all
# three on rows that none of them has seen.

from skdistill import NetClassifier, StudentNet, compare

net = NetClassifier(StudentNet(), random_state=0).fit(X_train, y_train)
models = {"teachers": clf.teacher_, "net on labels": net, "student": clf}
report = compare(models, X_test, y_test)
report

# %%
# On the left, log loss against the time for one row; a larger disk is a larger file. On the
# right, whether the probabilities are what they say: of the rows that get 80 %, 80 % should be
# right.

report.plot()
