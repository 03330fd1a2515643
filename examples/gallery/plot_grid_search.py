"""
A grid search that fits its teachers once
=========================================

With ``memory``, a search over the student pays for the ensemble once per fold, whatever the
number of candidates: what a teacher predicted is kept, and found again by the content of the rows
and by all parameters that matter to the teacher.
"""

# %%
# Rows, teachers and a small student
# ----------------------------------
#
# ``memory`` is a folder; yours would not be a temporary one. Without synthetic rows, each teacher
# is fitted on five folds and no more.

import time
from tempfile import TemporaryDirectory

from sklearn.datasets import make_classification
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier

from skdistill import DistilledClassifier, StudentNet

X, y = make_classification(
    1000, n_features=10, n_informative=6, n_clusters_per_class=3, flip_y=0.15, random_state=0
)
teachers = [
    ("trees", ExtraTreesClassifier(50, min_samples_leaf=2, random_state=0)),
    ("neighbors", KNeighborsClassifier(20)),
]
memory = TemporaryDirectory()
clf = DistilledClassifier(
    teachers,
    StudentNet(max_epochs=5, module__hidden_sizes=(32,)),
    augmenter=None,
    memory=memory.name,
    random_state=0,
)

# %%
# The search
# ----------
#
# Twelve candidates on three splits are 36 fits, and one more on all rows. With two teachers on
# five folds, that would be 370 fits of a teacher. With ``memory`` there are 40: those of the first
# candidate on each split, and those on all rows.

grid = {"alpha": [0.0, 0.3, 0.6, 1.0], "temperature": [1.0, 2.0, 4.0]}
search = GridSearchCV(clf, grid, scoring="neg_log_loss", cv=3)
search.fit(X, y)
print(search.best_params_)

# %%
# The first candidate found an empty folder, the others what it had left there:

first, *others = search.cv_results_["mean_fit_time"]
print(f"the first candidate: {first:.1f} s, the others: {sum(others) / len(others):.1f} s")

# %%
# The same search again trains nothing at all, because students are kept as well.

started = time.perf_counter()
search.fit(X, y)
print(f"again: {time.perf_counter() - started:.1f} s")
memory.cleanup()

# %%
# Alpha and temperature
# ---------------------
#
# ``alpha`` is the teachers' share of the loss. With 0 the student is trained on the labels alone,
# so the temperature plays no part.

import matplotlib.pyplot as plt

loss = -search.cv_results_["mean_test_score"].reshape(4, 3)

_, ax = plt.subplots(figsize=(5, 4), layout="constrained")
image = ax.imshow(loss, cmap="viridis_r")
for (row, column), value in zip(
    ((row, column) for row in range(4) for column in range(3)), loss.ravel()
):
    is_bright = value < (loss.min() + loss.max()) / 2
    ax.text(column, row, f"{value:.3f}", ha="center", va="center", color="k" if is_bright else "w")
ax.set(
    xlabel="temperature",
    ylabel="alpha",
    xticks=range(3),
    xticklabels=grid["temperature"],
    yticks=range(4),
    yticklabels=grid["alpha"],
    title="log loss of the student, three splits",
)
ax.figure.colorbar(image, label="log loss, lower is better")
