"""
Text
====

A logistic regression, a forest of trees and a naive Bayes teach what paragraphs are about, and a
student answers in their place. It is the last step of a pipeline, as any classifier.
"""

# %%
# A corpus that is already here
# -----------------------------
#
# Nothing is downloaded: the texts are paragraphs of the docstrings of scikit-learn itself, and the
# label is the module that they are from. Paragraphs that occur twice are left out, and those of
# one class or function stay together when rows are held out. How many there are depends on the
# version of scikit-learn.

import importlib
import inspect
import re

import numpy as np
from sklearn.model_selection import GroupShuffleSplit

MODULES = ["cluster", "decomposition", "ensemble", "linear_model", "neighbors", "preprocessing"]


def paragraphs(module):
    """Yield each paragraph of the docstrings of a module, and whose docstring it is."""
    module = importlib.import_module(f"sklearn.{module}")
    for name in module.__all__:
        owner = getattr(module, name)
        methods = [method for _, method in inspect.getmembers(owner, inspect.isfunction)]
        for documented in [owner, *methods]:
            for paragraph in re.split(r"\n\s*\n", inspect.getdoc(documented) or ""):
                if len(paragraph.split()) >= 8 and ">>>" not in paragraph:
                    yield paragraph, name


found = [(*each, module) for module in MODULES for each in paragraphs(module)]
texts, names, labels = map(np.array, zip(*found))
_, first, counts = np.unique(texts, return_index=True, return_counts=True)
once = np.sort(first[counts == 1])
texts, names, labels = texts[once], names[once], labels[once]

train, test = next(GroupShuffleSplit(1, test_size=0.3, random_state=0).split(texts, groups=names))
print(f"{len(train)} paragraphs to train on, {len(test)} to test. The first:\n\n{texts[0]}")

# %%
# Sparse rows
# -----------
#
# The rows of tf-idf stay sparse. They get no synthetic rows, because a mixture of two texts is no
# text. ``groups`` keeps the paragraphs of one docstring in one fold, so that no teacher labels a
# paragraph whose neighbors it was trained on.

from sklearn.ensemble import ExtraTreesClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import ComplementNB
from sklearn.pipeline import make_pipeline

from skdistill import DistilledClassifier, NetClassifier, StudentNet, compare

logistic = LogisticRegression(C=10, max_iter=300)
trees = ExtraTreesClassifier(100, min_samples_leaf=2, random_state=0)
teachers = [("logistic", logistic), ("trees", trees), ("bayes", ComplementNB(alpha=0.3))]
vectorizer = TfidfVectorizer(min_df=2, sublinear_tf=True, stop_words="english")

sparse = make_pipeline(
    vectorizer,
    DistilledClassifier(teachers, effort="low", keep_teachers=True, random_state=0),
)
sparse.fit(texts[train], labels[train], distilledclassifier__groups=names[train])
for name, loss in sparse[-1].teacher_scores_.items():
    print(f"{name:8}  log loss out of fold {loss:.3f}")

# %%
# Dense rows
# ----------
#
# ``TruncatedSVD`` makes 50 numbers of all words, and between them there are synthetic rows. A
# multinomial naive Bayes cannot take negative numbers, so it is dropped.

from sklearn.decomposition import TruncatedSVD

dense = make_pipeline(
    vectorizer,
    TruncatedSVD(50, random_state=0),
    DistilledClassifier(teachers, effort="low", random_state=0).set_params(bayes="drop"),
)
dense.fit(texts[train], labels[train], distilledclassifier__groups=names[train])

# %%
# Beside the teachers
# -------------------
#
# All get the rows of tf-idf. The students are smaller and quicker than the teachers, and better
# than the same net on labels; with so few texts, the teachers remain a little better.

X_train, X_test = vectorizer.transform(texts[train]), vectorizer.transform(texts[test])
models = {
    "teachers": sparse[-1].teacher_,
    "net on labels": NetClassifier(StudentNet(), random_state=0).fit(X_train, labels[train]),
    "student, dense": dense[1:],
    "student": sparse[-1],
}
report = compare(models, X_test, labels[test])
report

# %%
report.plot()
