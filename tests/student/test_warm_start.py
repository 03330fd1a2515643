"""The arrays of a student, turned back into a net that can be trained."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from skdistill.student.warm_start import PresentStudent
from tests.small import mixed_table, numeric_rows, quick_classifier, quick_student, training_data

X, Y = numeric_rows(1200)  # with bins


def net_that_starts_from(clf, X, y, **params):
    net = quick_student(**params)
    PresentStudent.of(clf).start(net, training_data(X, y, columns={"n_features_in_": X.shape[1]}))
    inputs = clf.inputs_.transform(X)
    net.set_params(module__layout=clf.inputs_.layout, module__n_classes=len(clf.classes_))
    return net.initialize(), inputs


@pytest.mark.parametrize("make", [np.asarray, csr_matrix])
def test_a_net_that_starts_from_a_student_predicts_as_it(make):
    rows = make(X)
    clf = quick_classifier(LogisticRegression(), warm_start=True).fit(rows, Y)

    net, inputs = net_that_starts_from(clf, rows, Y)

    assert_allclose(net.forward(inputs).detach().numpy(), clf.student_(inputs), atol=1e-4)


def test_bins_and_categories_are_embedded_as_they_were():
    frame, labels = mixed_table(1200)
    clf = quick_classifier(warm_start=True).fit(frame, (labels == "yes").astype(int))
    assert clf.inputs_.layout.n_bins
    assert clf.inputs_.layout.n_categories
    columns = {"n_features_in_": 4, "feature_names_in_": clf.feature_names_in_}
    data = training_data(frame, (labels == "yes").astype(int), columns=columns)

    net = quick_student()
    PresentStudent.of(clf).start(net, data)
    net.set_params(module__layout=clf.inputs_.layout, module__n_classes=2)
    inputs = clf.inputs_.transform(frame)

    outputs = net.initialize().forward(inputs).detach().numpy()
    assert_allclose(outputs, clf.student_(inputs), atol=1e-4)


def test_trained_weights_need_smaller_steps_unless_they_are_named():
    clf = quick_classifier(warm_start=True).fit(X, Y)

    assert net_that_starts_from(clf, X, Y)[0].lr == 4e-3
    assert net_that_starts_from(clf, X, Y, lr=0.1)[0].lr == 0.1
