"""Teachers are fitted on the labels of y; XGBoost and skorch's nets get class indices."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import AdaBoostClassifier, StackingClassifier, VotingClassifier
from sklearn.feature_selection import SelectFromModel
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, make_scorer, recall_score
from sklearn.model_selection import GridSearchCV, KFold, TunedThresholdClassifierCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from skorch import NeuralNetClassifier
from torch import nn
from xgboost import XGBClassifier

from skdistill import CallableTeacher, TableClassifier, TeacherEnsemble
from skdistill.soft_targets.cross_fitting import cross_fit
from skdistill.tasks.encoded_labels import EncodedLabels
from tests.small import Linear, numeric_rows, quick_classifier, training_data

WORDS = np.array(["hen", "cat", "ox"])  # not sorted


def rare_yes(n_samples=120):
    """Rows of two classes, of which one is rare and hard to tell, as (X, is_yes)."""
    rng = np.random.RandomState(0)
    X = rng.randn(n_samples, 3)
    return X, rng.rand(n_samples) < 1 / (1 + np.exp(1.5 - X[:, 0]))


def taught(teacher, X, y):
    """The teacher as the ensemble fitted it on all rows."""
    return TeacherEnsemble([("t", teacher)], cv=2, random_state=0).fit(X, y).teachers_[0].estimator


@pytest.mark.parametrize(
    "labels",
    [WORDS, WORDS.astype(object), np.array([1, 2, 5]), np.array([0.0, 1.0, 2.0])],
    ids=["strings", "objects", "integers", "floats"],
)
def test_a_teacher_is_fitted_on_the_labels_as_they_are(labels, spy):
    X, y = numeric_rows()

    taught(spy, X, labels[y])

    for _, seen, _ in spy.fitted_on:
        assert seen.dtype == labels.dtype
        assert set(seen) == set(labels)
    assert_array_equal(spy.fitted_on[-1][1], labels[y])


@pytest.mark.parametrize("labels", [[1, 2], [2, 1], ["no", "yes"]], ids=str)
def test_a_search_tunes_for_the_label_that_its_scorer_names(labels):
    X, is_yes = rare_yes()
    y = np.array(labels)[is_yes.astype(int)]
    of_no = make_scorer(recall_score, pos_label=labels[0])
    search = GridSearchCV(LogisticRegression(), {"C": [1e-4, 1.0]}, scoring=of_no, cv=3)

    alone = clone(search).fit(X, y)
    found = taught(search, X, y)

    assert found.best_params_ == alone.best_params_ == {"C": 1e-4}
    assert_allclose(found.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"])


class Resampled(ClassifierMixin, BaseEstimator):
    """A classifier behind a sampler, as in imbalanced-learn: so many rows of each label."""

    def __init__(self, classifier, sampling_strategy):
        self.classifier = classifier
        self.sampling_strategy = sampling_strategy

    def fit(self, X, y):
        rows = [np.resize(np.flatnonzero(y == k), n) for k, n in self.sampling_strategy.items()]
        self.classifier_ = clone(self.classifier).fit(X[np.hstack(rows)], y[np.hstack(rows)])
        self.classes_ = self.classifier_.classes_
        return self

    def predict_proba(self, X):
        return self.classifier_.predict_proba(X)

    def predict(self, X):
        return self.classifier_.predict(X)


STUMP = DecisionTreeClassifier(max_depth=1, class_weight={"yes": 3, "no": 1}, random_state=0)
BY_LABEL = {
    "threshold": TunedThresholdClassifierCV(
        LogisticRegression(), cv=2, scoring=make_scorer(f1_score, pos_label="yes")
    ),
    "threshold of weighted classes": TunedThresholdClassifierCV(
        LogisticRegression(class_weight={"yes": 3, "no": 1}), cv=2
    ),
    "AdaBoost of weighted classes": AdaBoostClassifier(STUMP, n_estimators=3, random_state=0),
    "search of class weights": GridSearchCV(
        LogisticRegression(), {"class_weight": [{"yes": 3, "no": 1}]}, cv=2
    ),
    "sampler": Resampled(GaussianNB(), {"yes": 250, "no": 50}),
}


@pytest.mark.parametrize("kind", BY_LABEL)
def test_what_names_labels_teaches_as_it_predicts_alone(kind):
    X, is_yes = rare_yes()
    y = np.where(is_yes, "yes", "no")
    alone = clone(BY_LABEL[kind]).fit(X, y)

    found = taught(BY_LABEL[kind], X, y)

    assert_allclose(found.predict_proba(X), alone.predict_proba(X), rtol=1e-6)
    assert_array_equal(found.predict(X), alone.predict(X))


def xgboost(**params):
    # AdaBoost's weights sum to one, which is the least that XGBoost splits by default.
    return XGBClassifier(n_estimators=3, max_depth=2, min_child_weight=1e-3, **params)


def skorch_net():
    torch.manual_seed(0)
    size = {"module__n_features": 5, "module__n_classes": 3}
    brief = {"max_epochs": 20, "lr": 0.5, "train_split": None, "verbose": 0}
    return NeuralNetClassifier(Linear, criterion=torch.nn.CrossEntropyLoss, **size, **brief)


ENCODED = {
    "alone": xgboost,
    "pipeline": lambda: make_pipeline(StandardScaler(), xgboost()),
    "search": lambda: GridSearchCV(xgboost(), {"max_depth": [1, 2]}, cv=2),
    "search of a pipeline": lambda: GridSearchCV(
        make_pipeline(StandardScaler(), xgboost()), {"xgbclassifier__max_depth": [1, 2]}, cv=2
    ),
    "calibrated": lambda: CalibratedClassifierCV(xgboost(), cv=2),
    "AdaBoost": lambda: AdaBoostClassifier(xgboost(), n_estimators=2),
    "Voting": lambda: VotingClassifier([("a", xgboost()), ("b", GaussianNB())], voting="soft"),
    "Stacking": lambda: StackingClassifier([("a", xgboost()), ("b", GaussianNB())], cv=2),
    "behind an encoder": lambda: TableClassifier(make_pipeline(StandardScaler(), xgboost())),
    "selection": lambda: make_pipeline(SelectFromModel(xgboost()), GaussianNB()),
}


@pytest.mark.parametrize("kind", ENCODED)
@pytest.mark.parametrize("labels", [WORDS, np.array([1, 5, 2])], ids=["strings", "integers"])
def test_xgboost_teaches_any_labels_whatever_it_is_built_into(kind, labels):
    X, y = numeric_rows(90)

    ensemble = TeacherEnsemble(ENCODED[kind](), cv=2, random_state=0)
    weighted = ensemble.fit(X, labels[y], sample_weight=np.linspace(0.5, 1.5, 90))

    assert weighted.score(X, labels[y]) > 0.8


@pytest.mark.parametrize("kind", ENCODED)
def test_xgboost_predicts_the_same_for_any_labels(kind):
    X, y = numeric_rows(90)

    of_indices, of_words = (
        TeacherEnsemble(ENCODED[kind](), cv=2, random_state=0).fit(X, each)
        for each in (y, np.sort(WORDS)[y])
    )

    assert_allclose(of_words.predict_proba(X), of_indices.predict_proba(X), rtol=1e-6)
    assert of_words.scores_ == pytest.approx(of_indices.scores_)


def test_a_search_of_xgboost_scores_by_label():
    X, is_yes = rare_yes()
    y = np.where(is_yes, 2, 1)
    of_no = make_scorer(recall_score, pos_label=1)
    grid = {"min_child_weight": [1e-3, 1000]}  # the latter predicts the larger class alone
    search = GridSearchCV(xgboost().set_params(n_estimators=30), grid, scoring=of_no, cv=2)

    assert taught(search, X, y).best_params_ == {"min_child_weight": 1000}


def test_a_pipeline_of_xgboost_is_left_alone_where_labels_are_indices():
    X, y = numeric_rows()

    pipeline = taught(make_pipeline(StandardScaler(), xgboost()), X, y)

    assert isinstance(pipeline[-1], XGBClassifier)


@pytest.mark.parametrize(
    "build", [lambda net: net, lambda net: make_pipeline(StandardScaler(), net)]
)
def test_a_skorch_net_teaches_labels_that_are_strings(build):
    X, y = numeric_rows(90)

    ensemble = TeacherEnsemble(build(skorch_net()), cv=2).fit(X.astype(np.float32), WORDS[y])

    assert ensemble.score(X.astype(np.float32), WORDS[y]) > 0.8


@pytest.mark.parametrize("kind", ENCODED)
def test_a_fold_that_lacks_a_class_is_encoded_without_a_gap(kind):
    X, y = numeric_rows(90)
    kept, lacking = np.flatnonzero(y != 1), np.flatnonzero(y == 1)
    splits = [(kept, lacking), (np.append(lacking, kept[::2]), kept[1::2]),
              (np.append(lacking, kept[1::2]), kept[::2])]  # fmt: skip
    by_hand = clone(ENCODED[kind]()).fit(X[kept], y[kept] // 2).predict_proba(X[lacking])

    targets, _ = cross_fit([("t", ENCODED[kind]())], training_data(X, y), splits=splits)

    assert (targets.labeled[0][lacking, 1] == 0).all()
    assert_allclose(targets.labeled[0][lacking][:, [0, 2]], by_hand, rtol=1e-6)


def test_frozen_xgboost_in_a_pipeline_keeps_its_classes_where_a_fold_lacks_one():
    X, y = numeric_rows(90)
    frozen = FrozenEstimator(xgboost().fit(X, y))
    splits = [(np.flatnonzero(y != 1), np.flatnonzero(y == 1)),
              (np.flatnonzero(y == 1), np.flatnonzero(y != 1))]  # fmt: skip

    data = training_data(X, y)
    targets, _ = cross_fit([("t", make_pipeline(frozen))], data, splits=splits)

    assert_allclose(targets.labeled[0][y == 1], frozen.predict_proba(X[y == 1]), rtol=1e-5)


def test_frozen_xgboost_behind_an_encoder_predicts_as_it_did():
    X, y = numeric_rows(90)
    frozen = FrozenEstimator(xgboost().fit(X, y))

    encoded = TableClassifier(frozen).fit(X, y)

    assert_array_equal(encoded.predict(X), frozen.predict(X))
    assert_allclose(encoded.predict_proba(X), frozen.predict_proba(X))


def test_encoded_labels_are_those_of_the_rows_that_it_is_fitted_on():
    X, y = numeric_rows()
    encoded = EncodedLabels(xgboost()).set_params(max_depth=1)

    fitted = encoded.fit(X[y != 1], WORDS[y[y != 1]])

    assert_array_equal(fitted.classes_, ["hen", "ox"])
    assert set(fitted.predict(X)) == {"hen", "ox"}
    assert fitted.classifier_.max_depth == 1
    assert clone(encoded).get_params()["max_depth"] == 1


class Unsorted(ClassifierMixin, BaseEstimator):
    """Naive Bayes whose classes are in the order small, medium, large, or such as are given."""

    def __init__(self, classes=("small", "medium", "large")):
        self.classes = classes

    def fit(self, X, y):
        self.nb_ = GaussianNB().fit(X, y)
        self.classes_ = np.array(self.classes)
        return self

    def predict_proba(self, X):
        return self.nb_.predict_proba(X)[:, np.searchsorted(self.nb_.classes_, self.classes_)]

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(1)]


@pytest.mark.parametrize("wrap", [lambda each: each, TableClassifier], ids=["alone", "encoded"])
def test_columns_are_those_of_the_labels_in_whatever_order(wrap):
    X, y = numeric_rows()
    y = np.array(["small", "medium", "large"])[y]

    found = taught(wrap(Unsorted()), X, y)
    pooled = TeacherEnsemble(wrap(Unsorted()), cv=2, random_state=0).fit(X, y)

    assert_allclose(pooled.predict_proba(X), GaussianNB().fit(X, y).predict_proba(X))
    assert_array_equal(found.predict(X), found.classes_[found.predict_proba(X).argmax(1)])


@pytest.mark.filterwarnings("ignore:Teacher .* is frozen")
@pytest.mark.parametrize(
    "wrap",
    [
        FrozenEstimator,
        lambda model: make_pipeline(FunctionTransformer(), FrozenEstimator(model)),
        lambda model: CallableTeacher(model.predict_proba, model.classes_),
        lambda model: CallableTeacher(model.predict_proba, model.classes_.tolist()),
    ],
    ids=["frozen", "frozen in a pipeline", "function", "function of a list"],
)
def test_columns_of_a_fitted_model_are_those_of_its_labels(wrap):
    X, y = numeric_rows()
    labels = np.array(["small", "medium", "large"])[y]

    ensemble = TeacherEnsemble(wrap(Unsorted().fit(X, labels)), cv=2).fit(X, labels)

    assert_allclose(ensemble.predict_proba(X), GaussianNB().fit(X, labels).predict_proba(X))


def test_classes_that_are_no_labels_are_refused_with_those_that_are():
    X, y = numeric_rows()
    told = (
        r"'unsorted' failed on fold 1 of 2.*classes_ are \[0, 1, 2\].*labels \['cat', 'hen', 'ox'"
    )

    with pytest.raises(ValueError, match=told):
        quick_classifier(Unsorted((0, 1, 2))).fit(X, WORDS[y])


@pytest.mark.parametrize(
    "build",
    [lambda tree: tree, lambda tree: AdaBoostClassifier(tree), TableClassifier],
    ids=["tree", "AdaBoost", "encoded"],
)
def test_a_class_weight_of_some_labels_is_no_error_where_a_fold_lacks_one(build):
    X, y = numeric_rows()
    tree = DecisionTreeClassifier(max_depth=2, class_weight={"cat": 2, "ox": 3})
    splits = list(KFold(3).split(X[np.argsort(y, kind="stable")]))
    order = np.argsort(y, kind="stable")

    data = training_data(X[order], y[order], np.sort(WORDS))
    targets, _ = cross_fit([("t", build(tree))], data, splits=splits)

    assert_allclose(targets.labeled[0].sum(1), 1)


@pytest.mark.parametrize(
    "build",
    [
        lambda model: make_pipeline(StandardScaler(), model),
        lambda model: GridSearchCV(model, {"C": [1]}),
        lambda model: AdaBoostClassifier(model),
        TableClassifier,
    ],
    ids=["pipeline", "search", "AdaBoost", "encoded"],
)
def test_a_class_weight_of_no_label_is_refused_before_any_fit(build, spy):
    X, y = numeric_rows()
    model = build(LogisticRegression(class_weight={"cat": 2, "dog": 3}))

    with pytest.raises(ValueError, match=r"'t' \(LogisticRegression\): class_weight names \['dog'"):
        quick_classifier([("spy", spy), ("t", model)]).fit(X, WORDS[y])
    assert not spy.fitted_on


@pytest.mark.parametrize("dtype", [np.int32, bool, np.float64])
def test_a_net_within_a_pipeline_takes_labels_of_any_dtype(dtype):
    X, y = numeric_rows(60, n_classes=2)
    net = NeuralNetClassifier(
        Linear, criterion=nn.CrossEntropyLoss, module__n_features=5, module__n_classes=2,
        max_epochs=1, verbose=0, train_split=None,
    )  # fmt: skip
    pipeline = make_pipeline(FunctionTransformer(np.float32), net)

    clf = quick_classifier(pipeline).fit(X, y.astype(dtype))

    assert clf.predict(X).dtype == dtype


def test_xgboost_among_the_candidates_of_a_search_is_fitted_and_may_win():
    X, y = numeric_rows(120, n_classes=2)
    candidates = [XGBClassifier(n_estimators=20), DummyClassifier()]
    search = GridSearchCV(Pipeline([("clf", DummyClassifier())]), {"clf": candidates}, cv=2)

    clf = quick_classifier(search, keep_teachers=True).fit(X, np.array(["no", "yes"])[y])

    best = clf.teacher_.teachers_[0].estimator.best_estimator_["clf"]
    assert best.get_booster().num_boosted_rounds() == 20  # what it is beside a classifier
