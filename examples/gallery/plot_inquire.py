"""
A student that asks
===================

The teachers label synthetic rows for the student. By default these come as they come; with
:class:`~skdistill.Inquire` the student is asked in rounds which ones it needs. A short training
shows where it differs from its teachers, or where it is unsure, and the next rows are drawn from
there.
"""

# %%
# Two moons, two teachers
# -----------------------
#
# Few rows and a border that bends: what the student does not know lies along the border.

import numpy as np
from sklearn.datasets import make_moons
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.neighbors import KNeighborsClassifier

from skdistill import CallableTeacher, DistilledClassifier, Inquire

X, y = make_moons(300, noise=0.25, random_state=0)
X_test, y_test = make_moons(5000, noise=0.25, random_state=1)
ensemble = ExtraTreesClassifier(200, min_samples_leaf=3, random_state=0).fit(X, y)
neighbors = KNeighborsClassifier(25).fit(X, y)

# %%
# A teacher that remembers
# ------------------------
#
# The mean of both models, as a function that remembers what it was asked about. The student gets
# rows that the models were not fitted on.

asked = []


def predict_proba(rows):
    asked.append(rows)
    return (ensemble.predict_proba(rows) + neighbors.predict_proba(rows)) / 2


teacher = CallableTeacher(predict_proba, classes=[0, 1], output="proba")
X_own, y_own = make_moons(300, noise=0.25, random_state=2)

# %%
# Three students
# --------------
#
# Each gets 1,200 synthetic rows: those of :class:`~skdistill.Munge` as they come, those where it
# differs from its teacher, and those where it is unsure. The last two are drawn in three rounds
# of 400 rows, the first of which is as it comes. KL is the divergence of student and teacher on
# test rows.

augmenters = {
    "as they come": "munge",
    "where they part": Inquire(rounds=3),
    "where it is unsure": Inquire(rounds=3, by="uncertainty"),
}
rows_of = {}
for name, augmenter in augmenters.items():
    asked.clear()
    student = DistilledClassifier(teacher, augmenter=augmenter, random_state=0)
    student.fit(X_own, y_own)
    synthetic = [rows for rows in asked if len(rows) != len(X_own)]
    rows_of[name] = np.concatenate(synthetic)[-800:]  # without the first round
    pool, own = predict_proba(X_test).clip(1e-9), student.predict_proba(X_test)
    divergence = np.mean(np.sum(pool * np.log(pool / own), axis=1))
    print(f"{name:18}  KL {divergence:.4f}  accuracy {student.score(X_test, y_test):.1%}")

# %%
# What they asked about
# ---------------------
#
# Color tells what the teacher answers. A student that asks where it is unsure spends more rows
# along the border of the classes. Its questions are labeled as any synthetic row is, and cost
# the teacher nothing more.

import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 3, figsize=(10, 3.6), sharex=True, sharey=True, layout="constrained")
for ax, (name, rows) in zip(axes, rows_of.items()):
    answers = predict_proba(rows)[:, 1]
    on_the_border = np.mean((answers > 0.2) & (answers < 0.8))
    ax.scatter(*rows.T, c=answers, cmap="coolwarm", s=7, vmin=0, vmax=1)
    ax.set_title(f"{name}:\n{on_the_border:.0%} on the border", fontsize=10, loc="left")
    ax.spines[["top", "right"]].set_visible(False)
