"""Any classifier can teach: scikit-learn's, LightGBM, CatBoost, and what they are built into."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skdistill import TableClassifier, TeacherEnsemble
from skdistill.soft_targets.cross_fitting import cross_fit
from tests.small import mixed_table, numeric_rows, quick_classifier, training_data

WORDS = np.array(["hen", "cat", "ox"])  # not sorted


def lightgbm(**params):
    module = pytest.importorskip("lightgbm")
    small = {"n_estimators": 5, "min_child_samples": 5, "verbose": -1, "n_jobs": 1}
    return module.LGBMClassifier(**small | params)


def catboost(**params):
    module = pytest.importorskip("catboost")
    small = {"iterations": 5, "depth": 3, "silent": True, "thread_count": 1}
    return module.CatBoostClassifier(**small | {"allow_writing_files": False} | params)


def two_kinds():
    return [("tree", DecisionTreeClassifier(max_depth=3)), ("nb", GaussianNB())]


TEACHERS = {
    "tree": lambda: DecisionTreeClassifier(min_samples_leaf=8),
    "AdaBoost": lambda: AdaBoostClassifier(n_estimators=5),
    "GradientBoosting": lambda: GradientBoostingClassifier(n_estimators=5),
    "HistGradientBoosting": lambda: HistGradientBoostingClassifier(max_iter=5),
    "ExtraTrees": lambda: ExtraTreesClassifier(10, max_depth=3),
    "logistic regression": LogisticRegression,
    "GaussianNB": GaussianNB,
    "KNeighbors": KNeighborsClassifier,
    "LightGBM": lightgbm,
    "CatBoost": catboost,
    "Stacking": lambda: StackingClassifier(two_kinds(), cv=2),
    "Voting": lambda: VotingClassifier(two_kinds(), voting="soft"),
    "Pipeline": lambda: make_pipeline(StandardScaler(), LogisticRegression()),
    "Calibrated": lambda: CalibratedClassifierCV(SVC(), cv=2, ensemble=False),
}
anyone = pytest.mark.parametrize("kind", TEACHERS)


@anyone
def test_it_teaches_a_student_labels_that_are_strings(kind):
    X, y = numeric_rows(90)
    clf = quick_classifier(TEACHERS[kind](), alpha=1.0, keep_teachers=True).fit(X, WORDS[y])

    assert set(clf.predict(X)) <= set(WORDS)
    assert_allclose(clf.predict_proba(X).sum(1), 1)
    assert clf.teacher_.score(X, WORDS[y]) > 0.7


@anyone
def test_a_class_that_a_fold_lacks_has_probability_zero(kind):
    X, y = numeric_rows(90)
    lacking = y == 1
    splits = [
        (np.flatnonzero(~lacking), np.flatnonzero(lacking)),
        (np.flatnonzero(lacking | (np.arange(90) % 2 == 0)), np.flatnonzero(~lacking)),
    ]
    splits[1] = splits[1][0], np.setdiff1d(splits[1][1], splits[1][0])
    splits.append((np.arange(1, 90, 2), np.flatnonzero(~lacking & (np.arange(90) % 2 == 0))))

    targets, *_ = cross_fit([(kind, TEACHERS[kind]())], training_data(X, y, WORDS), splits=splits)
    targets = targets.labeled

    assert (targets[0][lacking, 1] == 0).all()
    assert (targets[0][~lacking, 1] > 0).any()
    assert_allclose(targets[0].sum(1), 1)


@pytest.mark.parametrize("kind", [k for k in TEACHERS if k != "KNeighbors"])  # takes no weights
def test_sample_weights_reach_it(kind):
    X, y = numeric_rows(90)
    teacher = TeacherEnsemble(TEACHERS[kind](), cv=2, random_state=0)
    weight = np.where(y == 0, 20.0, 1.0)

    plain = teacher.fit(X, y).predict_proba(X)
    weighted = teacher.fit(X, y, sample_weight=weight).predict_proba(X)

    assert weighted[:, 0].mean() > plain[:, 0].mean() + 0.001


def test_sample_weights_do_not_go_where_one_part_takes_none():
    X, y = numeric_rows()
    voting = VotingClassifier([*two_kinds(), ("knn", KNeighborsClassifier())], voting="soft")

    fitted = TeacherEnsemble(voting, cv=2, random_state=0).fit(X, y, sample_weight=np.ones(60))

    assert fitted.score(X, y) > 0.8


def test_a_support_vector_machine_with_probabilities_of_its_own_teaches():
    X, y = numeric_rows()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # deprecated in scikit-learn 1.9
        clf = quick_classifier(SVC(probability=True, random_state=0)).fit(X, y)

    assert clf.teacher_scores_["svc"] < 1


def test_one_without_probabilities_is_refused_with_what_to_wrap_it_in():
    X, y = numeric_rows()

    with pytest.raises(ValueError, match=r"'svc' \(SVC\) has no predict_proba.*CalibratedClass"):
        quick_classifier(SVC()).fit(X, y)


def test_a_hard_vote_is_refused_with_the_setting_that_it_needs():
    with pytest.raises(ValueError, match="has no predict_proba: set voting='soft'"):
        quick_classifier(VotingClassifier(two_kinds())).fit(*numeric_rows())


@pytest.mark.parametrize(
    "teacher",
    [TableClassifier(SVC()), make_pipeline(StandardScaler(), SVC())],
    ids=lambda teacher: type(teacher).__name__,
)
def test_what_is_built_of_it_is_refused_just_the_same(teacher):
    with pytest.raises(ValueError, match="has no predict_proba: choose a probabilistic setting"):
        quick_classifier(teacher).fit(*numeric_rows())


def test_a_stacking_within_others_has_probabilities():
    X, y = numeric_rows()
    stacking = StackingClassifier(two_kinds(), cv=2)

    clf = quick_classifier(TableClassifier(make_pipeline(StandardScaler(), stacking))).fit(X, y)

    assert clf.teacher_scores_["tableclassifier"] < 1


def test_lightgbm_takes_a_frame_with_categories_and_missing_ones():
    frame, labels = mixed_table(120)

    clf = quick_classifier(lightgbm(), keep_teachers=True).fit(frame, labels)

    assert clf.teacher_.score(frame, labels) > 0.8
    assert clf.predict_proba(frame.iloc[:3]).shape == (3, 2)


def test_lightgbm_knows_a_frame_of_fewer_categories_as_the_same_columns():
    frame, labels = mixed_table(120)
    clf = quick_classifier(lightgbm(), keep_teachers=True).fit(frame, labels)
    few = frame[frame["city"] == "Rome"].copy()
    few["city"] = few["city"].cat.remove_unused_categories()

    assert_allclose(
        clf.teacher_.predict_proba(few),
        clf.teacher_.predict_proba(frame[frame["city"] == "Rome"]),
    )


def test_lightgbm_does_not_warn_of_names_with_synthetic_rows_of_a_frame():
    frame, labels = mixed_table()

    clf = quick_classifier(lightgbm(), augmenter="munge").fit(frame, labels)

    assert clf.teacher_scores_["lgbmclassifier"] < 1


def test_an_array_after_a_frame_is_told_of_once():
    X, y = numeric_rows()
    clf = quick_classifier(lightgbm()).fit(pd.DataFrame(X, columns=list("abcde")), y)

    with pytest.warns(UserWarning, match="DistilledClassifier was fitted with feature na") as told:
        clf.predict_proba(X)
    assert len(told) == 1


def test_catboost_takes_categories_without_missing_ones():
    frame, labels = mixed_table(120)
    frame["city"] = frame["city"].astype(object).fillna("?").astype("category")

    clf = quick_classifier(catboost(cat_features=("city",)), keep_teachers=True).fit(frame, labels)

    assert clf.teacher_.score(frame, labels) > 0.7


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"cat_features": ("city",)}, "NaN values should be converted"),
        ({}, "not in .*cat_features"),
    ],
    ids=["missing", "not named"],
)
def test_what_catboost_says_of_categories_comes_with_its_name(params, reason):
    frame, labels = mixed_table()

    with pytest.raises(ValueError, match=f"'catboostclassifier' failed on fold 1 of 2.*{reason}"):
        quick_classifier(catboost(**params)).fit(frame, labels)


def test_what_cannot_be_cloned_is_told_by_name_with_what_to_do():
    frame, labels = mixed_table()

    with pytest.raises(ValueError, match=r"'catboostclassifier' cannot be cloned.*as a tuple"):
        quick_classifier(catboost(cat_features=["city"])).fit(frame, labels)


@pytest.mark.parametrize("kind", [lightgbm, catboost])
def test_behind_an_encoder_both_take_any_table(kind):
    frame, labels = mixed_table(120)

    clf = quick_classifier(TableClassifier(kind()), keep_teachers=True).fit(frame, labels)

    assert clf.teacher_.score(frame, labels) > 0.7


def test_catboost_writes_nothing_if_told_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    quick_classifier(catboost()).fit(*numeric_rows())

    assert list(tmp_path.iterdir()) == []


def test_a_pipeline_with_preprocessing_of_its_own_takes_a_mixed_table():
    frame, labels = mixed_table(120)
    as_codes = FunctionTransformer(lambda X: X.apply(lambda column: column.cat.codes))
    columns = make_column_transformer(
        (as_codes, make_column_selector(dtype_include="category")), remainder="passthrough"
    )
    teacher = make_pipeline(columns, HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=5))

    clf = quick_classifier(teacher, keep_teachers=True).fit(frame, labels)

    assert clf.teacher_.score(frame, labels) > 0.8


class Fails(ClassifierMixin, BaseEstimator):
    """A teacher that in the fold that holds out row 0 answers as it is told to."""

    def __init__(self, answer):
        self.answer = answer

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        if self.answer == "raises" and -99.0 not in X[:, 0]:
            raise RuntimeError("out of luck")
        return self

    def predict_proba(self, X):
        proba = np.full((len(X), len(self.classes_)), 1 / len(self.classes_))
        proba[X[:, 0] == -99.0] = {"NaN": np.nan, "zeros": 0.0}.get(self.answer, 0.5)
        return proba


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("raises", "RuntimeError: out of luck"),
        ("NaN", "no.* probabilities for 1 of 20 rows.*sum to one.*nan"),
        ("zeros", "no.* probabilities for 1 of 20 rows.*row 0 of them .0. 0. 0."),
        ("too much", "no.* probabilities for 1 of 20 rows.*0.5 0.5 0.5"),
    ],
)
@pytest.mark.parametrize("beside", [[], [("nb", GaussianNB())]], ids=["alone", "among others"])
def test_a_teacher_that_fails_on_one_fold_is_named_with_the_fold(answer, told, beside):
    X, y = numeric_rows()
    X[0, 0] = -99.0
    splits = [(np.arange(20, 60), np.arange(20)), (np.arange(20), np.arange(20, 60))]

    with pytest.raises(ValueError, match=f"Teacher 'bad' failed on fold 1 of 2: .*{told}"):
        quick_classifier([*beside, ("bad", Fails(answer))], cv=splits).fit(X, y)


class Shaped(ClassifierMixin, BaseEstimator):
    """A teacher that answers in a shape of its own, from `first` predictions on."""

    def __init__(self, reshape, first=1):
        self.reshape = reshape
        self.first = first

    def fit(self, X, y):
        self.classes_, self.n_asked_ = np.unique(y), 0
        return self

    def predict_proba(self, X):
        self.n_asked_ += 1
        proba = np.full((len(X), 3), 1 / 3)
        return proba if self.n_asked_ < self.first else self.reshape(proba)


RESHAPED = {
    "one row": (lambda P: P[:1], r"\(1, 3\), expected \({n}, 3\): one row for each"),
    "a row less": (lambda P: P[1:], r"\({m}, 3\), expected \({n}, 3\): one row for each"),
    "one column": (lambda P: P[:, :1], r"\({n}, 1\), expected \({n}, 3\)"),
    "a column more": (lambda P: np.hstack([P, 0 * P[:, :1]]), r"\({n}, 4\), expected \({n}, 3\)"),
    "one axis": (lambda P: P[:, 0], r"\({n},\), expected \({n}, 3\)"),
    "three axes": (lambda P: P[:, :, None], r"\({n}, 3, 1\), expected \({n}, 3\)"),
    "a number": (lambda P: 0.5, r"\(\), expected \({n}, 3\)"),
}


@pytest.mark.parametrize("shape", RESHAPED)
@pytest.mark.parametrize("wrap", [lambda bad: bad, TableClassifier], ids=["alone", "encoded"])
def test_probabilities_of_another_shape_are_told_with_teacher_and_fold(shape, wrap):
    reshape, told = RESHAPED[shape]
    splits = [(np.arange(20, 60), np.arange(20)), (np.arange(20), np.arange(20, 60))]
    told = told.format(n=20, m=19)

    with pytest.raises(ValueError, match=f"Teacher 'bad' failed on fold 1 of 2: .*shape {told}"):
        quick_classifier([("bad", wrap(Shaped(reshape)))], cv=splits).fit(*numeric_rows())


@pytest.mark.parametrize("shape", RESHAPED)
def test_synthetic_rows_and_rows_to_predict_are_checked_as_folds_are(shape):
    X, y = numeric_rows()
    reshape, told = RESHAPED[shape]
    bad = Shaped(reshape, first=2)
    splits = [(np.arange(20, 60), np.arange(20)), (np.arange(20), np.arange(20, 60))]

    with pytest.raises(ValueError, match=f"'bad' failed on fold 1 .*{told.format(n=240, m=239)}"):
        quick_classifier([("bad", bad)], cv=splits, augmenter="munge").fit(X, y)
    ensemble = TeacherEnsemble([("bad", bad)], cv=splits).fit(X, y)
    ensemble.predict_proba(X)
    with pytest.raises(ValueError, match=f"'bad' failed on the rows to .*{told.format(n=5, m=4)}"):
        ensemble.predict_proba(X[:5])


def test_a_teacher_that_takes_no_sparse_rows_is_named_with_what_to_do():
    X, y = numeric_rows()
    splits = [(np.arange(20, 60), np.arange(20)), (np.arange(20), np.arange(20, 60))]

    with pytest.raises(ValueError, match=r"Teacher 'nb' failed.*[Ss]parse.*TruncatedSVD") as told:
        cross_fit([("nb", GaussianNB())], training_data(csr_matrix(X), y), splits=splits)
    assert len(re.findall("X is sparse", str(told.value))) == 1


UNLIKELY = {
    "alone": LogisticRegression(class_weight={"cat": 50}),
    "pipeline": make_pipeline(StandardScaler(), LogisticRegression(class_weight={"cat": 50})),
    "search": GridSearchCV(LogisticRegression(class_weight={"cat": 50}), {"C": [1, 2]}, cv=2),
    "calibrated": CalibratedClassifierCV(
        DecisionTreeClassifier(class_weight={"cat": 50}, random_state=0), cv=2
    ),
    "encoded": TableClassifier(LogisticRegression(class_weight={"cat": 50})),
    "encoded pipeline": TableClassifier(
        make_pipeline(StandardScaler(), LogisticRegression(class_weight={"cat": 50}))
    ),
}


@pytest.mark.parametrize("kind", UNLIKELY)
def test_class_weights_are_those_of_the_labels_that_they_name(kind):
    X, y = numeric_rows(90)
    X = np.random.RandomState(0).normal(size=X.shape)  # which tell nothing of y
    alone = clone(UNLIKELY[kind]).fit(X, WORDS[y])
    ensemble = TeacherEnsemble([("it", UNLIKELY[kind])], cv=3, random_state=0).fit(X, WORDS[y])

    assert_allclose(ensemble.predict_proba(X), alone.predict_proba(X), rtol=1e-6)
    is_cat = alone.classes_ == "cat"
    assert alone.predict_proba(X)[:, is_cat].mean() > (0.3 if kind == "calibrated" else 0.8)
    assert "{'cat': 50}" in repr(UNLIKELY[kind])  # the user's own is left alone


@pytest.mark.filterwarnings("ignore:The least populated class in y has only 1")
def test_a_class_weight_of_a_class_that_a_fold_lacks_is_no_error():
    X, y = numeric_rows(60)
    y[y == 2] = 1
    y[0] = 2
    tree = DecisionTreeClassifier(max_depth=2, class_weight={"hen": 1, "cat": 2, "ox": 3})

    fitted = TeacherEnsemble([("tree", tree)], cv=3, random_state=0).fit(X, WORDS[y])

    assert fitted.predict_proba(X).shape == (60, 3)


def test_a_class_weight_of_what_is_no_class_is_refused_by_name():
    X, y = numeric_rows()
    tree = DecisionTreeClassifier(class_weight={0: 1, 1: 5})

    with pytest.raises(ValueError, match=r"class_weight names \[0, 1\], but the classes of y are "):
        TeacherEnsemble([("tree", tree)], cv=2).fit(X, WORDS[y])


@pytest.mark.parametrize("scaled", [False, True])
def test_a_search_gets_the_weights_that_what_it_searches_takes(scaled):
    X, y = numeric_rows(90, n_classes=2)
    X = np.random.RandomState(0).normal(size=X.shape)
    weight = np.where(y == 1, 50.0, 1.0)
    model = (
        make_pipeline(StandardScaler(), LogisticRegression()) if scaled else LogisticRegression()
    )
    search = GridSearchCV(model, {}, cv=2)

    ensemble = TeacherEnsemble([("it", search)], cv=3, random_state=0).fit(X, y, weight)

    assert ensemble.predict_proba(X)[:, 1].mean() > 0.9


def test_catboost_behind_an_encoder_names_one_label_a_row():
    X, y = numeric_rows()

    fitted = TableClassifier(catboost()).fit(X, WORDS[y])

    assert fitted.predict(X).shape == (60,)
    assert fitted.score(X, WORDS[y]) > 0.8
