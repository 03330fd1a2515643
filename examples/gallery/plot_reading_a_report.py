"""
Reading a report
================

What did distillation gain, what did it lose, and where? In a made-up table of loans, income
decides otherwise in one town. A student that is too small does not see it, and the report says so.
"""

# %%
# Rows, teachers and a small student
# ----------------------------------
#
# Numbers, a category and missing values. In Rome a high income speaks against the loan. The
# student has one layer of two units, and no embeddings of numbers.

import numpy as np
import pandas as pd
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.model_selection import train_test_split

from skdistill import (
    DistillationReport,
    DistilledClassifier,
    StudentNet,
    TableClassifier,
    disagreements,
)

rng = np.random.RandomState(0)
n = 2400
X = pd.DataFrame(
    {
        "income": rng.lognormal(3.5, 0.5, n).round(1),
        "age": rng.uniform(18, 80, n).round(),
        "debt": rng.exponential(10, n).round(1),
        "town": pd.Categorical(rng.choice(["Oslo", "Rome", "Turin"], n, p=[0.5, 0.2, 0.3])),
    }
)
direction = np.where(X["town"] == "Rome", -1, 1)
evidence = direction * (X["income"] - 35) / 6 - X["debt"] / 10 + rng.logistic(size=n)
y = np.where(evidence > -0.5, "repaid", "lost")
X.loc[rng.uniform(size=n) < 0.1, "income"] = np.nan
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, random_state=0)

teachers = [
    ("trees", TableClassifier(ExtraTreesClassifier(150, min_samples_leaf=3, random_state=0))),
    ("boosting", HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=8)),
]
small = StudentNet(module__hidden_sizes=(2,), module__n_frequencies=0, module__bin_embedding_size=0)
clf = DistilledClassifier(teachers, small, effort="low", keep_teachers=True, random_state=0).fit(
    X_train, y_train
)

# %%
# The whole report
# ----------------
#
# :class:`~skdistill.DistillationReport` measures the student beside its teachers and their pool.
# With the training rows, it also trains the same net on labels alone: what the student has from
# its teachers is the difference to that row.

report = DistillationReport.from_estimator(
    clf, X_test, y_test, X_train=X_train, y_train=y_train, slices=["town"]
)
report

# %%
# Log loss and Brier score say how good the probabilities are, calibration error whether they are
# what they say, agreement and KL how close the student is to the pool. A student may be better
# than its teachers on new rows, and still not agree with them.
#
# By class, and by town
# ---------------------

report.by_class()

# %%
# A model that is good in the mean may be bad for a few rows. Compare the lines of a town.

report.by_slice("town")

# %%
# Where they part
# ---------------
#
# :func:`~skdistill.disagreements` needs no labels. A shallow tree says in which regions student
# and teachers differ most.

parts = disagreements(clf, X_test)
parts

# %%
# To keep and to show
# -------------------
#
# ``report.save("report.html")`` writes all of this as one file with its pictures, and
# ``report.to_model_card()`` the Markdown of a model card.

print(report.to_model_card()[:900])

# %%
# Log loss against time and size, and calibration:

report.plot()
