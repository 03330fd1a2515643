"""python -m skdistill: distil an ensemble, on your table or on a bundled one."""

import argparse
import os
import sys
import time
from pathlib import Path

BUNDLED = ("digits", "breast_cancer", "wine", "iris")


def main(argv=None):
    """Fit teachers and student, print what was won and lost, save the student."""
    arguments = _parser().parse_args(argv)
    try:
        return run(arguments)
    except (ValueError, TypeError, OSError, ImportError) as error:
        print(f"skdistill: {error}", file=sys.stderr)
        return 2


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m skdistill",
        description="Train a heavy ensemble on a table, distil it into one small net, and "
        "compare them on rows held out.",
    )
    parser.add_argument("table", nargs="?", help="CSV or Parquet file; by default bundled data")
    parser.add_argument("--target", help="the label's column in TABLE")
    parser.add_argument("--data", choices=BUNDLED, default="digits", help="bundled data set")
    parser.add_argument("--out", default="student.joblib", help="where the student goes")
    parser.add_argument("--picture", help="where a picture of the report goes (PNG, SVG, PDF)")
    parser.add_argument("--test-size", type=float, default=0.3, help="share held out to compare")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="fits at once")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quiet", action="store_true", help="only the report")
    return parser


def run(arguments):
    """Do what the command line asks for."""
    import joblib
    from sklearn.base import clone

    from skdistill import DistilledClassifier, NetClassifier, StudentNet, compare

    X, y = _read(arguments)
    out = Path(arguments.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    X_train, X_test, y_train, y_test = _divide(X, y, arguments)
    print(
        f"{len(X_train):,} rows to train on, {len(X_test):,} held out, {X.shape[1]} columns, "
        f"{y.nunique()} classes.\nFitting teachers, then the student …",
        flush=True,
    )

    started = time.perf_counter()
    clf = DistilledClassifier(
        keep_teachers=True,
        n_jobs=arguments.jobs,
        random_state=arguments.seed,
        verbose=0 if arguments.quiet else 1,
    ).fit(X_train, y_train)
    fitted_in = time.perf_counter() - started
    baseline = NetClassifier(clone(StudentNet()), random_state=arguments.seed)
    baseline.fit(X_train, y_train)

    teacher = vars(clf).pop("teacher_")
    report = compare(
        {
            **{f"teacher {one.name}": one for one in teacher.teachers_},
            "pooled teachers": teacher,
            "same net on labels": baseline,
            "student": clf,
        },
        X_test,
        y_test,
        reference="pooled teachers",
    )
    print(f"\nFitted in {fitted_in:.0f} s. On the rows held out:\n\n{report}\n")
    print(_in_words(report))
    gains = clf.teacher_diversity_["marginal_gain"]
    each = ", ".join(f"{name} {gain:.4f}" for name, gain in gains.items())
    print(f"Out of fold, the pool's log loss would be higher without one teacher by: {each}.")
    joblib.dump(clf, out)
    print(f"\nThe student is in {out}: joblib.load({str(out)!r}).predict_proba(X)")
    if arguments.picture:
        report.plot().figure_.savefig(arguments.picture, dpi=150)
        print(f"The picture is in {arguments.picture}")
    return 0


def _divide(X, y, arguments):
    """Rows to train on and rows to compare on, as train_test_split returns them."""
    import pandas as pd
    from sklearn.model_selection import train_test_split

    # A class's only row is for training: nobody could be judged by it.
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
    """The table that was asked for, as (DataFrame, Series)."""
    import pandas as pd

    if arguments.table is None:
        if arguments.target is not None:
            raise ValueError("--target names a column of TABLE, but no TABLE was given.")
        from sklearn import datasets

        bunch = getattr(datasets, f"load_{arguments.data}")(as_frame=True)
        return bunch.data, bunch.target
    path = Path(arguments.table)
    if not path.exists():
        raise ValueError(f"there is no file {str(path)!r}.")
    if path.suffix in (".parquet", ".pq"):
        frame = pd.read_parquet(path)
    else:
        frame = pd.read_csv(path, low_memory=False)  # else a column may be half text
    if arguments.target not in frame.columns:
        raise ValueError(
            f"--target is {arguments.target!r}, but the table's columns are {list(frame.columns)}."
        )
    frame = frame[frame[arguments.target].notna()]
    return frame.drop(columns=arguments.target), frame[arguments.target]


def _in_words(report):
    student, teacher = report["student"], report["pooled teachers"]
    net = report["same net on labels"]
    return (
        f"The student weighs 1/{teacher.kilobytes / student.kilobytes:,.0f} of its teachers and "
        f"answers {teacher.microseconds / student.microseconds:,.0f} times as fast. Its log loss "
        f"is {student.log_loss / teacher.log_loss:.2f} times theirs, and "
        f"{student.log_loss / net.log_loss:.2f} times that of the same net on labels alone."
    )


if __name__ == "__main__":
    sys.exit(main())
