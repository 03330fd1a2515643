"""python -m skdistill, with default teachers and student made small."""

import functools
import io
import re
import subprocess
import sys
import warnings
from contextlib import redirect_stderr, redirect_stdout
from types import SimpleNamespace

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_wine
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import skdistill
from skdistill import NetClassifier, StudentNet, TeacherEnsemble
from skdistill.__main__ import main
from skdistill.inspection.conclusion import conclusion
from skdistill.inspection.report import DistillationReport
from skdistill.inspection.rows import ClassifierRow
from tests.small import (
    full_disk,
    mixed_table,
    numeric_rows,
    quick_regressor,
    quick_student,
    small_default_teachers,
    two_trees,
)

NAMES = ["pooled teachers", "same net on labels", "student"]


def distill(*arguments):
    """Run the command with the default teachers and student made small."""
    params = {"teachers": small_default_teachers(), "student": StudentNet(max_epochs=3), "cv": 2}
    return main(["fit", *map(str, arguments), "--jobs", "1"], **params)


def write_table(path, X, y):
    frame = X.assign(label=y)
    frame.to_csv(path, index=False) if path.suffix == ".csv" else frame.to_parquet(path)
    return path


@pytest.fixture(scope="module", params=["csv", "parquet"])
def outcome(request, tmp_path_factory):
    """What the command makes of a mixed table: its student, rows, and what it prints."""
    folder = tmp_path_factory.mktemp("table")
    X, y = mixed_table(90)
    table, out = write_table(folder / f"train.{request.param}", X, y), folder / "student"
    with redirect_stdout(io.StringIO()) as printed:
        assert distill(table, "--target", "label", "--out", out, "--quiet") == 0
    return SimpleNamespace(student=joblib.load(out), X=X, printed=printed.getvalue())


@pytest.fixture(scope="module")
def bundled(tmp_path_factory):
    """What the command makes of bundled data, with a picture and its progress."""
    folder = tmp_path_factory.mktemp("bundled")
    out, picture, page = (folder / name for name in ("student.joblib", "report.png", "report.html"))
    with redirect_stdout(io.StringIO()) as printed:
        files = ["--out", out, "--picture", picture, "--html", page]
        assert distill("--data", "wine", *files) == 0
    return SimpleNamespace(
        student=joblib.load(out),
        picture=picture.read_bytes(),
        page=page.read_text("utf-8"),
        printed=printed.getvalue(),
    )


def test_a_table_is_distilled_into_a_student_that_predicts(outcome):
    assert set(outcome.student.predict(outcome.X)) <= {"yes", "no"}


def test_the_student_that_is_saved_comes_without_its_teachers(outcome):
    assert not hasattr(outcome.student, "teacher_")


def test_the_report_compares_teachers_pool_baseline_and_student(outcome):
    for name in ("teacher rf", "teacher xgb", "pooled teachers", "same net on labels", "student"):
        assert name in outcome.printed
    for column in ("accuracy", "log loss", "calib. error", "size, kB", "one row, us"):
        assert column in outcome.printed


def test_rows_without_label_are_counted_and_left_out(tmp_path, capsys):
    X, y = mixed_table(90)
    y = np.where(np.arange(90) < 10, None, y.astype(object))
    table = write_table(tmp_path / "train.csv", X, y)

    assert distill(table, "--target", "label", "--out", tmp_path / "student", "--quiet") == 0

    printed = capsys.readouterr()
    assert "56 rows to train on, 24 held out" in printed.out
    assert "10 of 90 rows have no label in 'label' and are left out" in printed.err


def test_bundled_data_are_distilled_without_a_table(bundled):
    X = load_wine(as_frame=True).data

    np.testing.assert_allclose(bundled.student.predict_proba(X).sum(1), 1)


def test_the_whole_report_is_saved_when_asked(bundled):
    for text in ("By class", "same net on labels", "teacher rf", "data:image/svg+xml"):
        assert text in bundled.page
    assert "report.html" in bundled.printed


def test_a_picture_of_the_report_is_drawn_when_asked(bundled):
    assert bundled.picture.startswith(b"\x89PNG")


def test_single_teachers_are_listed_by_falling_log_loss_before_the_pool(outcome):
    lines = outcome.printed.splitlines()

    losses = [float(line.split()[2]) for line in lines if re.match("teacher [a-z]", line)]
    assert len(losses) == 5
    assert losses == sorted(losses, reverse=True)
    assert [name for line in lines if (name := line.split("  ")[0]) in NAMES] == NAMES


def test_progress_is_printed_unless_quiet(bundled, outcome):
    assert "teachers: 7 done in" in bundled.printed
    assert re.search(r"student: \d+ done in .* s, last: epoch", bundled.printed)
    assert "done in" not in outcome.printed


def row(name, log_loss, kilobytes, microseconds):
    return ClassifierRow(
        name, 0.9, log_loss, 0.02, 0.1, 0.95, kilobytes, microseconds, ([], [], [])
    )


@pytest.mark.parametrize(
    ("student", "sentence"),
    [
        (
            (0.16, 100, 50),
            "On 540 held-out rows, the student is 58 times smaller and 12 times faster than the "
            "pooled teachers, and its log loss is 20% lower than theirs and 60% lower than "
            "that of the same net trained on labels.",
        ),
        (
            (0.22, 4000, 400),
            "On 540 held-out rows, the student is 31% smaller and 50% faster than the pooled "
            "teachers, but its log loss is 10% higher than theirs, though 45% lower than that of "
            "the same net trained on labels.",
        ),
        (
            (0.6, 8120, 1800),
            "On 540 held-out rows, the student is 40% larger and 3 times slower than the pooled "
            "teachers, and its log loss is 3 times higher than theirs and 50% higher than that of "
            "the same net trained on labels.",
        ),
    ],
    ids=["wins", "wins a little", "loses"],
)
def test_the_conclusion_is_one_sentence_and_honest(student, sentence):
    measured = [(0.2, 5800, 600), (0.4, 100, 50), student]
    rows = [row(name, *each) for name, each in zip(NAMES, measured)]

    assert conclusion(DistillationReport(rows), 540) == sentence


def test_equal_models_are_called_equal():
    same = [row(name, 0.2, 100, 50) for name in NAMES]

    assert conclusion(DistillationReport(same), 540) == (
        "On 540 held-out rows, the student is as large and as fast as the pooled teachers, and "
        "its log loss is as high as theirs and as high as that of the same net trained on labels."
    )


def test_a_log_loss_of_zero_is_no_error():
    rows = [row(name, 0.0, 100, 50) for name in NAMES]

    assert "its log loss is as high as theirs" in conclusion(DistillationReport(rows), 540)


def test_a_seed_gives_the_same_student_again(tmp_path):
    X, y = mixed_table(90)
    table, out = write_table(tmp_path / "train.csv", X, y), tmp_path / "student.joblib"
    given = ["--target", "label", "--out", out, "--quiet", "--seed", 3]

    one, other = (joblib.load(out) for _ in range(2) if distill(table, *given) == 0)

    X = X.astype({"city": "str"})
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["nowhere.csv", "--target", "label"], "there is no file 'nowhere.csv'"),
        (
            ["train.csv", "--target", "cost"],
            "--target is 'cost', but must name the column with the labels",
        ),
        (["--target", "label"], "got no TABLE: give a CSV or Parquet file"),
        (
            ["train.csv", "--target", "label", "--picture", "r.doc"],
            "must end with one of [",
        ),
        (["train.csv", "--target", "label", "--out", "folder"], "'folder' is a folder"),
        (
            ["train.csv", "--target", "label", "--html", "r.pdf"],
            "--html is 'r.pdf', but must end with .html or .htm",
        ),
        (
            ["train.csv", "--target", "label", "--out", "r.html", "--html", "./r.html"],
            "--out and --html are the same file",
        ),
        (["train.csv", "--target", "label", "--picture", "folder.png"], "'folder.png' is a folder"),
        (["train.csv", "--target", "label", "--picture", "train.csv/r.png"], "train.csv"),
        (
            ["train.csv", "--target", "label", "--out", "r.png", "--picture", "./r.png"],
            "are the same file",
        ),
        ([], "got no TABLE: give a CSV or Parquet file and --target COLUMN, or --data"),
        (["train.csv", "--data", "iris"], "got both TABLE and --data"),
        (["--data", "iris", "--drop", "age"], "--target, --query and --drop belong to a TABLE"),
        (["train.csv", "--target", "label", "--out", "new/s.joblib"], "there is no folder 'new'"),
        (["train.csv", "--target", "label", "--picture", "new/r.png"], "there is no folder 'new'"),
        (["train.csv", "--target", "label", "--drop", "aeg"], "--drop names ['aeg'], which are no"),
        (["train.csv", "--target", "label", "--drop", "label"], "--drop names the target 'label'"),
        (["train.csv", "--target", "label", "--teachers", "forest"], "--effort default has ['rf',"),
        (["train.csv", "--target", "label", "--max-time", "-1"], "The 'max_time' parameter"),
        (
            ["train.csv", "--target", "label", "--task", "regression"],
            "but --task regression predicts numbers",
        ),
        (
            ["train.csv", "--target", "price", "--task", "classification"],
            "which are no classes: leave --task out to predict numbers",
        ),
        (
            ["train.csv", "--target", "label", "--quantiles", "0.1", "0.9"],
            "--quantiles are of numbers, but 'label' holds classes",
        ),
        (
            ["train.csv"],
            "--target is missing, but must name the column with the labels",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_argument_that_cannot_be_followed_is_an_error_of_one_line(
    given, message, tmp_path, monkeypatch, capsys
):
    X, y = mixed_table(20)
    X.assign(label=y, price=np.arange(20) / 3).to_csv(tmp_path / "train.csv", index=False)
    for name in ("folder", "folder.png"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(TeacherEnsemble, "fit_soft_targets", None)  # no teacher may be fitted

    assert main(["fit", *given]) == 2

    said = capsys.readouterr().err
    assert said.startswith("skdistill: ")
    assert message in said
    assert said.count("\n") == 1


def test_labels_of_one_class_are_an_error_of_one_line(tmp_path, capsys):
    X, _ = mixed_table(40)
    X.assign(label="yes").to_csv(tmp_path / "train.csv", index=False)

    assert distill(tmp_path / "train.csv", "--target", "label", "--quiet") == 2

    assert "at least two classes" in capsys.readouterr().err


def test_the_command_is_there():
    command = [sys.executable, "-m", "skdistill", "fit", "nowhere.csv", "--target", "label"]

    run = subprocess.run(command, capture_output=True, text=True)

    assert run.returncode == 2
    assert run.stderr.startswith("skdistill: there is no file 'nowhere.csv': ")


@pytest.mark.parametrize("argument", [[], ["--help"]])
def test_without_arguments_the_help_is_printed_and_nothing_is_trained(argument):
    command = [sys.executable, "-m", "skdistill", *argument]

    run = subprocess.run(command, capture_output=True, text=True)

    assert run.returncode == 0
    assert "python -m skdistill fit train.csv --target label" in run.stdout


def distill_quickly(*arguments):
    """Run the command with two small trees as teachers."""
    params = {"teachers": two_trees(), "student": StudentNet(max_epochs=3), "cv": 2}
    return main(["fit", *map(str, arguments), "--jobs", "1", "--quiet"], **params)


@pytest.mark.parametrize("encoding", ["cp932", "gbk", "ascii"])
def test_a_console_of_few_characters_shows_the_report(tmp_path, encoding):
    out = tmp_path / "élève.joblib"
    with redirect_stdout(io.TextIOWrapper(io.BytesIO(), encoding=encoding)) as console:
        assert distill_quickly("--data", "wine", "--out", out) == 0
        console.flush()

    assert b"pooled teachers" in console.buffer.getvalue()
    assert out.exists()


def test_the_report_is_in_ascii():
    assert str(DistillationReport([row(name, 0.2, 100, 50) for name in NAMES])).isascii()


def test_the_student_is_there_even_if_the_comparison_fails(tmp_path, monkeypatch):
    out = tmp_path / "student.joblib"
    monkeypatch.setattr(NetClassifier, "fit", None)

    assert distill_quickly("--data", "wine", "--out", out) == 2

    assert joblib.load(out).predict(load_wine(as_frame=True).data).shape == (178,)


def test_a_full_disk_leaves_the_old_student(tmp_path, capsys):
    out = tmp_path / "student.joblib"
    out.write_bytes(b"old")

    with full_disk():
        assert distill_quickly("--data", "iris", "--out", out) == 2

    assert "File too large" in capsys.readouterr().err
    assert out.read_bytes() == b"old"


def test_low_effort_is_fewer_teachers_and_a_file_without_them(tmp_path, capsys):
    out = tmp_path / "student.joblib"

    command = [
        "fit",
        "--data",
        "wine",
        "--effort",
        "low",
        "--out",
        str(out),
        "--jobs",
        "1",
        "--quiet",
    ]
    assert main(command) == 0

    assert "teacher mlp " not in capsys.readouterr().out
    student = joblib.load(out)
    assert student.teachers is None
    assert list(student.teacher_weights_) == ["xgb", "mlp_bins"]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A table as spreadsheets export it in Germany: its path, and what `fit` says of it."""
    folder = tmp_path_factory.mktemp("exported")
    X, y = mixed_table(120)
    table = folder / "kunden.csv"
    pd.DataFrame(
        {
            "id": range(120),
            "age": X["age"],
            "city": X["city"],
            "income": [f"1.{k + 100},5" for k in range(120)],
            "since": pd.date_range("2020-01-01", periods=120).astype(str),
            "label": y,
        }
    ).to_csv(table, sep=";", decimal=",", index=False)
    student = folder / "student.safetensors"
    with redirect_stderr(io.StringIO()) as said, redirect_stdout(io.StringIO()):
        assert distill_quickly(table, "--target", "label", "--out", student) == 0
    return SimpleNamespace(table=table, student=student, said=said.getvalue())


def test_what_was_recognized_in_a_table_is_said(exported):
    for told in (
        "the delimiter is ';'",
        "Column 'income' holds numbers: '1.100,5' is 1100.5",
        "Column 'since' holds dates",
        "Column 'id' looks like a row number (120 values in 120 rows, such as '0'): leave it out",
    ):
        assert told in exported.said


def test_predict_writes_classes_and_probabilities_of_a_table_in_another_layout(
    exported, tmp_path, capsys
):
    model = skdistill.load(exported.student)
    row = {"since": "2020-02-01", "city": "Rome", "income": "1,150.5", "age": "55.5", "id": "3"}
    new, out = tmp_path / "new.csv", tmp_path / "predictions.csv"
    pd.DataFrame([{"more": "03/04/2021"} | row] * 3).to_csv(new, index=False)

    assert main(["predict", str(exported.student), str(new), "--out", str(out)]) == 0

    found = pd.read_csv(out)
    X = pd.DataFrame([row] * 3)[list(model.feature_names_in_)]
    X = X.assign(since=18293.0, income=1150.5, age=55.5, id=3)
    assert found["prediction"].tolist() == model.predict(X).tolist()
    np.testing.assert_allclose(found[["proba no", "proba yes"]], model.predict_proba(X))
    assert "(3 rows)" in capsys.readouterr().out


def test_predictions_are_printed_where_no_file_is_named(exported, capsys):
    assert main(["predict", str(exported.student), str(exported.table)]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "prediction,proba no,proba yes"
    assert len(lines) == 121


def test_categories_that_look_like_numbers_stay_categories(tmp_path, capsys):
    kind = np.tile(["1", "2", "3a"], 40)
    train = write_table(tmp_path / "train.csv", pd.DataFrame({"kind": kind, "n": 1.5}), kind == "1")
    new, student = tmp_path / "new.csv", tmp_path / "student.joblib"
    new.write_text("kind,n\n1,1.5\n2,1.5\n")
    assert distill_quickly(train, "--target", "label", "--out", student) == 0
    capsys.readouterr()

    assert main(["predict", str(student), str(new)]) == 0

    predicted = [line.split(",")[0] for line in capsys.readouterr().out.splitlines()]
    assert predicted == ["prediction", "True", "False"]


def test_report_measures_models_on_the_labeled_rows_of_a_table(tmp_path, capsys):
    X, y = numeric_rows()
    X = pd.DataFrame(X, columns=list("abcde"))
    for depth in (1, 3):
        tree = DecisionTreeClassifier(max_depth=depth, random_state=0).fit(X, y)
        joblib.dump(tree, tmp_path / f"tree{depth}.joblib")
    table = tmp_path / "test.csv"
    X.assign(y=np.where(np.arange(60) < 50, y, -1)).replace({"y": {-1: None}}).to_csv(table)
    models = [str(tmp_path / f"tree{depth}.joblib") for depth in (1, 3)]

    assert main(["report", *models, str(table), "--target", "y"]) == 0

    printed = capsys.readouterr()
    assert re.search(r"^tree1 .*\ntree3 ", printed.out, re.MULTILINE)
    assert "On 50 rows of" in printed.out
    assert "10 of 60 rows have no label in 'y'" in printed.err


def test_report_saves_what_is_known_of_a_student_alone(exported, tmp_path, capsys):
    page = tmp_path / "report.html"
    given = [str(exported.student), str(exported.table), "--target", "label", "--html", str(page)]

    assert main(["report", *given]) == 0

    assert "By class" in page.read_text("utf-8")
    assert "agreement" not in capsys.readouterr().out  # with teachers that are not known


def test_report_takes_labels_of_text_as_text(exported, capsys):
    options = ["--target", "label", "--picture", str(exported.table.with_name("report.png"))]

    assert main(["report", str(exported.student), str(exported.table), *options]) == 0

    assert "student " in capsys.readouterr().out
    assert exported.table.with_name("report.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["predict", "no.joblib", "new.csv"], "there is no file 'no.joblib'"),
        (["predict", "new.csv", "new.csv"], "'new.csv' cannot be loaded"),
        (["predict", "list.joblib", "new.csv"], "holds a list, which has no predict_proba"),
        (["predict", "tree.joblib", "new.csv"], "lacks the columns ['b']"),
        (["predict", "tree.joblib", "new.csv", "--out", "x/p.csv"], "there is no folder 'x'"),
        (["report", "tree.joblib", "new.csv", "--target", "y"], "lacks the columns ['b', 'y']"),
        (["report", "tree.joblib", "./tree.joblib", "new.csv", "--target", "y"], "have one name"),
        (["report", "tree.joblib", "new.csv", "--target", "a"], "--target is 'a', which is one"),
        (
            ["report", "tree.joblib", "new.csv", "--target", "c", "--query", "b"],
            "--query is 'b', which is one of the columns",
        ),
    ],
)
def test_what_cannot_be_predicted_or_reported_is_an_error_of_one_line(
    given, message, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "new.csv").write_text("a,c\n1,2\n3,4\n")
    X = pd.DataFrame({"a": [1, 2], "b": [3, 4]})
    joblib.dump(DecisionTreeClassifier().fit(X, [0, 1]), "tree.joblib")
    joblib.dump([1], "list.joblib")

    assert main(given) == 2

    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_only_the_teachers_that_are_named_are_fitted(tmp_path):
    out = tmp_path / "student.joblib"
    given = ["--data", "iris", "--teachers", "xgb", "--effort", "low", "--out", str(out)]

    assert main(["fit", *given, "--jobs", "1", "--quiet", "--max-time", "60"]) == 0

    assert list(joblib.load(out).teacher_weights_) == ["xgb"]


def test_dropped_columns_are_not_asked_for_later(tmp_path):
    X, y = mixed_table(90)
    table, out = write_table(tmp_path / "train.csv", X, y), tmp_path / "student.joblib"
    options = ["--target", "label", "--out", out, "--drop", "age", "city"]

    assert distill_quickly(table, *options) == 0

    assert list(joblib.load(out).feature_names_in_) == ["children", "member"]


def test_a_warning_is_one_line(tmp_path, capsys):
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("always")
        tell = functools.partial(warnings.warn, "Watch out.", stacklevel=1)
        patch.setattr("skdistill.__main__.fit", lambda arguments: tell())
        main(["fit", "--data", "iris"])

    assert capsys.readouterr().err == "warning: Watch out.\n"


def test_a_log_has_lines_only_and_says_how_long_it_took_and_what_comes_next(bundled):
    assert "\r" not in bundled.printed
    assert "\x1b" not in bundled.printed
    assert re.search(r"^For comparison, the same net is .*: about [\d.]+ s", bundled.printed, re.M)
    assert re.search(r"^Done in [\d.]+ s\. Next: python -m skdistill", bundled.printed, re.M)


def distill_numbers(*arguments):
    """Run the command with one small tree as the teacher of a regressor."""
    params = {"teachers": quick_regressor().teachers, "student": quick_student(), "cv": 2}
    return main(["fit", *map(str, arguments), "--jobs", "1", "--quiet"], **params)


@pytest.fixture(scope="module")
def priced(tmp_path_factory):
    """A table with a price, the student that predicts it with quantiles, and what is printed."""
    folder = tmp_path_factory.mktemp("priced")
    X, _ = mixed_table(90)
    price = 100.5 + np.nan_to_num(X["age"]) * 3 + X["children"]
    table, out = folder / "train.csv", folder / "student.joblib"
    X.assign(price=price).to_csv(table, index=False)
    options = ["--out", out, "--picture", folder / "r.png", "--quantiles", "0.9", "0.1"]
    with redirect_stderr(io.StringIO()) as said, redirect_stdout(io.StringIO()) as printed:
        assert distill_numbers(table, "--target", "price", *options) == 0
    return SimpleNamespace(
        table=table, out=out, picture=folder / "r.png", said=said.getvalue(),
        printed=printed.getvalue(),
    )  # fmt: skip


def test_a_target_of_numbers_is_distilled_into_a_regressor_and_it_is_said(priced):
    assert "so the student will predict numbers (--task regression)" in priced.said
    assert re.search(r"a target from [\d.]+ to [\d.]+, 63 rows to train on, 27", priced.printed)
    assert joblib.load(priced.out).quantiles_ == [0.1, 0.9]
    assert priced.picture.read_bytes().startswith(b"\x89PNG")


def test_the_report_of_a_regressor_is_about_numbers(priced):
    header = next(line for line in priced.printed.splitlines() if line.startswith("model "))

    assert header.split()[1:7] == ["RMSE", "MAE", "R2", "agreement,", "R2", "coverage"]
    for told in ("teacher tree", "pooled teachers", "same net on targets", "% of 80%", "its RMSE"):
        assert told in priced.printed
    assert "Agreement is R2" in priced.printed
    assert "label" not in priced.printed


def test_predictions_of_a_regressor_come_with_its_quantiles(priced, capsys):
    assert main(["predict", str(priced.out), str(priced.table)]) == 0

    found = pd.read_csv(io.StringIO(capsys.readouterr().out))
    student, X = joblib.load(priced.out), pd.read_csv(priced.table)
    X = X[student.feature_names_in_]
    assert list(found) == ["prediction", "quantile 0.1", "quantile 0.9"]
    np.testing.assert_allclose(found["prediction"], student.predict(X))
    np.testing.assert_allclose(found.iloc[:, 1:], student.predict(X, quantiles=True))


def test_report_measures_regressors(priced, capsys):
    assert main(["report", str(priced.out), str(priced.table), "--target", "price"]) == 0

    assert re.search(r"^student .* of 80% ", capsys.readouterr().out, re.MULTILINE)


def test_predictions_of_several_targets_are_numbered(tmp_path, capsys):
    X, y = numeric_rows()
    X = pd.DataFrame(X, columns=list("abcde"))
    joblib.dump(DecisionTreeRegressor(max_depth=2).fit(X, np.c_[y, -y]), tmp_path / "two.joblib")
    X.to_csv(tmp_path / "new.csv", index=False)

    assert main(["predict", str(tmp_path / "two.joblib"), str(tmp_path / "new.csv")]) == 0

    assert capsys.readouterr().out.startswith("prediction 0,prediction 1\n")


def test_whole_numbers_are_classes_or_numbers_as_the_task_says(tmp_path, capsys):
    X, y = mixed_table(90)
    table, out = write_table(tmp_path / "train.csv", X, 10 * (y == "yes")), tmp_path / "student"

    assert distill_quickly(table, "--target", "label", "--out", out) == 0
    assert "taken as classes: --task regression" in capsys.readouterr().err
    assert hasattr(joblib.load(out), "predict_proba")

    assert distill_numbers(table, "--target", "label", "--out", out, "--task", "regression") == 0
    assert "note: --target" not in capsys.readouterr().err
    assert not hasattr(joblib.load(out), "predict_proba")


def test_only_the_regression_teachers_that_are_named_are_fitted(tmp_path, capsys):
    out = tmp_path / "student.joblib"
    given = ["--data", "diabetes", "--teachers", "xgb", "--effort", "low", "--out", str(out)]

    params = {"student": quick_student(), "cv": 2}
    assert main(["fit", *given, "--jobs", "1", "--quiet", "--max-time", "60"], **params) == 0

    assert list(joblib.load(out).teacher_weights_) == ["xgb"]
    assert "teacher xgb" in capsys.readouterr().out


@pytest.fixture(scope="module")
def ranked(tmp_path_factory):
    """A table of rows that are ranked within queries, their student, and what is printed."""
    folder = tmp_path_factory.mktemp("ranked")
    rng = np.random.RandomState(0)
    X = pd.DataFrame(rng.normal(size=(240, 3)), columns=["length", "links", "age"])
    relevance = np.digitize(X["links"] + rng.normal(size=240) / 3, [-0.5, 0.8])
    table, out = folder / "pages.csv", folder / "student.joblib"
    query = [f"query {k}" for k in np.repeat(np.arange(40), 6)]
    X.assign(query=query, relevance=relevance).to_csv(table, index=False)
    student = quick_student(max_epochs=10)
    params = {"teachers": quick_regressor().teachers, "student": student, "cv": 2}
    options = ["--query", "query", "--out", str(out), "--jobs", "1", "--quiet"]
    with redirect_stdout(io.StringIO()) as printed:
        assert main(["fit", str(table), "--target", "relevance", *options], **params) == 0
    return SimpleNamespace(table=str(table), out=str(out), printed=printed.getvalue())


def test_rows_of_queries_are_distilled_into_a_ranker_that_sees_no_query(ranked):
    assert "relevance from 0 to 2, 168 rows to train on, 72 held out" in ranked.printed
    assert list(joblib.load(ranked.out).feature_names_in_) == ["length", "links", "age"]
    for told in ("NDCG@10", "pooled teachers", "same net on labels", "Kendall's tau"):
        assert told in ranked.printed


def test_a_ranker_predicts_scores_without_queries(ranked, capsys):
    assert main(["predict", ranked.out, ranked.table]) == 0

    found = pd.read_csv(io.StringIO(capsys.readouterr().out))
    X = pd.read_csv(ranked.table)[["length", "links", "age"]]
    np.testing.assert_allclose(found["score"], joblib.load(ranked.out).predict(X), rtol=1e-6)


def test_report_measures_rankers_within_queries(ranked, capsys):
    given = ["report", ranked.out, ranked.table, "--target", "relevance"]

    assert main([*given, "--query", "query"]) == 0
    assert "NDCG@10" in capsys.readouterr().out
    assert main(given) == 2
    assert "by --query COLUMN" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--task", "ranking"], "name the column that tells the query"),
        (["--query", "query", "--task", "regression"], "--query is for --task ranking"),
        (["--query", "relevance"], "choose among ['length', 'links', 'age', 'query']"),
        (["--query", "page"], "--query 'page' must be a column"),
        (["--query", "query", "--drop", "query"], "--drop names the query 'query'"),
    ],
)
def test_a_ranking_without_a_query_and_a_query_that_is_none_are_refused(
    ranked, options, said, capsys
):
    assert main(["fit", ranked.table, "--target", "relevance", *options]) == 2

    assert said in capsys.readouterr().err


def test_a_target_that_is_no_relevance_is_refused(ranked, capsys):
    assert main(["fit", ranked.table, "--target", "links", "--query", "query"]) == 2

    assert "ranks rows by their relevance, whole numbers from 0 on" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("queries", "message"),
    [
        (["a"] * 6 + [None], "--query 'query' is empty in 1 of 7 rows"),
        (["a"] * 3 + ["b"] * 3, "--query names 2 different queries"),
    ],
)
def test_queries_that_are_missing_or_too_few_are_refused(queries, message, tmp_path, capsys):
    rows = {"age": range(len(queries)), "query": queries, "relevance": 1}
    pd.DataFrame(rows).to_csv(tmp_path / "pages.csv", index=False)

    given = ["fit", str(tmp_path / "pages.csv"), "--target", "relevance", "--query", "query"]
    assert main([*given, "--out", str(tmp_path / "student.joblib")]) == 2

    assert message in capsys.readouterr().err
