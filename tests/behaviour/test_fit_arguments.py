"""What `fit` takes beside rows and labels: weights, unlabeled rows, targets, groups."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer, log_loss
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    PredefinedSplit,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill import TeacherEnsemble
from skdistill.table.splits import hold_out
from tests.small import (
    Spy,
    mixed_table,
    numeric_rows,
    quick_classifier,
    quick_student,
    training_data,
    two_trees,
)

X, Y = numeric_rows()
MORE, _ = numeric_rows(90, seed=1)
PROBA = 0.6 * np.eye(3)[Y] + 0.4 * np.random.RandomState(0).dirichlet([1, 1, 1], 60)
TENS = np.arange(60) // 10


def numbered(y=Y):
    """Rows whose only value is their number, so that one sees which ones went where."""
    return np.arange(len(y), dtype=float)[:, None]


def numbers_in(table):
    return set(np.asarray(table)[:, 0].astype(int).tolist())


def answers(clf):
    return clf.predict_proba(X)


# ---------------------------------------------------------------- unlabeled rows


def test_unlabeled_rows_change_what_the_student_learns():
    plain = quick_classifier().fit(X, Y)
    more = quick_classifier().fit(X, Y, X_unlabeled=MORE)

    assert abs(answers(more) - answers(plain)).max() > 1e-3


def test_each_folds_teacher_is_asked_about_the_unlabeled_rows(spy):
    quick_classifier(spy, cv=3).fit(X, Y, X_unlabeled=MORE)

    # And so is the teacher that is fitted on all rows.
    assert sum(len(table) == 90 and (table == MORE).all() for table in spy.asked_about) == 3 + 1


def test_teachers_never_learn_from_unlabeled_rows(spy):
    quick_classifier(spy, keep_teachers=True).fit(numbered(), Y, X_unlabeled=[[99.0]] * 60)

    assert 99 not in set.union(*(numbers_in(table) for table, _, _ in spy.fitted_on))


def test_unlabeled_rows_are_labeled_by_the_folds_teachers_on_average():
    splits = list(KFold(3).split(X))
    one = TeacherEnsemble(DecisionTreeClassifier(random_state=0), cv=splits)

    data = training_data(X, Y, unlabeled=[MORE[:5], MORE])
    few, many = one.fit_soft_targets(data).unlabeled

    tree = DecisionTreeClassifier(random_state=0)
    by_hand = np.mean([tree.fit(X[a], Y[a]).predict_proba(MORE) for a, _ in splits], axis=0)
    assert_allclose(many, by_hand)
    assert_allclose(few, by_hand[:5])


def test_they_are_also_labeled_by_a_teacher_that_knows_all_rows():
    splits = list(KFold(3).split(X))
    tree = DecisionTreeClassifier(random_state=0)

    targets = TeacherEnsemble(tree, cv=splits).fit_soft_targets(
        training_data(X, Y, unlabeled=[MORE]), refit=True
    )
    (of_folds,), (of_all,) = targets.unlabeled, targets.refitted

    assert_allclose(of_all, tree.fit(X, Y).predict_proba(MORE))
    assert abs(of_all - of_folds).max() > 0.1


def test_synthetic_rows_are_drawn_from_labeled_rows_only(spy):
    clf = quick_classifier(spy, augmenter="munge")

    clf.fit(numbered(), Y, X_unlabeled=numbered() + 1000.0)

    synthetic = [table for table in spy.asked_about if len(table) == 4 * 60]
    assert len(synthetic) == 3  # one for each fold, one for all rows
    assert max(table.max() for table in synthetic) < 60


def test_unlabeled_rows_of_a_mixed_frame_are_welcome():
    frame, labels = mixed_table()

    of_pandas = quick_classifier(augmenter="munge")
    of_polars = quick_classifier(augmenter="munge")
    of_pandas.fit(frame, labels, X_unlabeled=frame.head(20))
    frame_of_polars = pl.from_pandas(frame)
    of_polars.fit(frame_of_polars, labels, X_unlabeled=frame_of_polars.head(20))

    assert_allclose(of_polars.predict_proba(frame_of_polars), of_pandas.predict_proba(frame))


@pytest.mark.parametrize(("column", "value"), [("age", "old"), ("age", np.inf), ("city", 1)])
def test_unlabeled_rows_of_other_columns_are_refused_before_a_teacher_is_fitted(column, value, spy):
    frame, labels = mixed_table()

    with pytest.raises(ValueError, match=f"X_unlabeled must be rows like .*{column}"):
        quick_classifier(spy).fit(frame, labels, X_unlabeled=frame.assign(**{column: value}))

    assert not spy.fitted_on


def test_many_rows_without_labels_bring_a_student_near_its_teachers():
    X, y = numeric_rows(2000, n_classes=2)
    teacher = LogisticRegression()
    params = {"student": quick_student(max_epochs=20), "alpha": 1.0, "keep_teachers": True}

    few = quick_classifier(teacher, **params).fit(X[:60], y[:60])
    many = quick_classifier(teacher, **params).fit(X[:60], y[:60], X_unlabeled=X[60:])

    def distance(clf):
        return abs(clf.predict_proba(X) - clf.teacher_.predict_proba(X)).mean()

    assert distance(many) < 0.7 * distance(few)


def test_other_unlabeled_rows_are_other_work_for_the_memory(spy, tmp_path):
    clf = quick_classifier(spy, memory=tmp_path)
    first = answers(clf.fit(X, Y, X_unlabeled=MORE))
    n_fits = len(spy.fitted_on)

    again = answers(clf.fit(X, Y, X_unlabeled=MORE))
    assert len(spy.fitted_on) == n_fits
    clf.fit(X, Y, X_unlabeled=MORE[:89])
    assert len(spy.fitted_on) == 2 * n_fits
    clf.fit(X, Y)
    assert len(spy.fitted_on) == 3 * n_fits - 1  # without more rows there is no fit on all
    assert_array_equal(again, first)


# ---------------------------------------------------------------- targets from elsewhere


def test_no_teacher_is_fitted_where_targets_are_given(spy):
    clf = quick_classifier(spy, augmenter="auto").fit(X, Y, teacher_proba=PROBA)

    assert spy.fitted_on == []
    assert clf.teacher_weights_ == clf.teacher_diversity_ == {}
    assert clf.teacher_scores_ == {"pool": pytest.approx(log_loss(Y, PROBA))}


def test_targets_of_a_teacher_that_were_computed_before_give_the_same_student():
    splits = list(KFold(2).split(X))
    clf = quick_classifier(LogisticRegression(), cv=splits)
    rows = ~hold_out(Y, np.random.RandomState(0))
    targets = np.zeros((60, 3))
    for train, test in splits:
        train = train[rows[train]]
        targets[test] = LogisticRegression().fit(X[train], Y[train]).predict_proba(X[test])

    given = answers(quick_classifier().fit(X, Y, teacher_proba=targets))

    assert_allclose(given, answers(clf.fit(X, Y)), atol=1e-6)


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_a_frame_of_targets_is_read_by_its_columns(library):
    names = np.array(["low", "mid", "top"])
    frame = library.DataFrame(dict(zip(names.tolist(), PROBA.T)))[["top", "low", "mid"]]

    of_frame = quick_classifier().fit(X, names[Y], teacher_proba=frame)
    of_array = quick_classifier().fit(X, names[Y], teacher_proba=PROBA)

    assert_array_equal(answers(of_frame), answers(of_array))


def test_a_polars_frame_of_targets_names_integers_by_strings():
    order = [2, 0, 1]
    frame = pl.DataFrame(PROBA[:, order], schema=[str(label) for label in order])

    of_frame = quick_classifier().fit(X, Y, teacher_proba=frame)
    of_array = quick_classifier().fit(X, Y, teacher_proba=PROBA)

    assert_array_equal(answers(of_frame), answers(of_array))


def test_targets_that_are_rounded_are_taken():
    clf = quick_classifier().fit(X, Y, teacher_proba=PROBA.round(4))

    assert np.isfinite(answers(clf)).all()


def test_the_targets_are_what_the_student_learns():
    backwards = np.eye(3)[(Y + 1) % 3]
    student = quick_student(max_epochs=40, train_split=None)  # the validation rows would object

    clf = quick_classifier(student=student, alpha=1.0).fit(X, Y, teacher_proba=backwards)

    assert np.mean(clf.predict(X) == (Y + 1) % 3) > 0.6


def test_nothing_is_trained_on_the_targets_of_validation_rows():
    validation = hold_out(Y, np.random.RandomState(0))
    assert validation.any()
    changed = PROBA.copy()
    changed[validation] = PROBA[validation][:, ::-1]

    one, other = (quick_classifier().fit(X, Y, teacher_proba=P) for P in (PROBA, changed))

    assert_array_equal(answers(one), answers(other))


def test_alpha_is_chosen_with_given_targets_too():
    X, y = numeric_rows(1600)
    useless = np.full((1600, 3), 1 / 3)
    clf = quick_classifier(alpha="auto")

    assert clf.fit(X, y, teacher_proba=useless).alpha_ == 0
    assert len(clf.candidates_) > 1


# ---------------------------------------------------------------- groups


def test_rows_of_one_group_never_label_each_other(spy):
    quick_classifier(spy, cv=3).fit(numbered(), Y, groups=TENS)

    for (learned, _, _), asked in zip(spy.fitted_on, spy.asked_about):
        assert not {row // 10 for row in numbers_in(learned)} & {
            row // 10 for row in numbers_in(asked)
        }


def test_the_ensemble_alone_heeds_groups_too(spy):
    teachers = TeacherEnsemble(spy, cv=3, random_state=0)

    teachers.fit(numbered(), Y, groups=TENS)

    for learned, _, _ in spy.fitted_on[:3]:
        assert len(numbers_in(learned)) % 10 == 0


@pytest.mark.parametrize(
    "cv", [GroupKFold(3), LeaveOneGroupOut(), PredefinedSplit(TENS // 2), None, 2]
)
@pytest.mark.filterwarnings("ignore:cv='in_sample'")
@pytest.mark.filterwarnings("ignore:The groups parameter is ignored by PredefinedSplit")
def test_any_folds_that_keep_groups_together_are_welcome(cv):
    clf = quick_classifier(cv=cv).fit(X, Y, groups=[f"patient {k}" for k in TENS])

    assert clf.predict_proba(X).shape == (60, 3)


def test_a_splitter_that_does_not_respect_groups_is_refused():
    y = np.arange(60) % 2

    with (
        pytest.warns(UserWarning, match="ignored by KFold"),
        pytest.raises(ValueError, match="cv splits a group"),
    ):
        quick_classifier(cv=KFold(4)).fit(X, y, groups=TENS)


def test_a_class_in_fewer_rows_than_folds_still_has_whole_groups(spy):
    y = np.arange(12)  # twelve classes of one row
    quick_classifier(spy, cv=3).fit(numbered(y), y, groups=y // 2)

    for learned, _, _ in spy.fitted_on:
        rows = numbers_in(learned)
        assert rows == {row ^ 1 for row in rows}


# ---------------------------------------------------------------- weights


def test_weights_reach_the_teachers_that_take_them(spy):
    weight = np.where(Y == 1, 3.0, 1.0)

    quick_classifier(spy).fit(X, Y, sample_weight=weight)

    assert len(spy.fitted_on) == 2
    for _, y, given in spy.fitted_on:
        assert_allclose(given / given[y != 1].min(), np.where(y == 1, 3.0, 1.0))


def test_weights_reach_the_pooling():
    y = np.arange(200) % 2
    ones_are_likely = [("no", Spy([0.5, 0.5])), ("one", Spy([0.1, 0.9]))]
    table = np.zeros((200, 1))

    plain = quick_classifier(ones_are_likely).fit(table, y)
    ones_count = quick_classifier(ones_are_likely).fit(table, y, np.where(y == 1, 20.0, 1.0))

    assert plain.teacher_weights_["one"] < 0.3
    assert ones_count.teacher_weights_["one"] > 0.7


def test_weights_reach_the_early_stopping():
    """The held-out loss is that of the weighted rows, whatever the others weigh."""
    table, y = np.zeros((200, 1)), np.arange(200) % 2
    validation = hold_out(y, np.random.RandomState(0))
    weight = np.where(validation & (y == 1), 9.0, 1.0)
    student = quick_student(max_epochs=1, lr=1e-9)

    clf = quick_classifier(DummyClassifier(), student).fit(table, y, sample_weight=weight)

    said = y[validation], clf.predict_proba(table)[validation]
    weighted, plain = log_loss(*said, sample_weight=weight[validation]), log_loss(*said)
    assert abs(weighted - plain) > 0.01
    assert clf.history_[0]["valid_loss"] == pytest.approx(weighted, abs=1e-3)


@pytest.mark.parametrize("factor", [0.001, 256])
@pytest.mark.parametrize("teacher", [None, LogisticRegression()])
def test_scaling_all_weights_changes_nothing(factor, teacher):
    weight = np.random.RandomState(0).uniform(0.5, 2, 60)

    one = quick_classifier(teacher, augmenter="munge").fit(X, Y, weight)
    other = quick_classifier(teacher, augmenter="munge").fit(X, Y, factor * weight)

    assert_allclose(answers(other), answers(one), atol=1e-5)


def test_rows_of_weight_zero_have_no_effect_on_what_teachers_learn():
    weight = np.where(np.arange(60) % 4 == 0, 0.0, 1.0)
    out = weight == 0
    changed_X = np.where(out[:, None], 1e3, X)
    changed_y = np.where(out, (Y + 1) % 3, Y)
    splits = list(KFold(3).split(X))

    def targets(X, y):
        ensemble = TeacherEnsemble([*two_trees(), ("lr", LogisticRegression())], cv=splits)
        data = training_data(X, y, sample_weight=weight)
        return ensemble.fit_soft_targets(data).labeled[~out], ensemble.weights_

    (before, weights), (after, other_weights) = targets(X, Y), targets(changed_X, changed_y)

    assert_array_equal(before, after)
    assert weights == other_weights


# ---------------------------------------------------------------- on their way

ALL_FOUR = {
    "sample_weight": np.linspace(1, 2, 60),
    "X_unlabeled": MORE,
    "teacher_proba": PROBA,
    "groups": TENS,
}


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


def requesting(*names, **params):
    return quick_classifier(**params).set_fit_request(**dict.fromkeys(names, True))


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize("name", ALL_FOUR)
def test_each_argument_travels_through_a_pipeline(name):
    given = {name: ALL_FOUR[name]}

    traveled = make_pipeline("passthrough", requesting(name)).fit(X, Y, **given)
    at_home = quick_classifier().fit(X, Y, **given)

    assert_array_equal(answers(traveled), answers(at_home))
    assert abs(answers(traveled) - answers(quick_classifier().fit(X, Y))).max() > 1e-6


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize("name", ALL_FOUR)
def test_each_argument_travels_through_a_search(name):
    half, other = np.arange(0, 60, 2), np.arange(1, 60, 2)
    value = ALL_FOUR[name]
    part = value if name == "X_unlabeled" else value[half]
    scoring = get_scorer("neg_log_loss").set_score_request(sample_weight=False)
    search = GridSearchCV(requesting(name), {"alpha": [1.0]}, cv=[(half, other)], scoring=scoring)

    search.fit(X, Y, **{name: value})

    by_hand = quick_classifier(alpha=1.0).fit(X[half], Y[half], **{name: part})
    score = -log_loss(Y[other], by_hand.predict_proba(X[other]))
    assert search.cv_results_["mean_test_score"][0] == pytest.approx(score, abs=1e-6)
    refitted = quick_classifier(alpha=1.0).fit(X, Y, **{name: value})
    assert_array_equal(answers(search), answers(refitted))


@pytest.mark.usefixtures("routing")
def test_a_search_takes_as_many_unlabeled_rows_as_there_are_labeled_for_theirs(spy):
    half, other = np.arange(0, 60, 2), np.arange(1, 60, 2)
    search = GridSearchCV(
        requesting("X_unlabeled", teachers=spy), {}, cv=[(half, other)], refit=False
    )

    search.fit(X, Y, X_unlabeled=MORE[:60])

    asked = [table for table in spy.asked_about if (table[0] == MORE[0]).all()]
    assert_array_equal(asked[0], MORE[:60][half])


@pytest.mark.usefixtures("routing")
def test_groups_reach_the_splitter_of_a_search_and_its_candidates(spy):
    search = GridSearchCV(requesting("groups", teachers=spy), {}, cv=GroupKFold(2), refit=False)

    search.fit(numbered(), Y, groups=TENS)

    for learned, _, _ in spy.fitted_on:
        assert len(numbers_in(learned)) % 10 == 0


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize("told", [True, False])
def test_a_pipeline_transforms_unlabeled_rows_only_if_told(told, spy):
    pipeline = Pipeline(
        [("scale", StandardScaler()), ("clf", requesting("X_unlabeled", teachers=spy))],
        transform_input=["X_unlabeled"] if told else None,
    )

    pipeline.fit(X, Y, X_unlabeled=MORE)

    arrived = next(table for table in spy.asked_about if len(table) == 90)
    assert_allclose(arrived, StandardScaler().fit(X).transform(MORE) if told else MORE)


def test_weights_reach_a_search_and_a_pipeline_without_routing_too():
    weight = ALL_FOUR["sample_weight"]
    by_hand = answers(quick_classifier().fit(X, Y, sample_weight=weight))

    search = GridSearchCV(quick_classifier(), {"alpha": [0.5]}, cv=2).fit(
        X, Y, sample_weight=weight
    )
    pipeline = make_pipeline("passthrough", quick_classifier())
    pipeline.fit(X, Y, distilledclassifier__sample_weight=weight)

    assert_array_equal(answers(search), by_hand)
    assert_array_equal(answers(pipeline), by_hand)


@pytest.mark.parametrize("name", ["X", "y", "sample_weight", "groups"])
def test_a_mask_is_ignored_with_a_warning(name):
    X, y = numeric_rows()
    given = {"X": X, "y": y, "sample_weight": np.linspace(1, 2, 60), "groups": np.arange(60) % 9}
    expected = quick_classifier().fit(**given).predict_proba(X)
    given[name] = np.ma.masked_array(given[name], mask=given[name] == given[name].flat[0])

    with pytest.warns(UserWarning, match=f"{name} is a masked array, and its mask") as caught:
        clf = quick_classifier().fit(**given)

    assert len(caught) == 1
    assert_array_equal(clf.predict_proba(X), expected)


def test_a_masked_array_without_masked_values_is_an_array():
    X, y = numeric_rows()
    clf = quick_classifier().fit(np.ma.masked_array(X), y)

    assert_array_equal(clf.predict_proba(np.ma.masked_array(X)), clf.predict_proba(X))
