"""python -m skdistill, with default teachers and student made small."""

import re
import subprocess
import sys

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_wine

from skdistill.__main__ import conclusion, main
from skdistill.inspection.report import Report, Row
from tests.small import make_defaults_small, mixed_table

NAMES = ["pooled teachers", "same net on labels", "student"]


@pytest.fixture(autouse=True)
def small_defaults(monkeypatch):
    make_defaults_small(monkeypatch)


@pytest.fixture(params=["csv", "parquet"])
def table(request, tmp_path):
    """The path of a mixed table, and its columns without the label."""
    X, y = mixed_table(90)
    path = tmp_path / f"train.{request.param}"
    frame = X.assign(label=y)
    frame.to_csv(path, index=False) if request.param == "csv" else frame.to_parquet(path)
    return path, X


def arguments(path, tmp_path, *more):
    out = tmp_path / "out" / "student.joblib"
    return [str(path), "--target", "label", "--out", str(out), "--jobs", "1", "--quiet", *more]


def test_a_table_is_distilled_into_a_student_that_predicts(table, tmp_path):
    path, X = table

    assert main(arguments(path, tmp_path)) == 0

    student = joblib.load(tmp_path / "out" / "student.joblib")
    assert set(student.predict(X)) <= {"yes", "no"}


def test_the_student_that_is_saved_comes_without_its_teachers(table, tmp_path):
    path, _ = table

    main(arguments(path, tmp_path))

    assert not hasattr(joblib.load(tmp_path / "out" / "student.joblib"), "teacher_")


def test_the_report_compares_teachers_pool_baseline_and_student(table, tmp_path, capsys):
    path, _ = table

    main(arguments(path, tmp_path))

    printed = capsys.readouterr().out
    for name in ("teacher rf", "teacher xgb", "pooled teachers", "same net on labels", "student"):
        assert name in printed
    for column in ("accuracy", "log loss", "calib. error", "size, kB", "µs/row"):
        assert column in printed


def test_rows_without_label_are_left_out(tmp_path, capsys):
    X, y = mixed_table(90)
    frame = X.assign(label=y.astype(object))
    frame.loc[:9, "label"] = None
    frame.to_csv(tmp_path / "train.csv", index=False)

    assert main(arguments(tmp_path / "train.csv", tmp_path)) == 0

    assert "56 rows to train on, 24 held out" in capsys.readouterr().out


def test_bundled_data_are_distilled_without_a_table(tmp_path):
    out = tmp_path / "student.joblib"

    assert main(["--data", "wine", "--out", str(out), "--jobs", "1", "--quiet"]) == 0

    X = load_wine(as_frame=True).data
    np.testing.assert_allclose(joblib.load(out).predict_proba(X).sum(1), 1)


def test_a_picture_of_the_report_is_drawn_when_asked(tmp_path):
    picture = tmp_path / "report.png"

    out = str(tmp_path / "student.joblib")

    main(["--data", "iris", "--out", out, "--picture", str(picture), "--jobs", "1", "--quiet"])

    assert picture.read_bytes().startswith(b"\x89PNG")


def test_single_teachers_are_listed_by_falling_log_loss_before_the_pool(table, tmp_path, capsys):
    path, _ = table

    main(arguments(path, tmp_path))

    lines = capsys.readouterr().out.splitlines()
    losses = [float(line.split()[2]) for line in lines if re.match("teacher [a-z]", line)]
    assert len(losses) == 5
    assert losses == sorted(losses, reverse=True)
    assert [name for line in lines if (name := line.split("  ")[0]) in NAMES] == NAMES


def test_progress_is_printed_unless_quiet(tmp_path, capsys):
    out = str(tmp_path / "student.joblib")

    main(["--data", "iris", "--out", out, "--jobs", "1"])

    printed = capsys.readouterr().out
    assert "teachers: 30 done in" in printed
    assert re.search(r"student: \d+ done in .* s, last: epoch", printed)


def row(name, log_loss, kilobytes, microseconds):
    return Row(name, 0.9, log_loss, 0.02, 0.1, 0.95, kilobytes, microseconds, ([], [], []))


@pytest.mark.parametrize(
    ("student", "sentence"),
    [
        (
            (0.16, 100, 50),
            "On 540 held-out rows, the student is 58 times smaller and 12 times faster than the "
            "pooled teachers, and its log loss is 20% lower than theirs and 2.5 times lower than "
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

    assert conclusion(Report(rows), 540) == sentence


def test_equal_models_are_called_equal():
    same = [row(name, 0.2, 100, 50) for name in NAMES]

    assert conclusion(Report(same), 540) == (
        "On 540 held-out rows, the student is as large and as fast as the pooled teachers, and "
        "its log loss is as high as theirs and as high as that of the same net trained on labels."
    )


def test_a_log_loss_of_zero_is_no_error():
    rows = [row(name, 0.0, 100, 50) for name in NAMES]

    assert "its log loss is as high as theirs" in conclusion(Report(rows), 540)


def test_a_seed_gives_the_same_student_again(tmp_path):
    X, y = mixed_table(90)
    X.assign(label=y).to_csv(tmp_path / "train.csv", index=False)
    answers = []
    for _ in range(2):
        main(arguments(tmp_path / "train.csv", tmp_path, "--seed", "3"))
        student = joblib.load(tmp_path / "out" / "student.joblib")
        answers.append(student.predict_proba(X.astype({"city": "str"})))

    np.testing.assert_array_equal(*answers)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["nowhere.csv", "--target", "label"], "there is no file 'nowhere.csv'"),
        (
            ["train.csv", "--target", "price"],
            "--target is 'price', but must name the column with the labels",
        ),
        (["--target", "label"], "got --target 'label' but no TABLE"),
        (
            ["train.csv", "--target", "label", "--picture", "r.doc"],
            "must end with one of [",
        ),
        (
            ["train.csv"],
            "--target is missing, but must name the column with the labels",
        ),
    ],
    ids=["no file", "no such column", "no table", "no picture", "no target"],
)
def test_an_argument_that_cannot_be_followed_is_an_error_of_one_line(
    given, message, tmp_path, monkeypatch, capsys
):
    X, y = mixed_table(20)
    X.assign(label=y).to_csv(tmp_path / "train.csv", index=False)
    monkeypatch.chdir(tmp_path)

    assert main(given) == 2

    said = capsys.readouterr().err
    assert said.startswith("skdistill: ")
    assert message in said
    assert said.count("\n") == 1


def test_labels_of_one_class_are_an_error_of_one_line(tmp_path, capsys):
    X, _ = mixed_table(40)
    X.assign(label="yes").to_csv(tmp_path / "train.csv", index=False)

    assert main(arguments(tmp_path / "train.csv", tmp_path)) == 2

    assert "at least two classes" in capsys.readouterr().err


def test_the_command_is_there():
    command = [sys.executable, "-m", "skdistill", "nowhere.csv", "--target", "label"]

    run = subprocess.run(command, capture_output=True, text=True)

    assert run.returncode == 2
    assert run.stderr.startswith("skdistill: there is no file 'nowhere.csv': ")
