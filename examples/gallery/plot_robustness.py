"""
Is the student as robust as its teachers?
=========================================

A student predicts like its teachers on rows like those that it was trained on. What about rows
with noise, with missing values, or of a sensor that drifts? :func:`~skdistill.robustness` asks
all models about the same corrupted rows.
"""

# %%
# A student and its teachers
# --------------------------
#
# ``keep_teachers=True`` keeps the teachers, fitted on all rows, so that they can be measured.

from sklearn.datasets import make_classification
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.model_selection import train_test_split

from skdistill import DistilledClassifier, NetClassifier, StudentNet, robustness

X, y = make_classification(
    2500, n_features=12, n_informative=8, n_classes=3, flip_y=0.05, random_state=0
)
X[::15, 2] = float("nan")
X_train, X_test, y_train, y_test = train_test_split(X, y, train_size=1000, random_state=0)

teachers = [
    ("trees", ExtraTreesClassifier(100, min_samples_leaf=2, random_state=0)),
    ("boosting", HistGradientBoostingClassifier(max_iter=40, random_state=0)),
]
student = DistilledClassifier(teachers, cv=3, keep_teachers=True, random_state=0)
student.fit(X_train, y_train)

# %%
# The student's net on labels alone shows what is the net's doing, and what the teachers'.

labels = NetClassifier(StudentNet(), random_state=0).fit(X_train, y_train)

# %%
# Corrupted rows
# --------------
#
# A table of log losses, each the mean over two draws. There are no categories to be swapped, and
# the result says so.

result = robustness(
    student, X_test, y_test, models={"net on labels": labels}, n_repeats=2, random_state=0
)
result

# %%
# The same as curves
# ------------------
#
# Look where two curves cross: there a model is better on rows as given, and worse on others. The
# last panel is of another kind. Its rows are unchanged, and are those with the highest numbers
# of a column.

display = result.plot()

# %%
# A data frame has the accuracy, too.

frame = result.to_frame()
frame.pivot(index=["corruption", "strength"], columns="model", values="accuracy").round(3)
