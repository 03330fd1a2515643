import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import get_tags

from skdistill import TeacherEnsemble, pool
from skdistill.tasks.pooling import COMBINATIONS
from tests.small import mixed_table, numeric_rows, training_data, two_trees


def ensemble(teachers=None, **params):
    return TeacherEnsemble(teachers or two_trees(), **({"cv": 3, "random_state": 0} | params))


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_it_predicts_the_pool_of_its_teachers(combination):
    X, y = numeric_rows()
    fitted = ensemble(combination=combination, weights=[2, 1]).fit(X, y)

    each = np.stack([tree.fit(X, y).predict_proba(X) for _, tree in two_trees()])

    by_hand = pool(each, np.array([2 / 3, 1 / 3]), combination)
    assert_allclose(fitted.predict_proba(X), by_hand)


def test_it_is_as_sure_as_unseen_labels_ask_for():
    X, y = numeric_rows(400)
    timid = [
        (f"timid {i}", RandomForestClassifier(30, max_depth=2, random_state=i)) for i in (0, 1)
    ]
    sharpened = ensemble(timid).fit(X, y)
    plain = ensemble(timid, weights=list(sharpened.weights_.values())).fit(X, y)

    assert sharpened.sharpness_ > 1.1
    assert plain.sharpness_ == 1
    assert sharpened.scores_["pool"] < plain.scores_["pool"] - 0.01
    powers = plain.predict_proba(X) ** sharpened.sharpness_
    assert_allclose(sharpened.predict_proba(X), powers / powers.sum(1, keepdims=True))


@pytest.mark.parametrize("params", [{"combination": "vote"}, {"combination": "median"}], ids=str)
def test_what_is_no_mean_is_not_sharpened(params):
    X, y = numeric_rows(200)
    assert ensemble(**params).fit(X, y).sharpness_ == 1


@pytest.mark.filterwarnings("ignore:Teacher .* is frozen")
def test_nor_does_a_frozen_teacher_that_may_know_them():
    X, y = numeric_rows(200)
    forests = [RandomForestClassifier(20, random_state=i).fit(X, y) for i in (0, 1)]
    frozen = [(f"forest {i}", FrozenEstimator(forest)) for i, forest in enumerate(forests)]
    assert ensemble(frozen).fit(X, y).sharpness_ == 1


def test_one_teacher_is_not_sharpened():
    X, y = numeric_rows(200)
    timid = RandomForestClassifier(30, max_depth=2, random_state=0)
    assert ensemble([("timid", timid)]).fit(X, y).sharpness_ == 1


@pytest.mark.filterwarnings("ignore:cv='in_sample'")
def test_rows_that_the_teachers_know_do_not_sharpen():
    X, y = numeric_rows(200)
    assert ensemble(cv="in_sample").fit(X, y).sharpness_ == 1


def test_it_predicts_the_most_probable_class_by_its_label():
    X, y = numeric_rows()
    names = np.array(["low", "mid", "high"])[y]
    fitted = ensemble().fit(X, names)

    assert_array_equal(fitted.predict(X), fitted.classes_[fitted.predict_proba(X).argmax(1)])
    assert fitted.score(X, names) > 0.9


def test_its_soft_targets_are_the_pool_of_cross_fitted_teachers():
    X, y = numeric_rows()
    splits = list(StratifiedKFold(3).split(X, y))
    targets = ensemble(cv=splits, weights=None).fit_soft_targets(training_data(X, y)).labeled

    by_hand = np.zeros((60, 3))
    for train, test in splits:
        for _, tree in two_trees():
            by_hand[test] += tree.fit(X[train], y[train]).predict_proba(X[test]) / 2

    assert_allclose(targets, by_hand)


def test_its_scores_are_out_of_fold_log_losses():
    X, y = numeric_rows()
    one = ensemble([("lr", LogisticRegression())])

    targets = one.fit_soft_targets(training_data(X, y)).labeled

    assert one.scores_["lr"] == pytest.approx(log_loss(y, targets))
    assert one.scores_["pool"] == pytest.approx(log_loss(y, targets))


def test_its_weights_are_named_by_teacher_and_sum_to_one():
    X, y = numeric_rows()

    weights = ensemble().fit(X, y).weights_

    assert list(weights) == ["deep", "stump"]
    assert sum(weights.values()) == pytest.approx(1)


def test_a_dropped_teacher_is_as_if_it_had_never_been_there():
    X, y = numeric_rows()
    teachers = [("lr", LogisticRegression()), ("knn", KNeighborsClassifier())]
    dropped = ensemble(teachers).set_params(lr="drop").fit(X, y)

    alone = ensemble(teachers[1:]).fit(X, y)

    assert list(dropped.weights_) == ["knn"]
    assert_array_equal(dropped.predict_proba(X), alone.predict_proba(X))


def test_a_weight_is_given_for_each_teacher_that_was_not_dropped():
    X, y = numeric_rows()
    teachers = [("out", "drop"), *two_trees()]

    fitted = ensemble(teachers, weights=[3, 1]).fit(X, y)

    assert fitted.weights_ == {"deep": 0.75, "stump": 0.25}


def test_one_classifier_is_an_ensemble_of_one():
    X, y = numeric_rows()

    fitted = ensemble(LogisticRegression()).fit(X, y)

    assert fitted.weights_ == {"logisticregression": 1.0}
    assert_allclose(
        fitted.predict_proba(X), LogisticRegression().fit(X, y).predict_proba(X), atol=1e-12
    )


def test_naming_a_default_teacher_makes_the_defaults_explicit():
    whole = TeacherEnsemble().set_params(rf__n_estimators=3)

    assert dict(whole.teachers)["rf"].classifier.n_estimators == 3
    assert len(whole.teachers) == len(TeacherEnsemble()._default_teachers())


def test_setting_another_parameter_leaves_the_default_teachers_alone():
    assert TeacherEnsemble().set_params(cv=3).teachers is None


def test_a_name_that_no_default_teacher_has_is_no_parameter():
    with pytest.raises(ValueError, match="Invalid parameter 'svm'"):
        TeacherEnsemble().set_params(svm__C=1.0)


def test_nested_parameters_reach_a_teacher():
    one = ensemble([("rf", RandomForestClassifier())]).set_params(rf__n_estimators=3)

    assert one.get_params()["rf__n_estimators"] == 3
    assert dict(one.teachers)["rf"].n_estimators == 3


def test_a_clone_shares_no_teacher_with_the_original():
    original = ensemble([("rf", RandomForestClassifier(n_estimators=7))])

    clone(original).set_params(rf__n_estimators=3)

    assert original.get_params()["rf__n_estimators"] == 7


def test_a_random_state_gives_the_same_again():
    X, y = numeric_rows()
    forest = [("rf", RandomForestClassifier(5))]

    one, other = (ensemble(forest).fit(X, y).predict_proba(X) for _ in range(2))

    assert_array_equal(one, other)


def test_another_random_state_gives_something_else():
    X, y = numeric_rows()
    forest = [("rf", RandomForestClassifier(5))]

    one, other = (ensemble(forest, random_state=s).fit(X, y).predict_proba(X) for s in (0, 1))

    assert abs(one - other).max() > 0.01


def test_a_teacher_keeps_the_seed_that_it_has():
    X, y = numeric_rows()
    fitted = ensemble([("rf", RandomForestClassifier(5, random_state=42))]).fit(X, y)

    assert fitted.teachers_[0].estimator.random_state == 42


def test_two_teachers_without_a_seed_get_different_ones():
    X, y = numeric_rows()
    twins = [("a", RandomForestClassifier(5)), ("b", RandomForestClassifier(5))]

    first, second = ensemble(twins).fit(X, y).teachers_

    assert first.estimator.random_state != second.estimator.random_state


def test_the_teachers_that_were_given_stay_as_they_were():
    X, y = numeric_rows()
    forest = RandomForestClassifier(5)

    ensemble([("rf", forest)]).fit(X, y)

    assert forest.random_state is None
    assert not hasattr(forest, "estimators_")


def test_a_mixed_table_goes_through_the_default_teachers():
    X, y = mixed_table()
    names = [name for name, _ in TeacherEnsemble()._default_teachers()]
    nets = {f"{name}__net__max_epochs": 2 for name in names if name not in ("rf", "xgb")}
    whole = TeacherEnsemble(cv=2, random_state=0)
    whole.set_params(rf__n_estimators=5, xgb__n_estimators=5, **nets)

    fitted = whole.fit(X, y)

    assert list(fitted.weights_) == names
    assert_allclose(fitted.predict_proba(X).sum(1), 1)


def test_rows_that_weigh_more_count_more_in_the_scores():
    X, y = numeric_rows()
    noisy = np.arange(60) % 5 == 0
    y[noisy] = (y[noisy] + 1) % 3
    one = ensemble([("knn", KNeighborsClassifier())])  # takes no weights

    plain = one.fit(X, y).scores_["knn"]
    weighted = one.fit(X, y, sample_weight=np.where(noisy, 1e-3, 1.0)).scores_["knn"]

    assert weighted < plain


@pytest.mark.parametrize(
    ("teachers", "takes"),
    [
        ([("tree", DecisionTreeClassifier())], True),
        ([("tree", DecisionTreeClassifier()), ("lr", LogisticRegression())], False),
        ([("tree", DecisionTreeClassifier()), ("lr", "drop")], True),
        (DecisionTreeClassifier(), True),
        (LogisticRegression(), False),
        (None, True),
    ],
)
def test_missing_values_are_welcome_as_far_as_the_teachers_take_them(teachers, takes):
    assert get_tags(TeacherEnsemble(teachers)).input_tags.allow_nan is takes


def test_a_fit_that_fails_does_not_count_as_one():
    X, y = numeric_rows()
    failed = ensemble(weights=[1, 2, 3])
    with pytest.raises(ValueError, match="weights"):
        failed.fit(X, y)

    with pytest.raises(NotFittedError):
        failed.predict_proba(X)


def test_weights_by_name_are_those_of_an_array_in_the_teachers_order():
    X, y = numeric_rows()

    by_name = ensemble(weights={"stump": 3, "deep": 1}).fit(X, y)
    by_place = ensemble(weights=[1, 3]).fit(X, y)

    assert by_name.weights_ == by_place.weights_ == {"deep": 0.25, "stump": 0.75}
    assert ensemble(weights=by_name.weights_).fit(X, y).weights_ == by_name.weights_


@pytest.mark.parametrize(
    ("weights", "told"),
    [
        ({"deep": 1}, r"weights names the teachers \['deep'\], expected \['deep', 'stump'\]"),
        ({"deep": "x", "stump": 1}, "weight of teacher 'deep' must be a number, got 'x'"),
        ({"deep": [1, 2], "stump": 1}, r"must be a number, got \[1, 2\]"),
    ],
)
def test_weights_by_name_that_fit_no_teacher_are_refused(weights, told):
    with pytest.raises(ValueError, match=told):
        ensemble(weights=weights).fit(*numeric_rows())


def test_the_fitted_teachers_are_found_by_name():
    X, y = numeric_rows()

    named = ensemble().fit(X, y).named_teachers_

    assert list(named) == ["deep", "stump"]
    assert_array_equal(named.deep.predict_proba(X), np.eye(3)[y])


def test_no_folds_named_are_five():
    X, y = numeric_rows()

    assert ensemble(cv=None).fit(X, y).scores_ == ensemble(cv=5).fit(X, y).scores_


def test_a_fit_that_fails_leaves_no_teachers():
    X, y = numeric_rows()
    fitted = ensemble().fit(X, y)

    with pytest.raises(ValueError, match="cv=99 folds"):
        fitted.set_params(cv=99).fit(X, y)

    assert not hasattr(fitted, "teachers_")
