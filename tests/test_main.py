"""python -m skdistill, with default teachers and student made small."""

import io
import re
import subprocess
import sys
from contextlib import redirect_stdout
from types import SimpleNamespace

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_wine

from skdistill import NetClassifier, StudentNet, TeacherEnsemble
from skdistill.__main__ import conclusion, main
from skdistill.inspection.report import Report, Row
from tests.small import full_disk, mixed_table, small_default_teachers, two_trees

NAMES = ["pooled teachers", "same net on labels", "student"]


def distill(*arguments):
    """Run the command with the default teachers and student made small."""
    params = {"teachers": small_default_teachers(), "student": StudentNet(max_epochs=3), "cv": 2}
    return main([*map(str, arguments), "--jobs", "1"], **params)


def write_table(path, X, y):
    frame = X.assign(label=y)
    frame.to_csv(path, index=False) if path.suffix == ".csv" else frame.to_parquet(path)
    return path


@pytest.fixture(scope="module", params=["csv", "parquet"])
def outcome(request, tmp_path_factory):
    """What the command makes of a mixed table: its student, rows, and what it prints."""
    folder = tmp_path_factory.mktemp("table")
    X, y = mixed_table(90)
    table, out = write_table(folder / f"train.{request.param}", X, y), folder / "out" / "student"
    with redirect_stdout(io.StringIO()) as printed:
        assert distill(table, "--target", "label", "--out", out, "--quiet") == 0
    return SimpleNamespace(student=joblib.load(out), X=X, printed=printed.getvalue())


@pytest.fixture(scope="module")
def bundled(tmp_path_factory):
    """What the command makes of bundled data, with a picture and its progress."""
    folder = tmp_path_factory.mktemp("bundled")
    out, picture = folder / "student.joblib", folder / "report.png"
    with redirect_stdout(io.StringIO()) as printed:
        assert distill("--data", "wine", "--out", out, "--picture", picture) == 0
    return SimpleNamespace(
        student=joblib.load(out), picture=picture.read_bytes(), printed=printed.getvalue()
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


def test_rows_without_label_are_left_out(tmp_path, capsys):
    X, y = mixed_table(90)
    y = np.where(np.arange(90) < 10, None, y.astype(object))
    table = write_table(tmp_path / "train.csv", X, y)

    assert distill(table, "--target", "label", "--out", tmp_path / "student", "--quiet") == 0

    assert "56 rows to train on, 24 held out" in capsys.readouterr().out


def test_bundled_data_are_distilled_without_a_table(bundled):
    X = load_wine(as_frame=True).data

    np.testing.assert_allclose(bundled.student.predict_proba(X).sum(1), 1)


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
    return Row(name, 0.9, log_loss, 0.02, 0.1, 0.95, kilobytes, microseconds, ([], [], []))


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
            ["train.csv", "--target", "price"],
            "--target is 'price', but must name the column with the labels",
        ),
        (["--target", "label"], "got --target 'label' but no TABLE"),
        (
            ["train.csv", "--target", "label", "--picture", "r.doc"],
            "must end with one of [",
        ),
        (["train.csv", "--target", "label", "--out", "folder"], "'folder' is a folder"),
        (["train.csv", "--target", "label", "--picture", "folder.png"], "'folder.png' is a folder"),
        (["train.csv", "--target", "label", "--picture", "train.csv/r.png"], "train.csv"),
        (["train.csv", "--target", "label", "--out", "s.safetensors"], "written by joblib"),
        (
            ["train.csv", "--target", "label", "--out", "r.png", "--picture", "./r.png"],
            "are the same file",
        ),
        (["dates.parquet", "--target", "label"], "Column 'when' holds dates"),
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
    X.assign(label=y).to_csv(tmp_path / "train.csv", index=False)
    dates = pd.date_range("2020", periods=len(X))
    X.assign(label=y, when=dates).to_parquet(tmp_path / "dates.parquet")
    for name in ("folder", "folder.png"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(TeacherEnsemble, "fit_soft_targets", None)  # no teacher may be fitted

    assert main(given) == 2

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
    command = [sys.executable, "-m", "skdistill", "nowhere.csv", "--target", "label"]

    run = subprocess.run(command, capture_output=True, text=True)

    assert run.returncode == 2
    assert run.stderr.startswith("skdistill: there is no file 'nowhere.csv': ")


def distill_quickly(*arguments):
    """Run the command with two small trees as teachers."""
    params = {"teachers": two_trees(), "student": StudentNet(max_epochs=3), "cv": 2}
    return main([*map(str, arguments), "--jobs", "1", "--quiet"], **params)


@pytest.mark.parametrize("encoding", ["cp932", "gbk", "ascii"])
def test_a_console_of_few_characters_shows_the_report(tmp_path, encoding):
    out = tmp_path / "élève.joblib"
    with redirect_stdout(io.TextIOWrapper(io.BytesIO(), encoding=encoding)) as console:
        assert distill_quickly("--data", "wine", "--out", out) == 0
        console.flush()

    assert b"pooled teachers" in console.buffer.getvalue()
    assert out.exists()


def test_the_report_is_in_ascii():
    assert str(Report([row(name, 0.2, 100, 50) for name in NAMES])).isascii()


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

    command = ["--data", "wine", "--effort", "low", "--out", str(out), "--jobs", "1", "--quiet"]
    assert main(command) == 0

    assert "teacher mlp " not in capsys.readouterr().out
    student = joblib.load(out)
    assert student.teachers is None
    assert list(student.teacher_weights_) == ["xgb", "mlp_bins"]
