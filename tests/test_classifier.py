import pickle
import warnings

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.metrics import log_loss
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledClassifier, TableClassifier, TensorNet
from tests.small import (
    ENOUGH_ROWS,
    Linear,
    mixed_table,
    numeric_rows,
    quick_classifier,
    quick_student,
)


def fitted(n_classes=3, **params):
    X, y = numeric_rows(n_classes=n_classes)
    return quick_classifier(**params).fit(X, y), X, y


def test_probabilities_are_one_row_a_sample_and_sum_to_one():
    clf, X, _ = fitted()

    proba = clf.predict_proba(X)

    assert proba.shape == (60, 3)
    assert (proba >= 0).all()
    assert_allclose(proba.sum(1), 1, rtol=0, atol=1e-12)


def test_the_most_probable_class_is_predicted():
    X, y = mixed_table()
    clf = quick_classifier().fit(X, y)

    assert_array_equal(clf.predict(X), clf.classes_[clf.predict_proba(X).argmax(1)])


def test_log_probabilities_are_the_logarithms():
    clf, X, _ = fitted()

    assert_allclose(clf.predict_log_proba(X), np.log(clf.predict_proba(X)), atol=1e-12)


def test_the_decision_is_the_logits_whose_softmax_are_the_probabilities():
    clf, X, _ = fitted()

    odds = np.exp(clf.decision_function(X))

    assert_allclose(odds / odds.sum(1, keepdims=True), clf.predict_proba(X))


def test_the_decision_of_two_classes_is_the_log_odds_of_the_second():
    clf, X, _ = fitted(n_classes=2)

    proba = clf.predict_proba(X)

    assert_allclose(clf.decision_function(X), np.log(proba[:, 1] / proba[:, 0]), atol=1e-9)


def test_the_score_is_the_accuracy():
    clf, X, y = fitted()

    assert clf.score(X, y) == np.mean(clf.predict(X) == y)


def test_the_student_predicts_like_its_teachers():
    X, y = load_iris(return_X_y=True)
    forests = [("rf", RandomForestClassifier(20)), ("et", ExtraTreesClassifier(20))]

    clf = quick_classifier(forests, quick_student(max_epochs=40, lr=0.02), keep_teachers=True).fit(
        X, y
    )

    assert log_loss(y, clf.predict_proba(X)) < 0.3
    assert np.mean(clf.predict(X) == clf.teacher_.predict(X)) > 0.9


def test_strings_and_integers_as_labels_give_the_same_probabilities():
    X, y = numeric_rows()

    integers = quick_classifier().fit(X, y)
    strings = quick_classifier().fit(X, np.array(["a", "b", "c"])[y])

    assert_array_equal(strings.predict_proba(X), integers.predict_proba(X))
    assert_array_equal(strings.classes_, ["a", "b", "c"])


def test_labels_that_are_not_counted_from_zero_are_predicted_as_they_came():
    X, y = numeric_rows()

    clf = quick_classifier().fit(X, 10 * y - 7)

    assert_array_equal(clf.classes_, [-7, 3, 13])
    assert set(clf.predict(X)) <= {-7, 3, 13}


def test_a_frame_and_its_values_give_the_same_probabilities():
    frame, y = mixed_table()
    frame = frame[["age", "children"]]

    of_frame = quick_classifier().fit(frame, y).predict_proba(frame)
    of_array = quick_classifier().fit(frame.to_numpy(), y).predict_proba(frame.to_numpy())

    assert_allclose(of_frame, of_array, rtol=0, atol=1e-12)


def test_the_names_of_a_frames_columns_are_kept():
    X, y = mixed_table()

    clf = quick_classifier().fit(X, y)

    assert_array_equal(clf.feature_names_in_, ["age", "children", "city", "member"])
    assert clf.n_features_in_ == 4


def test_a_category_and_a_gap_first_seen_at_predict_are_no_error():
    X, y = mixed_table()
    clf = quick_classifier().fit(X, y)
    new = X.head(2).astype({"city": object, "children": float, "member": float})
    new.loc[new.index[0], ["city", "children", "member"]] = ["Quito", np.nan, np.nan]

    assert_allclose(clf.predict_proba(new).sum(1), 1)


def test_an_unseen_category_counts_as_a_missing_one():
    X, y = mixed_table()
    clf = quick_classifier().fit(X, y)
    unseen = X.head(5).assign(city="Quito")
    missing = X.head(5).assign(city=None)

    assert_array_equal(clf.predict_proba(unseen), clf.predict_proba(missing))


def test_a_category_makes_a_difference_to_the_student():
    X, y = mixed_table(200)
    clf = quick_classifier(student=quick_student(max_epochs=20, lr=0.02)).fit(X, y)

    rome = clf.predict_proba(X.assign(city="Rome"))[:, 1].mean()

    assert rome > clf.predict_proba(X.assign(city="Oslo"))[:, 1].mean() + 0.1


@pytest.mark.parametrize("n_members", [1, 2, 4])
def test_a_class_with_fewer_members_than_folds_keeps_its_column(n_members):
    X, y = numeric_rows(n_classes=2)
    y[:n_members] = 2

    with pytest.warns(UserWarning, match="least populated class"):
        clf = quick_classifier(cv=5).fit(X, y)

    assert clf.predict_proba(X).shape == (60, 3)
    assert_allclose(clf.predict_proba(X).sum(1), 1)


def test_a_table_of_a_few_rows_is_enough():
    X, y = numeric_rows()
    rows = np.concatenate([np.flatnonzero(y == k)[:2] for k in range(3)])

    clf = quick_classifier().fit(X[rows], y[rows])

    assert clf.predict_proba(X).shape == (60, 3)


def test_a_random_state_gives_the_same_student_again():
    forest = [("rf", RandomForestClassifier(5))]

    (one, X, _), (other, _, _) = (fitted(teachers=forest) for _ in range(2))

    assert_array_equal(one.predict_proba(X), other.predict_proba(X))


def test_another_random_state_gives_another_student():
    (one, X, _), (other, _, _) = (fitted(random_state=seed) for seed in (0, 1))

    assert abs(one.predict_proba(X) - other.predict_proba(X)).max() > 1e-3


def test_a_second_fit_forgets_the_first():
    X, y = mixed_table()
    other_X, other_y = numeric_rows()
    clf = quick_classifier().fit(X[["age"]], y).fit(other_X, other_y)

    fresh = quick_classifier().fit(other_X, other_y)

    assert not hasattr(clf, "feature_names_in_")
    assert_array_equal(clf.predict_proba(other_X), fresh.predict_proba(other_X))


def test_fitting_leaves_the_generator_of_torch_as_it_was():
    before = torch.get_rng_state()

    fitted()

    assert torch.equal(torch.get_rng_state(), before)


def test_fitting_leaves_the_threads_of_torch_as_they_were():
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        fitted()
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(threads)


def test_fitting_leaves_the_default_dtype_of_torch_as_it_was():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        clf, X, _ = fitted()
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(before)
    assert np.isfinite(clf.predict_proba(X)).all()


def test_fitting_leaves_the_generator_of_numpy_as_it_was():
    before = pickle.dumps(np.random.get_state())  # noqa: NPY002

    fitted(teachers=[("rf", RandomForestClassifier(3))])

    assert pickle.dumps(np.random.get_state()) == before  # noqa: NPY002


def test_fitting_leaves_the_filters_of_warnings_as_they_were():
    before = list(warnings.filters)

    fitted()

    assert warnings.filters == before


def test_fitting_leaves_rows_labels_and_weights_as_they_were():
    X, y = numeric_rows()
    X[3, 1] = np.nan
    weight = np.linspace(1, 2, 60)
    before = X.copy(), y.copy(), weight.copy()

    quick_classifier().fit(X, y, sample_weight=weight).predict_proba(X)

    for now, then in zip((X, y, weight), before):
        assert_array_equal(now, then)


def test_parameters_stay_as_they_were_given():
    X, y = numeric_rows()
    clf = quick_classifier(weights=[1, 2])
    before = dict(clf.get_params(deep=False))

    clf.fit(X, y)

    assert all(clf.get_params(deep=False)[name] is value for name, value in before.items())
    assert not clf.student.initialized_


@pytest.mark.parametrize(
    "optimizer", [torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.Adagrad]
)
def test_any_torch_optimizer_trains_the_student(optimizer):
    student = quick_student(optimizer=optimizer, lr=0.05, max_epochs=10)

    clf, _, _ = fitted(student=student)

    assert clf.history_[-1]["train_loss"] < clf.history_[0]["train_loss"]


def test_the_history_has_a_line_for_each_epoch():
    clf, _, _ = fitted(student=quick_student(max_epochs=4))

    assert [sorted(epoch) for epoch in clf.history_] == [
        ["epoch", "lr", "train_loss", "valid_loss"]
    ] * 4


def test_the_report_says_what_the_teachers_brought():
    X, y = numeric_rows(ENOUGH_ROWS)
    clf = quick_classifier(alpha="auto").fit(X, y)

    of_labels = next(each for each in clf.candidates_ if not each["teachers"])
    chosen = next(each for each in clf.candidates_ if each["alpha"] == clf.alpha_)
    held_out = [epoch["valid_loss"] for epoch in clf.history_]
    assert clf.report_ == {
        "teachers": clf.teacher_scores_["pool"],
        "student": min(held_out),
        "gain_over_labels": of_labels["valid_loss"] - chosen["valid_loss"],
    }
    assert "gain_over_labels" not in quick_classifier(alpha=0.5).fit(X, y).report_
    assert not hasattr(quick_classifier(), "report_")


def test_a_student_with_synthetic_rows_learns_from_all_rows_to_the_end():
    X, y = numeric_rows(ENOUGH_ROWS)

    student = quick_student(batch_size=256)
    clf = quick_classifier(student=student, temperature="auto", augmenter="munge").fit(X, y)

    assert [sorted(epoch) for epoch in clf.history_] == [["epoch", "lr", "train_loss"]] * 5
    assert clf.report_["student"] == min(each["valid_loss"] for each in clf.candidates_)
    assert len(clf.candidates_) == 3


def test_synthetic_rows_come_of_rows_that_are_trained_on():
    X, y = numeric_rows(ENOUGH_ROWS)
    weightless = np.arange(ENOUGH_ROWS) % 2 == 0
    parents = []

    class Copies:
        def fit(self, X):
            parents.append(X)
            return self

        def sample(self, n_samples, random_state):
            return parents[-1]

    quick_classifier(augmenter=Copies()).fit(X, y, sample_weight=(~weightless).astype(float))

    assert {tuple(row) for row in parents[-1]} == {tuple(row) for row in X[~weightless]}


@pytest.mark.parametrize("n_samples", [60, 1600])
def test_keeping_the_teachers_of_no_folds_changes_no_student(n_samples):
    X, y = numeric_rows(n_samples)
    student = quick_student(max_epochs=1, batch_size=256)
    clf = quick_classifier(student=student, cv="in_sample", augmenter="munge")

    with pytest.warns(UserWarning, match="cv='in_sample'"):
        dropped = clf.fit(X, y).predict_proba(X)
    with pytest.warns(UserWarning, match="cv='in_sample'"):
        kept = clf.set_params(keep_teachers=True).fit(X, y).predict_proba(X)

    assert_array_equal(kept, dropped)


def test_parameters_of_the_loss_reach_the_student():
    one, X, _ = fitted(alpha=1.0, temperature=1.0)
    other, _, _ = fitted(alpha=1.0, temperature=4.0)

    assert abs(one.predict_proba(X) - other.predict_proba(X)).max() > 1e-4


def share_that_is_learned(alpha, sample_weight=None):
    """What the student says of a table that says nothing, half of whose labels are 1."""
    X, y = np.ones((200, 1)), np.arange(200) % 2
    student = quick_student(max_epochs=40, lr=0.05)
    clf = quick_classifier(DummyClassifier(), student, alpha=alpha)
    return clf.fit(X, y, sample_weight).predict_proba(X)[0, 1]


@pytest.mark.parametrize(("alpha", "source"), [(0.0, "labels"), (1.0, "teachers")])
def test_sample_weights_reach_the_student_through_labels_and_teachers(alpha, source):
    nine_to_one = np.where(np.arange(200) % 2 == 1, 9, 1)

    assert share_that_is_learned(alpha) == pytest.approx(0.5, abs=0.02), source
    assert share_that_is_learned(alpha, nine_to_one) == pytest.approx(0.9, abs=0.02), source


def test_equal_sample_weights_change_nothing():
    X, y = numeric_rows()

    plain = quick_classifier().fit(X, y).predict_proba(X)
    weighted = quick_classifier().fit(X, y, sample_weight=np.full(60, 2.0)).predict_proba(X)

    assert_allclose(weighted, plain, rtol=0, atol=1e-6)


def test_in_sample_targets_come_with_a_warning():
    X, y = numeric_rows()

    with pytest.warns(UserWarning, match="cv='in_sample' labels each row with teachers"):
        quick_classifier(cv="in_sample").fit(X, y)


def test_a_dropped_teacher_has_no_weight_and_no_score():
    teachers = [("knn", KNeighborsClassifier()), ("out", "drop")]

    clf, _, _ = fitted(teachers=teachers)

    assert clf.teacher_weights_ == {"knn": 1.0}
    assert set(clf.teacher_scores_) == {"knn", "pool"}


def test_weights_of_teachers_sum_to_one():
    clf, _, _ = fitted()

    assert set(clf.teacher_weights_) == {"deep", "stump"}
    assert sum(clf.teacher_weights_.values()) == pytest.approx(1)


def test_a_single_classifier_can_teach():
    clf, X, _ = fitted(teachers=DecisionTreeClassifier(max_depth=2))

    assert clf.teacher_weights_ == {"decisiontreeclassifier": 1.0}
    assert clf.predict_proba(X).shape == (60, 3)


def test_teachers_are_kept_when_asked_and_know_the_labels():
    X, y = numeric_rows()
    names = np.array(["a", "b", "c"])[y]

    clf = quick_classifier(keep_teachers=True).fit(X, names)

    assert set(clf.teacher_.predict(X)) <= {"a", "b", "c"}
    assert clf.teacher_.score(X, names) > 0.9


def test_keeping_the_teachers_does_not_change_the_student():
    one, X, _ = fitted(keep_teachers=True)
    other, _, _ = fitted(keep_teachers=False)

    assert_array_equal(one.predict_proba(X), other.predict_proba(X))


def test_teachers_are_gone_after_fitting_unless_asked():
    clf, _, _ = fitted()

    assert not hasattr(clf, "teacher_")


def test_what_is_fitted_holds_no_object_of_torch():
    clf, _, _ = fitted()
    learned = {name: value for name, value in vars(clf).items() if name.endswith("_")}

    assert len(learned) > 5
    assert b"torch" not in pickle.dumps(learned)


def test_a_custom_module_can_be_the_student():
    clf, X, y = fitted(student=TensorNet(Linear, max_epochs=20, lr=0.05))

    assert clf.score(X, y) > 0.6
    assert_array_equal(pickle.loads(pickle.dumps(clf)).predict_proba(X), clf.predict_proba(X))


def test_a_custom_module_gets_categories_as_one_hot_columns():
    X, y = mixed_table()

    clf = quick_classifier(student=TensorNet(Linear, max_epochs=3)).fit(X, y)

    assert clf.student_.module.linear.in_features == 3 + 1 + 4  # a flag for age, four cities


def test_verbose_tells_of_teachers_folds_and_epochs(capsys):
    fitted(verbose=1)

    printed = capsys.readouterr().out
    assert "deep, fold 1 of 2" in printed
    assert "valid_loss" in printed


def test_nothing_is_printed_unless_asked(capsys):
    fitted()

    assert "".join(capsys.readouterr()) == ""


def test_a_student_whose_training_diverged_is_an_error():
    X, y = numeric_rows(200)
    wild = quick_student(optimizer=torch.optim.SGD, lr=1e12, max_epochs=8)

    fitted = quick_classifier(student=wild, alpha="auto")

    with pytest.raises(ValueError, match="diverged"):
        fitted.fit(X, y)


def test_strings_in_an_object_array_are_categories_where_told():
    X, y = mixed_table()

    told = [("tree", TableClassifier(DecisionTreeClassifier(max_depth=3), [2]))]

    fitted = quick_classifier(told, categorical_features=[2]).fit(X.to_numpy(dtype=object), y)

    assert fitted.predict_proba(X.to_numpy(dtype=object)).shape == (60, 2)


def test_default_teachers_follow_the_categories_set_with_them():
    clf = DistilledClassifier().set_params(categorical_features=[0], rf__n_estimators=3)

    assert dict(clf.teachers)["rf"].categorical_features == [0]


def few_rows_that_count():
    """A table of which one row in twenty weighs something, and its weights."""
    X, y = numeric_rows(1000)
    return X, y, (np.arange(1000) % 20 == 0).astype(float)


class TenRows:
    """An augmenter that draws ten rows, however many it is asked for."""

    def fit(self, X):
        self.X = X

    def sample(self, n_samples, random_state=None):
        return self.X[:10]


def test_early_stopping_is_decided_by_the_rows_that_were_drawn_not_by_those_planned():
    X, y, weight = few_rows_that_count()

    by_weight = quick_classifier(augmenter="munge").fit(X, y, weight)
    by_augmenter = quick_classifier(augmenter=TenRows()).fit(*numeric_rows(1700))

    assert "valid_loss" not in quick_classifier(augmenter="munge").fit(X, y).history_[0]
    assert "valid_loss" in by_augmenter.history_[0]
    assert by_weight.n_iter_ == len(by_weight.history_)
