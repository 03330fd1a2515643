"""The report of a student: who is in it, what is absent, and its cuts, files and cards."""

import re
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_iris
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import precision_recall_fscore_support, roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skdistill import CallableTeacher, DistillationReport, NetClassifier, StudentNet, compare
from skdistill.inspection.conclusion import conclusion
from skdistill.inspection.metrics import kl_divergence
from skdistill.inspection.page import PICTURES
from skdistill.inspection.rows import ClassifierRow
from skdistill.inspection.slices import MISSING, OTHER, slice_labels
from tests.small import (
    mixed_table,
    numeric_rows,
    quick_classifier,
    quick_regressor,
    quick_student,
    rows_and_targets,
)

POOL, ALONE = "pooled teachers", "same net on labels"


def report_on(estimator, X, y=None, **kwargs):
    return DistillationReport.from_estimator(estimator, X, y, n_repeats=1, **kwargs)


@pytest.fixture(scope="module")
def mixed():
    """A student that has kept its teachers, and rows that it has not seen."""
    X, y = mixed_table(240)
    clf = quick_classifier(keep_teachers=True).fit(X[:120], y[:120])
    return clf, X[120:].reset_index(drop=True), y[120:]


@pytest.fixture(scope="module")
def report(mixed):
    clf, X, y = mixed
    return report_on(clf, X, y, slices=["city", "age"])


@pytest.fixture(scope="module")
def alone():
    """A student without its teachers, and rows that it has not seen."""
    X, y = numeric_rows(200)
    return quick_classifier().fit(X[:100], y[:100]), X[100:], y[100:]


def names_in(report):
    return [row.name for row in report.rows]


# Who is in it.


def test_two_models_of_one_name_are_refused(alone):
    clf, X, y = alone
    tree = DecisionTreeClassifier(max_depth=2).fit(X, y)

    with pytest.raises(ValueError, match="two of the teachers have one name"):
        report_on(clf, X, y, teachers=[("a", tree), ("a", tree)])
    with pytest.raises(ValueError, match=r"models names \['teacher a'\], which the report itself"):
        report_on(clf, X, y, teachers=[("a", tree)], models={"teacher a": tree})
    with pytest.raises(ValueError, match=r"models names \['same net on labels'\]"):
        report_on(clf, X, y, models={ALONE: tree}, X_train=X, y_train=y)


def test_teachers_may_come_one_by_one(alone):
    clf, X, y = alone
    trees = [DecisionTreeClassifier(max_depth=k).fit(X, y) for k in (1, 2)]

    assert "teacher b" in names_in(report_on(clf, X, y, teachers=zip("ab", trees)))


def test_lists_are_reported_as_arrays_are(mixed):
    X, y = numeric_rows(60)
    clf = quick_classifier(keep_teachers=True).fit(X.tolist(), y.tolist())

    of_lists = report_on(clf, X.tolist(), y.tolist(), slices=[0])
    of_arrays = report_on(clf, X, y, slices=[0])

    measures = ["log_loss", "roc_auc", "agreement", "kl_divergence"]
    assert of_lists.to_frame()[measures].equals(of_arrays.to_frame()[measures])
    assert of_lists.by_slice(0).equals(of_arrays.by_slice(0))


def test_the_teachers_that_a_student_has_kept_come_from_worst_to_best(report):
    names = names_in(report)

    assert sorted(names[:2]) == ["teacher deep", "teacher stump"]
    assert names[2:] == [POOL, "student"]
    assert report.rows[0].loss >= report.rows[1].loss
    assert report.reference == POOL


def test_a_report_of_a_student_measures_as_compare_does(mixed, report):
    clf, X, y = mixed

    compared = compare({POOL: clf.teacher_, "student": clf}, X, y, n_repeats=1)

    for name in (POOL, "student"):
        one, other = report[name].to_dict(), compared[name].to_dict()
        assert one | {"microseconds": 0} == other | {"microseconds": 0}


def test_teachers_that_are_not_known_are_absent(alone):
    found = report_on(*alone)

    assert names_in(found) == ["student"]
    assert found["student"].agreement is found["student"].kl_divergence is None
    assert "agreement" not in str(found)
    assert "agreement" not in found.to_frame()
    assert found["student"].accuracy == alone[0].score(*alone[1:])


@pytest.mark.parametrize("as_given", [list, dict], ids=["list", "dict"])
def test_given_teachers_are_pooled_with_the_weights_of_the_student(alone, as_given):
    clf, X, y = alone
    new = numeric_rows(80, seed=1)
    teachers = {name: DecisionTreeClassifier(max_depth=d).fit(*new) for name, d in
                (("stump", 1), ("deep", 5))}  # fmt: skip

    found = report_on(clf, X, y, teachers=as_given(teachers.items()))

    weights = [clf.teacher_weights_[name] for name in teachers]
    pooled = np.average([each.predict_proba(X) for each in teachers.values()], 0, weights)
    assert_allclose(found.predictions.by_model[POOL], pooled)
    assert {"teacher stump", "teacher deep", POOL} < set(names_in(found))


def test_given_teachers_of_other_names_have_equal_weights(alone):
    clf, X, y = alone
    models = [("a", LogisticRegression().fit(X, y)), ("b", DecisionTreeClassifier().fit(X, y))]

    found = report_on(clf, X, y, teachers=models)

    pooled = np.mean([each.predict_proba(X) for _, each in models], axis=0)
    assert_allclose(found.predictions.by_model[POOL], pooled)


def test_kept_teachers_of_another_student_may_be_given(mixed):
    clf, X, y = mixed
    teachers = dict(clf.teacher_.named_teachers_)

    found = report_on(clf, X, y, teachers=teachers)

    assert names_in(found)[2:] == [POOL, "student"]


def test_one_fitted_model_is_the_pool(alone):
    clf, X, y = alone
    forest = RandomForestClassifier(5, random_state=0).fit(X, y)

    found = report_on(clf, X, y, teachers=forest)

    assert names_in(found) == [POOL, "student"]
    assert found[POOL].accuracy == forest.score(X, y)


def test_given_regressors_are_pooled():
    X, y = rows_and_targets(120)
    X = np.nan_to_num(X)
    student = quick_regressor().fit(X[:60], y[:60])
    teachers = [
        ("tree", DecisionTreeRegressor().fit(X, y)),
        ("linear", LinearRegression().fit(X, y)),
    ]

    found = report_on(student, X[60:], y[60:], teachers=teachers)

    mean = np.mean([each.predict(X[60:]) for _, each in teachers], axis=0)
    assert_allclose(found.predictions.by_model[POOL][:, 0], mean)


def test_more_models_stand_in_front_of_the_student(mixed):
    clf, X, y = mixed

    found = report_on(clf, X, y, models={"mine": clf.teacher_.named_teachers_["deep"]})

    assert names_in(found)[-2:] == ["mine", "student"]
    assert found["mine"].log_loss == found["teacher deep"].log_loss


def test_the_same_net_is_trained_on_labels_where_rows_are_given(alone):
    clf, X, y = alone

    found = report_on(clf, X[50:], y[50:], X_train=X[:50], y_train=y[:50])

    net = quick_student(max_epochs=5)
    expected = NetClassifier(net, random_state=0).fit(X[:50], y[:50]).predict_proba(X[50:])
    assert names_in(found) == [ALONE, "student"]
    assert_allclose(found.predictions.by_model[ALONE], expected, rtol=1e-5)


def test_the_net_on_labels_is_as_wide_as_a_student_that_was_narrowed():
    X, y = numeric_rows(120)
    clf = quick_classifier(student=StudentNet(max_epochs=1), max_size="12kB").fit(X, y)

    net = clf._on_labels().net

    sizes = tuple(bias.size for _, bias in clf.student_.weights[:-1])
    assert net.get_params_for("module")["hidden_sizes"] == sizes != (256, 256)


def test_a_student_of_trees_has_trees_on_labels_beside_it():
    X, y = numeric_rows(120)
    student = HistGradientBoostingClassifier(max_iter=3, random_state=0)
    clf = quick_classifier(student=student).fit(X[:60], y[:60])

    found = report_on(clf, X[60:], y[60:], X_train=X[:60], y_train=y[:60])

    assert names_in(found) == ["same model on labels", "student"]
    assert found.rows[0].accuracy == student.fit(X[:60], y[:60]).score(X[60:], y[60:])


def test_a_student_of_soft_targets_only_has_no_counterpart_on_labels():
    X, y = numeric_rows(120)
    clf = quick_classifier(student=DecisionTreeRegressor(max_depth=2)).fit(X, y)

    with pytest.raises(ValueError, match="a regressor of soft targets, which has no counterpart"):
        report_on(clf, X, y, X_train=X, y_train=y)


def test_classes_count_on_labels_as_they_do_for_the_student():
    X, y = numeric_rows(150)
    clf = quick_classifier(class_weight={0: 50}).fit(X[:100], y[:100])

    found = report_on(clf, X[100:], y[100:], X_train=X[:100], y_train=y[:100])

    proba = found.predictions.by_model[ALONE]
    assert proba[:, 0].mean() > 1.5 * np.mean(y == 0)


def texts(n_samples=80):
    rng = np.random.RandomState(0)
    y = np.arange(n_samples) % 2
    words = np.where(y, "good fine nice", "bad poor weak")
    rows = [" ".join(rng.choice(each.split(), 2)) + f" w{rng.randint(9)}" for each in words]
    return np.array(rows, dtype=object), y


def test_the_teachers_of_a_pipeline_see_what_its_last_step_sees():
    X, y = texts()
    clf = quick_classifier([("lr", LogisticRegression())], keep_teachers=True)
    model = make_pipeline(TfidfVectorizer(), clf).fit(X[:40], y[:40])

    found = report_on(model, X[40:], y[40:], X_train=X[:40], y_train=y[:40])

    expected = model[-1].teacher_.predict_proba(model[0].transform(X[40:]))
    assert names_in(found) == ["teacher lr", POOL, ALONE, "student"]
    assert_allclose(found.predictions.by_model[POOL], expected)
    assert "pipeline_tag" not in found.facts  # it is no table


def test_a_search_is_reported_as_its_best_student(mixed):
    clf, X, y = mixed
    search = GridSearchCV(clf, {"alpha": [0.5]}, cv=2).fit(X, y)

    assert names_in(report_on(search, X, y)) == names_in(report_on(search.best_estimator_, X, y))


# What cannot be said.


def test_without_labels_there_is_agreement_divergence_size_and_time(mixed):
    clf, X, _ = mixed

    found = report_on(clf, X)

    frame = found.to_frame()
    assert set(frame) == {"agreement", "kl_divergence", "kilobytes", "microseconds"}
    assert str(found).splitlines()[0].split("  ")[-1] == "one row, us"
    assert found.by_slice("city", X).columns.tolist()[-2:] == ["agreement", "kl_divergence"]
    for refused in (found.plot, found.by_class):
        with pytest.raises(ValueError, match=r"made without labels.*pass y"):
            refused()


def test_without_labels_a_regressor_agrees_with_its_teachers():
    X, y = rows_and_targets(120)
    student = quick_regressor(keep_teachers=True).fit(X[:60], y[:60])

    found = report_on(student, X[60:])

    assert set(found.to_frame()) == {"agreement", "kilobytes", "microseconds"}
    with pytest.raises(ValueError, match="only classifiers have measures by class: use by_slice"):
        found.by_class()


def test_of_one_class_there_is_no_auc_and_no_warning(mixed):
    clf, X, y = mixed
    rows = y == "yes"

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = report_on(clf, X[rows], y[rows])
        by_class = found.by_class()

    assert found["student"].roc_auc is None
    assert "AUC" not in found._repr_html_()
    assert by_class.loc[by_class["class"] == "no", "recall"].isna().all()


def test_other_columns_than_those_of_fit_are_named(mixed):
    clf, X, y = mixed

    with pytest.raises(ValueError, match=r"seen at fit time, yet now missing:\n- city"):
        report_on(clf, X.rename(columns={"city": "town"}), y)
    with pytest.raises(ValueError, match=r"X has no column 'town': choose among \['age'"):
        report_on(clf, X, y, slices=["town"])


def test_what_is_no_teacher_and_no_model_is_refused(alone):
    clf, X, y = alone
    with pytest.raises(ValueError, match=r"teachers must be a fitted ensemble, or a list of"):
        report_on(clf, X, y, teachers=[LogisticRegression()])
    with pytest.raises(ValueError, match="models must be a dict"):
        report_on(clf, X, y, models=[clf])
    with pytest.raises(ValueError, match=r"models names \['student'\], which the report itself"):
        report_on(clf, X, y, models={"student": clf})
    with pytest.raises(ValueError, match="got only one of X_train and y_train"):
        report_on(clf, X, y, X_train=X)
    with pytest.raises(ValueError, match="X_train is for the net of a distilled student, but"):
        report_on(LogisticRegression().fit(X, y), X, y, X_train=X, y_train=y)


def test_teachers_of_different_classes_are_refused(alone):
    clf, X, y = alone
    fewer = DecisionTreeClassifier().fit(X[y > 0], y[y > 0])
    teachers = {"all": DecisionTreeClassifier().fit(X, y), "fewer": fewer}

    with pytest.raises(ValueError, match=r"fitted on different classes: \[0, 1, 2\] and \[1, 2\]"):
        report_on(clf, X, y, teachers=teachers)


def test_labels_of_other_rows_are_refused(mixed):
    clf, X, y = mixed

    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        report_on(clf, X, y[:-1])


def test_a_report_of_measures_alone_has_no_slices():
    found = DistillationReport([ClassifierRow("model", 0.9)])

    with pytest.raises(ValueError, match="no predictions, only measures: make it by compare"):
        found.by_class()


def test_the_size_of_a_teacher_that_cannot_be_pickled_is_absent(tmp_path):
    X, y = numeric_rows(120)
    logistic = LogisticRegression().fit(X, y)
    remote = CallableTeacher(lambda X: logistic.predict_proba(X), logistic.classes_)
    clf = quick_classifier([("remote", remote)], keep_teachers=True).fit(X[:60], y[:60])

    found = report_on(clf, X[60:], y[60:])

    assert found[POOL].kilobytes is None
    assert found["student"].kilobytes > 1
    assert "Measured on 60 held-out rows." in saved(found, tmp_path)


def test_a_model_without_labels_of_its_probabilities_is_refused(alone):
    clf, X, y = alone

    class Nameless:
        def predict_proba(self, X):
            return clf.predict_proba(X)

    with pytest.raises(ValueError, match="'mine', a Nameless, has no classes_, so that nobody"):
        report_on(clf, X, y, models={"mine": Nameless()})


def test_no_rows_are_refused(mixed):
    clf, X, y = mixed

    with pytest.raises(ValueError, match="X has no rows: pass rows that no model was fitted on"):
        report_on(clf, X[:0], y[:0])


# Its measures.


def test_auc_is_that_of_scikit_learn_and_kl_that_of_its_definition(mixed, report):
    clf, X, y = mixed
    proba, pool = clf.predict_proba(X), clf.teacher_.predict_proba(X)

    row = report["student"]

    assert row.roc_auc == pytest.approx(roc_auc_score(y, proba[:, 1]))
    assert row.kl_divergence == pytest.approx(np.mean(kl_divergence(pool, proba)))
    assert report[POOL].kl_divergence == 0


def test_auc_of_many_classes_is_one_against_the_others():
    X, y = load_iris(return_X_y=True)
    tree = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X[::2], y[::2])

    row = compare({"tree": tree}, X[1::2], y[1::2], n_repeats=1)["tree"]

    expected = roc_auc_score(y[1::2], tree.predict_proba(X[1::2]), multi_class="ovr")
    assert row.roc_auc == pytest.approx(expected)


def test_measures_by_class_are_those_of_scikit_learn(mixed, report):
    clf, X, y = mixed

    frame = report.by_class().query("model == 'student'").set_index("class")

    precision, recall, _, support = precision_recall_fscore_support(y, clf.predict(X))
    assert_allclose(frame["precision"], precision)
    assert_allclose(frame["recall"], recall)
    assert frame["support"].tolist() == support.tolist()
    mean = np.average(frame["log_loss"], weights=frame["support"])
    assert mean == pytest.approx(report["student"].log_loss)


def test_a_slice_has_the_measures_of_its_rows(mixed, report):
    clf, X, y = mixed
    rome = (X["city"] == "Rome").to_numpy()

    frame = report.by_slice("city").set_index(["slice", "model"])

    found = frame.loc[("Rome", "student")]
    assert found["rows"] == rome.sum()
    assert found["accuracy"] == pytest.approx(np.mean(clf.predict(X[rome]) == y[rome]))
    assert found["share"] == pytest.approx(rome.mean())


@pytest.mark.parametrize(
    "as_given",
    [
        lambda X: ("age", X),
        lambda X: (0, X.to_numpy()),
        lambda X: (lambda X: X["age"], X),
        lambda X: (X["age"],),
        lambda X: (X["age"].tolist(),),
        lambda X: ("age", pl.from_pandas(X)),
    ],
    ids=["name", "index", "function", "values", "list", "polars"],
)
def test_a_slice_may_be_named_computed_or_given(mixed, report, as_given):
    _, X, _ = mixed

    pd.testing.assert_frame_equal(report.by_slice(*as_given(X)), report.by_slice("age"))


@pytest.mark.parametrize(
    "columns",
    [
        [3, 1, 4, 0, 2],
        pd.date_range("2020", periods=5),
        pd.MultiIndex.from_product([["a"], range(5)]),
    ],
    ids=["numbers", "dates", "tuples"],
)
def test_a_slice_is_named_as_its_column_is(columns):
    X, y = numeric_rows(60)
    frame = pd.DataFrame(X, columns=columns)
    clf = quick_classifier().fit(frame, y)
    report = report_on(clf, frame, y, slices=[columns[1]])

    expected = report.by_slice(X[:, 1])

    assert report.by_slice(columns[1]).equals(expected)
    assert report.by_slice(columns[1], frame).equals(expected)


def test_a_column_of_named_ones_may_be_given_by_its_index(mixed):
    clf, X, y = mixed

    report = report_on(clf, X, y, slices=2)

    assert report.by_slice(2).equals(report.by_slice("city", X))
    with pytest.raises(ValueError, match=r"X has no column 4: choose among \['age', "):
        report.by_slice(4, X)


def test_a_single_column_needs_no_list(mixed):
    clf, X, y = mixed

    assert list(report_on(clf, X, y, slices="city").slices) == ["city"]


@pytest.mark.parametrize("name", [OTHER, MISSING])
def test_a_category_of_the_name_of_a_slice_is_a_part_of_it(name):
    values = np.array([name] * 3 + ["a"] * 30 + ["b", "c", None], dtype=object)

    labels, order = slice_labels(values, len(values))

    assert len(set(order)) == len(order)
    assert sum((labels == each).sum() for each in order) == len(values)


def test_slices_cover_all_rows_once(report):
    for column in ("city", "age"):
        frame = report.by_slice(column).query("model == 'student'")

        assert frame["rows"].sum() == len(report.predictions)
        assert frame["share"].sum() == pytest.approx(1)


def test_a_column_that_the_report_does_not_keep_needs_its_rows(mixed, report):
    _, X, _ = mixed
    with pytest.raises(ValueError, match="keeps no rows, so column 'member' is not known"):
        report.by_slice("member")
    with pytest.raises(ValueError, match=r"a slice has shape \(3,\), expected \(120,\)"):
        report.by_slice([1, 2, 3])
    with pytest.raises(ValueError, match="X has no column 9: name one of 0 to 3"):
        report.by_slice(9, X.to_numpy())


def test_a_slice_of_a_regressor_has_losses_in_the_unit_of_the_target():
    X, y = rows_and_targets(160)
    student = quick_regressor(keep_teachers=True).fit(X[:80], y[:80])
    found = report_on(student, X[80:], y[80:])

    frame = found.by_slice(1, X[80:]).query("model == 'student'").set_index("slice")

    rows = np.isnan(X[80:, 1])
    error = student.predict(X[80:][rows]) - y[80:][rows]
    assert frame.loc[MISSING, "rmse"] == pytest.approx(np.sqrt(np.mean(error**2)))


def test_numbers_are_cut_at_quantiles_and_equal_ones_stay_together():
    labels, order = slice_labels([0.0] * 60 + list(range(1, 41)), 100)

    assert order == ["up to 0", "0 to 15.2", "above 15.2"]
    assert [np.sum(labels == name) for name in order] == [60, 15, 25]


def test_infinite_numbers_are_cut_too(recwarn):
    _, order = slice_labels([np.inf] * 20 + list(range(10)), 30)

    assert order == ["up to 7.25", "above 7.25"]
    assert not recwarn.list


def test_rare_categories_are_one_slice():
    values = np.repeat(["a", "b", "c", "d"], [50, 30, 3, 2])

    labels, order = slice_labels(values, 85)

    assert order == ["a", "b", OTHER]
    assert np.sum(labels == OTHER) == 5


def test_a_single_rare_category_keeps_its_name():
    assert slice_labels(np.repeat(["a", "b"], [50, 3]), 53)[1] == ["a", "b"]


@pytest.mark.parametrize("values", [[True, False] * 20, [1, 2] * 20, [None] * 40])
def test_few_values_are_slices_as_they_are(values):
    labels, order = slice_labels(values, 40)

    assert set(labels) == set(order) == {MISSING if each is None else each for each in values}


# Frames, files and cards.


def test_a_frame_has_a_row_for_each_model(report):
    frame = report.to_frame()

    assert frame.index.tolist() == names_in(report)
    assert frame.index.name == "model"
    assert frame.loc["student", "log_loss"] == report["student"].log_loss


def test_a_frame_without_pandas_is_refused_by_name(report, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)

    with pytest.raises(ImportError, match=r"pip install 'skdistill\[table\]'"):
        report.to_frame()


def saved(report, folder):
    report.save(folder / "report.html")
    return (folder / "report.html").read_text(encoding="utf-8")


def test_a_saved_report_is_one_file_that_asks_for_nothing(report, tmp_path):
    page = saved(report, tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert "<script" not in page
    assert not re.findall(r'(?:src|srcset|href)="(?!data:)', page)
    assert "@import" not in page


def test_a_saved_report_has_its_pictures_in_each_color_scheme(report, tmp_path):
    pictures = re.findall(
        r'(?:src|srcset)="data:image/svg\+xml;base64,(\S+?)"', saved(report, tmp_path)
    )

    assert len(set(pictures)) == len(pictures) == 2 * len(PICTURES)


def test_a_saved_report_names_models_slices_and_teachers(report, tmp_path):
    page = saved(report, tmp_path)

    for text in ("By class", "By city", "By age", "Rome", "teacher stump", "distillation report"):
        assert text in page
    assert conclusion(report, 120) in page


def test_names_are_escaped_in_a_saved_report(mixed, tmp_path):
    clf, X, y = mixed
    X = X.assign(city=pd.Categorical(np.where(X["city"] == "Rome", "<b>R&D", "Oslo")))

    page = saved(report_on(clf, X, y, slices=["city"]), tmp_path)

    assert "&lt;b&gt;R&amp;D" in page
    assert "<b>R" not in page


def test_a_report_is_saved_without_labels_teachers_and_matplotlib(alone, tmp_path, monkeypatch):
    clf, X, _ = alone
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)

    page = saved(report_on(clf, X), tmp_path)

    assert "Measured on 100 held-out rows, which have no labels." in page
    assert "Pictures need matplotlib" in page
    assert "By class" not in page


def test_a_report_of_regressors_is_saved(tmp_path):
    X, y = rows_and_targets(120)
    student = quick_regressor(quantiles=[0.1, 0.9], keep_teachers=True).fit(X[:60], y[:60])

    page = saved(report_on(student, X[60:], y[60:], slices=[1]), tmp_path)

    assert "<th>RMSE</th><th>MAE</th><th>R2</th>" in page
    assert "coverage" in page
    assert "By 1" in page


def test_a_model_that_cannot_be_pickled_is_reported_without_a_picture_of_costs(tmp_path, alone):
    _, X, y = alone
    model = CallableTeacher(lambda rows: np.full((len(rows), 3), 1 / 3), classes=[0, 1, 2]).fit(
        X, y
    )
    report = report_on(model, X, y)

    report.save(tmp_path / "report.html")

    assert "Quality and cost" not in Path(tmp_path / "report.html").read_text()
    with pytest.raises(ValueError, match="no model whose size is known"):
        report.plot()


def test_a_comparison_with_a_student_has_a_model_card(alone):
    clf, X, y = alone

    card = compare({"student": clf}, X, y, n_repeats=1).to_model_card(dataset="made up")

    assert '"dataset": {"name": "made up"' in card
    assert '"task"' not in card


@pytest.mark.parametrize("n_repeats", [0, -1])
def test_no_repeats_are_refused(alone, n_repeats):
    clf, X, y = alone

    with pytest.raises(ValueError, match="n_repeats must be at least 1"):
        compare({"student": clf}, X, y, n_repeats=n_repeats)


def test_a_saved_report_of_many_rows_is_hardly_larger(tmp_path, alone):
    clf, sizes, path = alone[0], {}, tmp_path / "report.html"
    X, y = numeric_rows(2_000)
    tree = DecisionTreeClassifier(max_depth=8).fit(X, y)

    for n_rows in (200, 2_000):
        report_on(clf, X[:n_rows], y[:n_rows], teachers=tree).save(path)
        sizes[n_rows] = path.stat().st_size

    assert sizes[2_000] < 1.2 * sizes[200]


def test_a_saved_comparison_names_its_reference(alone, tmp_path):
    _, X, y = alone
    trees = {f"depth {d}": DecisionTreeClassifier(max_depth=d).fit(X, y) for d in (1, 2)}

    page = saved(compare(trees, X, y, reference="depth 2", n_repeats=1), tmp_path)

    assert "<h1>Models side by side</h1>" in page
    assert "share of rows that get the class of depth 2" in page
    assert "pooled teachers" not in page


def test_a_report_is_saved_as_html_only(report, tmp_path):
    with pytest.raises(ValueError, match=r"saved as HTML: name it \.html, got '.*report\.pdf'"):
        report.save(Path(tmp_path) / "report.pdf")


def front_matter(card):
    yaml = pytest.importorskip("yaml", reason="the front matter is read by PyYAML")
    return yaml.safe_load(card.split("---\n")[1])


def test_a_model_card_begins_with_yaml(mixed, report):
    clf, *_ = mixed

    card = report.to_model_card(name="cities: a “test”", dataset="made: up", license="mit")

    front = front_matter(card)
    (of_model,) = front["model-index"]
    metrics = {each["type"]: each["value"] for each in of_model["results"][0]["metrics"]}
    assert front["pipeline_tag"] == "tabular-classification"
    assert (front["license"], of_model["name"]) == ("mit", "cities: a “test”")
    assert metrics["log_loss"] == report["student"].log_loss
    assert f"| stump | {clf.teacher_weights_['stump']:.4g} |" in card


def test_what_is_not_known_is_absent_from_a_model_card(alone):
    clf, X, _ = alone

    card = report_on(clf, X).to_model_card()

    assert {"license", "model-index"}.isdisjoint(front_matter(card))
    assert "None" not in card
    assert "log loss |" not in card.split("## The student")[0]


def test_a_card_of_any_model_claims_no_distillation(alone):
    _, X, y = alone
    tree = DecisionTreeClassifier().fit(X, y)

    card = compare({"tree": tree}, X, y, n_repeats=1).to_model_card(name="A tree")

    assert "# A tree\n" in card
    assert "distilled" not in card
    assert "library_name" not in card


def test_a_report_tells_the_student_that_it_is_of(mixed, report):
    clf, X, _ = mixed

    facts = report.facts

    assert facts["features"] == list(X.columns)
    assert facts["student"]["layers"][-2:] == [8, 2]
    assert facts["training"]["alpha"] == clf.alpha_
    assert facts["teachers"]["pooled"]["score"] == clf.teacher_scores_["pool"]


def test_the_conclusion_needs_teachers_and_labels(mixed, alone):
    clf, X, y = mixed

    assert conclusion(report_on(clf, X), 120) == ""
    assert conclusion(report_on(*alone), 100) == ""
    assert conclusion(report_on(clf, X, y), 120).endswith(" theirs.")
