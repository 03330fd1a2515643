"""python -m skdistill: distill an ensemble, predict with its student, and report on it."""

import argparse
import io
import sys
import time
import warnings
from pathlib import Path
from textwrap import fill

from skdistill.command_line import fitting
from skdistill.command_line.columns import suspects
from skdistill.command_line.outputs import check_out, check_page, check_picture, draw, save_page
from skdistill.command_line.reading import read_table
from skdistill.command_line.students import columns_of, load_student, text_columns
from skdistill.command_line.tasks import TASKS, task_of, task_of_model
from skdistill.effort import EFFORTS
from skdistill.inspection.conclusion import conclusion
from skdistill.inspection.subjects import POOL, STUDENT
from skdistill.jobs.progress import duration
from skdistill.serving.writing import write_whole

BUNDLED = ("digits", "breast_cancer", "wine", "iris", "diabetes")
LINE = 88  # characters in a line of text
DESCRIPTION = """\
Train a heavy ensemble on a table, and distill it into one small net.

  python -m skdistill fit train.csv --target label
  python -m skdistill predict student.joblib new.csv --out predictions.csv
  python -m skdistill report student.joblib test.csv --target label
  python -m skdistill fit pages.csv --target relevance --query query
"""


def main(argv=None, **params):
    """Run a command; parameters are those of the student that `fit` makes."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a name that the console cannot print
    if arguments.command is None:
        parser.print_help()
        return 0
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            return arguments.run(arguments, **params)
    except (ValueError, TypeError, OSError, ImportError) as error:
        print(f"skdistill: {error}", file=sys.stderr)
        return 2


def _show_warning(message, *where, **more):
    print(f"warning: {message}", file=sys.stderr, flush=True)


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m skdistill",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="{fit,predict,report}")
    _add_fit(commands, table := _table_options())
    _add_predict(commands, table)
    _add_report(commands, table)
    return parser


def _table_options():
    """Return the options that all commands have: how a CSV file is written."""
    options = argparse.ArgumentParser(add_help=False)
    group = options.add_argument_group("CSV files, where these are not recognized")
    group.add_argument("--delimiter", help="character between the columns, or tab")
    group.add_argument("--encoding", help="such as utf-8 or cp1252")
    group.add_argument("--decimal", choices=[".", ","], help="character in front of decimals")
    return options


def _add_fit(commands, table):
    text = "Fit teachers and student, save the student, and compare them on held-out rows."
    parser = commands.add_parser("fit", parents=[table], help=text, description=text)
    add = parser.add_argument
    add("table", nargs="?", help="CSV or Parquet file")
    add("--target", metavar="COLUMN", help="column of TABLE to predict")
    add("--task", choices=TASKS, help="what to predict; by default as found")
    add("--query", metavar="COLUMN", help="column of the query in which a row is ranked")
    add("--drop", nargs="+", action="extend", default=[], metavar="COLUMN", help="columns to drop")
    add("--data", choices=BUNDLED, help="bundled data, instead of TABLE")
    add("--out", default="student.joblib", help="file for the student, .joblib or .safetensors")
    add("--picture", help="file for a picture of the report (PNG, SVG, PDF)")
    add("--html", help="file for the whole report, with its pictures (HTML)")
    add(
        "--quantiles", nargs="+", type=float, metavar="Q",
        help="quantiles that a regression student predicts besides, such as 0.05 0.95",
    )  # fmt: skip
    add("--test-size", type=float, default=0.3, help="share of held-out rows")
    add("--teachers", nargs="+", metavar="NAME", help="some of the defaults, such as rf")
    add("--effort", choices=EFFORTS, default="default", help="low is quicker, high better")
    add("--max-time", type=float, metavar="SECONDS", help="time for the fit")
    add("--jobs", type=int, default=-1, help="fits at once; -1 is one for each processor")
    add("--seed", type=int, default=0, help="seed of the split and of all fits")
    add("--quiet", action="store_true", help="print no progress")
    parser.set_defaults(run=fit)


def _add_predict(commands, table):
    text = "Predict classes with probabilities, or numbers with quantiles, of the rows of a table."
    parser = commands.add_parser("predict", parents=[table], help=text, description=text)
    add = parser.add_argument
    add("student", help="file that fit has written; loading a .joblib file executes its code")
    add("table", help="CSV or Parquet file with the columns of fit")
    add("--out", help="CSV file for the predictions; by default they are printed")
    parser.set_defaults(run=predict)


def _add_report(commands, table):
    text = "Measure fitted students, or other models, on the rows of a table that have a target."
    parser = commands.add_parser("report", parents=[table], help=text, description=text)
    add = parser.add_argument
    add("student", nargs="+", help="files that fit or joblib has written")
    add("table", help="CSV or Parquet file with the columns of fit, and the target")
    add("--target", metavar="COLUMN", required=True, help="column of TABLE with the target")
    add("--query", metavar="COLUMN", help="column of the query in which a row is ranked")
    add("--picture", help="file for a picture of the report (PNG, SVG, PDF)")
    add("--html", help="file for the whole report, with its pictures (HTML)")
    parser.set_defaults(run=report)


def fit(arguments, **params):
    """Read the table, fit and save the student, and print the report."""
    started = time.monotonic()
    task, table = _rows_to_fit(arguments)
    out = check_out(arguments.out)
    picture, page = check_picture(arguments.picture, out), check_page(arguments.html, out)
    train, test = fitting.divide(task, table, test_size=arguments.test_size, seed=arguments.seed)
    print(_header(arguments, task, train, test), flush=True)

    teachers, student = fitting.fit(arguments, task, train, **params)
    _save(student, out)  # before anything else can fail
    print(f"Student: {out}", flush=True)

    baseline = fitting.fit_baseline(arguments, task, student, train)
    report = fitting.compare(task, teachers, baseline, student, test)
    told = fill(conclusion(report, len(test.X)), LINE)
    print(f"\n{report}\n\n{fill(task.notes, LINE)}\n\n{told}\n")
    if picture:
        draw(report, picture, highlight=(POOL, STUDENT))
    if page:
        save_page(report, page)
    print(
        f"Done in {duration(time.monotonic() - started)}. Next: python -m skdistill predict {out} "
        "NEW.csv"
    )
    return 0


def _rows_to_fit(arguments):
    """Return the task and the table, the target and the queries apart; say what is odd."""
    if (arguments.table is None) == (arguments.data is None):
        got = "no TABLE" if arguments.table is None else "both TABLE and --data"
        raise ValueError(
            f"got {got}: give a CSV or Parquet file and --target COLUMN, or --data "
            f"{'|'.join(BUNDLED)}. See python -m skdistill fit --help."
        )
    if arguments.data:
        if arguments.target is not None or arguments.drop or arguments.query is not None:
            raise ValueError(
                "--target, --query and --drop belong to a TABLE, not to --data: leave them out."
            )
        from sklearn import datasets

        bunch = getattr(datasets, f"load_{arguments.data}")(as_frame=True)
        task = _task(arguments, bunch.target, arguments.data)
        return task, fitting.Part(bunch.data, bunch.target, {})
    for name, column in (("target", arguments.target), ("query", arguments.query)):
        if column in arguments.drop:
            raise ValueError(f"--drop names the {name} {column!r}: drop other columns.")
    frame = _read(arguments, drop=arguments.drop, target=arguments.target or "")
    table = _part(arguments, frame)
    if not table.X.shape[1]:
        raise ValueError(f"there is no column beside the target {arguments.target!r}.")
    task = _task(arguments, table.y, arguments.target)
    _tell(suspects(table.X))
    return task, table


def _part(arguments, frame):
    """Take the target and, for a ranking, the queries out of a table."""
    target, query = arguments.target, arguments.query
    if query is None:
        return fitting.Part(frame.drop(columns=target), frame[target], {})
    if query == target or query not in frame:
        raise ValueError(
            f"--query {query!r} must be a column of {arguments.table} beside the target "
            f"{target!r}: choose among {[*frame.columns.drop(target)][:20]}."
        )
    if frame[query].isna().any():
        raise ValueError(
            f"--query {query!r} is empty in {frame[query].isna().sum():,} of {len(frame):,} rows: "
            "name the query of each row, or leave these rows out."
        )
    return fitting.Part(frame.drop(columns=[target, query]), frame[target], {"qid": frame[query]})


def _task(arguments, y, name):
    """Return the task of a target, as asked or as found, and say which."""
    asked = arguments.task
    if (asked == "ranking") > (arguments.query is not None):
        raise ValueError(
            "--task ranking ranks the rows of a query: name the column that tells the query of "
            "each row by --query COLUMN."
        )
    if arguments.query is not None:
        if asked not in (None, "ranking"):
            raise ValueError(
                f"--query is for --task ranking, but --task is {asked}: leave one of them out."
            )
        asked = "ranking"
    task, notes = task_of(y, name, asked)
    if arguments.quantiles is not None and task.name != "regression":
        raise ValueError(
            f"--quantiles are of numbers, but {name!r} holds classes: leave --quantiles out, or "
            "name a column of numbers, by --task regression if they are few."
        )
    _tell(notes if arguments.data is None else [])
    return task


def _read(arguments, **options):
    """Read the table of the command line; say what was recognized."""
    layout = {key: getattr(arguments, key) for key in ("delimiter", "encoding", "decimal")}
    frame, notes = read_table(arguments.table, **layout, **options)
    _tell(notes)
    return frame


def _tell(notes):
    for note in notes:
        print(f"note: {note}", file=sys.stderr, flush=True)


def _header(arguments, task, train, test):
    """Describe the data and what the command does with them."""
    name = arguments.table or f"{arguments.data}, bundled with scikit-learn"
    return (
        f"{name}: {train.X.shape[1]} columns, {task.describe(train.y)}, {len(train.X):,} rows "
        f"to train on, {len(test.X):,} held out.\n"
        "The teachers are fitted first. Then the student, one small net, is trained to predict "
        "like them."
    )


def _save(student, out):
    import joblib

    if out.suffix == ".safetensors":
        student.save(out)
        return
    # In memory first: where the disk is full in mid-pickle, Python 3.12 may crash afterwards.
    joblib.dump(student, pickled := io.BytesIO())
    write_whole(out, pickled.getbuffer())


def predict(arguments):
    """Write the predictions of a table's rows as CSV."""
    import pandas as pd

    out = check_out(arguments.out) if arguments.out else None
    model = load_student(arguments.student)
    X = _read(arguments, columns=columns_of(model), text=text_columns(model))
    columns = task_of_model(model).predictions(model, X)
    text = pd.DataFrame(columns).to_csv(index=False)
    if out is None:
        sys.stdout.write(text)
        return 0
    write_whole(out, text.encode())
    print(f"Predictions: {out} ({len(X):,} rows)")
    return 0


def _beside(columns, arguments):
    """Return the columns of a report that are none of the model's: its target and queries."""
    asked = {"target": arguments.target, "query": arguments.query}
    for option, name in asked.items():
        if name in columns:
            raise ValueError(
                f"--{option} is {name!r}, which is one of the columns that the model predicts "
                f"from: name the column of the {option}."
            )
    return [name for name in asked.values() if name is not None]


def report(arguments):
    """Print the measures of fitted models on the rows of a table that have a target."""
    from skdistill import DistillationReport, compare

    picture, page = check_picture(arguments.picture), check_page(arguments.html)
    models = {Path(path).stem: load_student(path) for path in arguments.student}
    if len(models) < len(arguments.student):
        raise ValueError(f"two models have one name, of {list(models)}: rename a file.")
    first = next(iter(models.values()))
    if task_of_model(first).name == "ranking" and arguments.query is None:
        raise ValueError(
            f"{arguments.student[0]!r} ranks the rows of a query: name the column that tells the "
            "query of each row by --query COLUMN."
        )
    columns, text = columns_of(first), text_columns(first)
    if columns is not None:
        columns = [*columns, *_beside(columns, arguments)]
    if hasattr(first, "classes_") and first.classes_.dtype.kind in "UO":
        text = [*text, arguments.target]
    frame = _read(arguments, columns=columns, text=text, target=arguments.target)
    table = _part(arguments, frame)
    if len(models) > 1:
        measured = compare(models, table.X, table.y, **table.of_rows)
    else:
        measured = DistillationReport.from_estimator(first, table.X, table.y, **table.of_rows)
    print(f"{measured}\n\nOn {len(table.X):,} rows of {arguments.table}.")
    if picture:
        draw(measured, picture)
    if page:
        save_page(measured, page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
