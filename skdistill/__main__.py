"""python -m skdistill: distill an ensemble, on your table or on a bundled one."""

import argparse
import io
import os
import sys
from itertools import pairwise
from pathlib import Path
from textwrap import fill

from skdistill.effort import EFFORTS
from skdistill.serving.writing import check_can_write, whole_file, write_whole

BUNDLED = ("digits", "breast_cancer", "wine", "iris")
STUDENT, TEACHERS, BASELINE = "student", "pooled teachers", "same net on labels"
LINE = 88  # characters in a line of text
SAME = 1.01  # ratios within 1 % of one count as equal

NOTES = (
    "Agreement is the share of rows that get the class of the pooled teachers. The time is that "
    "of one row of a DataFrame, predicted alone. The net on labels predicts with torch, the "
    "student with NumPy."
)


def main(argv=None, **params):
    """Print what distillation gained and lost; save the student."""
    arguments = _parser().parse_args(argv)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a name that the console cannot print
    try:
        return run(arguments, **params)
    except (ValueError, TypeError, OSError, ImportError) as error:
        print(f"skdistill: {error}", file=sys.stderr)
        return 2


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m skdistill",
        description="Train a heavy ensemble on a table, distill it into one small net, and "
        "compare them on held-out rows.",
    )
    parser.add_argument("table", nargs="?", help="CSV or Parquet file; by default bundled data")
    parser.add_argument("--target", help="column of TABLE with the labels")
    parser.add_argument("--data", choices=BUNDLED, default="digits", help="bundled data set")
    parser.add_argument("--out", default="student.joblib", help="file for the student")
    parser.add_argument("--picture", help="file for a picture of the report (PNG, SVG, PDF)")
    parser.add_argument("--test-size", type=float, default=0.3, help="share of held-out rows")
    parser.add_argument(
        "--effort", choices=EFFORTS, default="default", help="as in DistilledClassifier"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="fits at once")
    parser.add_argument("--seed", type=int, default=0, help="seed of the split and of all fits")
    parser.add_argument("--quiet", action="store_true", help="print no progress")
    return parser


def run(arguments, **params):
    """Read the table, fit and save the student, and print the report."""
    import joblib

    X, y = _read(arguments)
    out, picture = _check_outputs(arguments)
    split = X_train, X_test, y_train, y_test = _divide(X, y, arguments)
    print(_header(arguments, split), flush=True)

    teachers, student = _fit(arguments, X_train, y_train, **params)
    # In memory first: where the disk is full in mid-pickle, Python 3.12 may crash afterwards.
    joblib.dump(student, pickled := io.BytesIO())
    write_whole(out, pickled.getbuffer())  # before anything else can fail
    print(f"Student: {out} (joblib.load reads it)", flush=True)

    baseline = _fit_baseline(arguments, student, X_train, y_train)
    report = _compare(teachers, baseline, student, X_test, y_test)
    print(f"\n{report}\n\n{fill(NOTES, LINE)}\n\n{fill(conclusion(report, len(X_test)), LINE)}\n")
    if picture:
        display = report.plot(highlight=(TEACHERS, STUDENT))
        with whole_file(picture) as file:
            display.figure_.savefig(file, dpi=150, format=picture.suffix[1:].lower())
        print(f"Picture: {picture}")
    return 0


def _check_outputs(arguments):
    """Check before the fit that the files can be written; return their paths."""
    out = Path(arguments.out)
    if out.suffix == ".safetensors":
        raise ValueError(
            f"--out is {str(out)!r}, but the student is written by joblib: name it .joblib, and "
            "save it as safetensors afterwards, with joblib.load(...).save(...)."
        )
    check_can_write(out)
    if not arguments.picture:
        return out, None
    picture = Path(arguments.picture)
    if not picture.suffix:
        picture = picture.with_name(f"{picture.name}.png")
    _check_picture(picture)
    if picture.resolve() == out.resolve():
        raise ValueError(f"--out and --picture are the same file, {str(out)!r}: name two files.")
    return out, picture


def _header(arguments, split):
    """Describe the data and what the command does with them."""
    X_train, X_test, y_train, _ = split
    name = arguments.table or f"{arguments.data}, bundled with scikit-learn"
    return (
        f"{name}: {X_train.shape[1]} columns, {y_train.nunique()} classes, {len(X_train):,} rows "
        f"to train on, {len(X_test):,} held out.\n"
        "The teachers are fitted first. Then the student, one small net, is trained to predict "
        "like them."
    )


def _fit(arguments, X, y, **params):
    """Fit teachers and student; return both."""
    from skdistill import DistilledClassifier

    clf = DistilledClassifier(
        effort=arguments.effort,
        keep_teachers=True,
        n_jobs=arguments.jobs,
        random_state=arguments.seed,
        verbose=0 if arguments.quiet else 1,
        **params,
    ).fit(X, y)
    # The file holds the student only: unfitted teachers would need torch to be loaded.
    teachers, clf.teachers = vars(clf).pop("teacher_"), None
    return teachers, clf


def _fit_baseline(arguments, clf, X, y):
    """Train the student's net on the labels alone."""
    from sklearn.base import clone

    from skdistill import NetClassifier, StudentNet
    from skdistill.nets.interface import settle

    if not arguments.quiet:
        print("For comparison, the same net is trained on the labels alone.", flush=True)
    net = StudentNet() if clf.student is None else clone(clf.student)
    net = settle(net, effort=EFFORTS[arguments.effort])
    return NetClassifier(net, random_state=arguments.seed).fit(X, y)


def _compare(teachers, baseline, student, X, y):
    """Return the report: single teachers first, sorted from worst to best."""
    from skdistill import compare
    from skdistill.inspection.report import Report

    models = {f"teacher {each.name}": each for each in teachers.teachers_}
    models |= {TEACHERS: teachers, BASELINE: baseline, STUDENT: student}
    rows = compare(models, X, y, reference=TEACHERS).rows
    single = [row for row in rows if row.name not in (TEACHERS, BASELINE, STUDENT)]
    single.sort(key=lambda row: -row.log_loss)
    return Report([*single, *rows[len(single) :]], reference=TEACHERS)


def conclusion(report, n_rows):
    """Summarize in one sentence what distillation gained and lost.

    Parameters
    ----------
    report : Report
        With the models "student", "pooled teachers" and "same net on labels".
    n_rows : int
        Number of held-out rows on which the models were compared.

    Returns
    -------
    sentence : str
    """
    student, teachers, baseline = report[STUDENT], report[TEACHERS], report[BASELINE]
    size = student.kilobytes / teachers.kilobytes
    speed = teachers.microseconds / student.microseconds
    # The table shows four digits; smaller losses count as equal.
    loss, *others = (max(row.log_loss, 1e-4) for row in (student, teachers, baseline))
    of_teachers, of_labels = (loss / other for other in others)
    gains = [size < SAME, speed > 1 / SAME, of_teachers < SAME, of_labels < SAME]
    turns = [one != next_one for one, next_one in pairwise(gains)]
    smaller, than = _change(size, "larger", "smaller", "large")
    faster, than_too = _change(speed, "faster", "slower", "fast")
    return (
        f"On {n_rows:,} held-out rows, the student is {smaller}"
        f"{'' if than == than_too else f' {than}'} {'but' if turns[0] else 'and'} "
        f"{faster} {than_too} the pooled teachers, {'but' if turns[1] else 'and'} its log loss is "
        f"{' '.join(_change(of_teachers, 'higher', 'lower', 'high'))} theirs"
        f"{', though' if turns[2] else ' and'} "
        f"{' '.join(_change(of_labels, 'higher', 'lower', 'high'))} that of the same net trained "
        "on labels."
    )


def _change(ratio, up, down, same):
    """Spell a ratio: ("18 times faster", "than"), ("40% larger", "than") or ("as high", "as")."""
    from skdistill.inspection.displays import spell_ratio

    if 1 / SAME < ratio < SAME:
        return f"as {same}", "as"
    word, times = (up, ratio) if ratio > 1 else (down, 1 / ratio)
    in_percent = times < 2 or (word == "lower" and times < 100)  # "3 times lower" reads two ways
    size = f"{abs(ratio - 1):.0%}" if in_percent else f"{spell_ratio(times)} times"
    return f"{size} {word}", "than"


def _divide(X, y, arguments):
    """Split the rows with `train_test_split`; a class of one row stays in the training part."""
    import pandas as pd
    from sklearn.model_selection import train_test_split

    single = y.map(y.value_counts()) == 1
    X_train, X_test, y_train, y_test = train_test_split(
        X[~single],
        y[~single],
        test_size=arguments.test_size,
        random_state=arguments.seed,
        stratify=y[~single],
    )
    X_train, y_train = pd.concat([X_train, X[single]]), pd.concat([y_train, y[single]])
    return X_train, X_test, y_train, y_test


def _read(arguments):
    """Read the requested table; return (DataFrame, Series)."""
    import pandas as pd

    if arguments.table is None:
        if arguments.target is not None:
            raise ValueError(
                f"got --target {arguments.target!r} but no TABLE: give the path of a CSV or "
                "Parquet file, or leave --target out to use bundled data."
            )
        from sklearn import datasets

        bunch = getattr(datasets, f"load_{arguments.data}")(as_frame=True)
        return bunch.data, bunch.target
    path = Path(arguments.table)
    if not path.exists():
        raise ValueError(f"there is no file {str(path)!r}: give the path of a CSV or Parquet file.")
    if path.suffix in (".parquet", ".pq"):
        frame = pd.read_parquet(path)
    else:
        frame = pd.read_csv(path, low_memory=False)  # chunks could mix dtypes in a column
    if arguments.target not in frame.columns:
        got = "is missing" if arguments.target is None else f"is {arguments.target!r}"
        raise ValueError(
            f"--target {got}, but must name the column with the labels: choose among "
            f"{list(frame.columns)}."
        )
    frame = frame[frame[arguments.target].notna()]
    return frame.drop(columns=arguments.target), frame[arguments.target]


def _check_picture(path):
    """Check that a picture can be drawn and written."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "--picture needs matplotlib: pip install 'skdistill[plot]', or leave --picture out."
        ) from error
    known = sorted(Figure().canvas.get_supported_filetypes())
    if path.suffix[1:].lower() not in known:
        raise ValueError(f"--picture is {str(path)!r}, but must end with one of {known}.")
    check_can_write(path)


if __name__ == "__main__":
    sys.exit(main())
