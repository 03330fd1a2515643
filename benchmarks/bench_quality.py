"""Is the student as good as its teachers, and better than the same net on labels?

    python benchmarks/bench_quality.py                      # the README's table, an hour or so
    python benchmarks/bench_quality.py --data magic --seeds 0 1 --rows 8000

For each data set and split: every teacher, the teachers pooled with fitted and with equal
weights, the same net trained on labels alone, and the student; all with default settings.
A column of text, as in ag_news, comes as tf-idf of its words.
Results are added to the JSON after each split, so that a run can be stopped and continued.
`--table` prints the table of what is there.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import json
import resource
import time
from collections import defaultdict
from copy import copy
from statistics import geometric_mean

from common import RESULTS, load_split, machine, mean_and_spread, save, without_text

DEFAULT = {"digits": 5, "breast_cancer": 5, "wine": 5, "adult": 1, "letter": 1}

COMPARED = ("pooled teachers", "same net on labels", "student")


def main():
    """Measure what is missing in the JSON, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", default=list(DEFAULT))
    parser.add_argument("--seeds", nargs="+", type=int, help="by default 0 to 4, or 0 if large")
    parser.add_argument("--rows", type=int, help="at most so many rows to train on")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--out", default="quality", help="name of the JSON in results/")
    parser.add_argument("--table", action="store_true", help="only print the table")
    parser.add_argument("--smoke", action="store_true", help="one small split, written nowhere")
    arguments = parser.parse_args()
    if arguments.smoke:
        run = measure("wine", 0, None, arguments.jobs)
        print(table([run]))
        return
    path = RESULTS / f"{arguments.out}.json"
    runs = json.loads(path.read_text())["runs"] if path.exists() else []
    done = {(run["data"], run["seed"], run["rows"]) for run in runs}
    for name in [] if arguments.table else arguments.data:
        seeds = arguments.seeds or range(DEFAULT.get(name, 1))
        for seed in seeds:
            if (name, seed, arguments.rows) not in done:
                runs.append(measure(name, seed, arguments.rows, arguments.jobs))
                save(arguments.out, {"runs": runs})
    print(table(runs))


def measure(name, seed, rows, n_jobs):
    """One split of one data set; a dict for the JSON."""
    from sklearn.base import clone

    from skdistill import DistilledClassifier, NetClassifier, StudentNet, compare

    X_train, X_test, y_train, y_test = load_split(name, seed, rows)
    X_train, X_test = without_text(X_train, X_test)
    started, cpu = time.perf_counter(), _cpu_seconds()
    clf = DistilledClassifier(random_state=seed, n_jobs=n_jobs, keep_teachers=True)
    clf.fit(X_train, y_train)
    seconds, cpu = time.perf_counter() - started, _cpu_seconds() - cpu
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, -1))

    teacher = vars(clf).pop("teacher_")
    equal = copy(teacher)
    equal.weights_ = dict.fromkeys(teacher.weights_, 1 / len(teacher.weights_))
    baseline = NetClassifier(clone(StudentNet()), random_state=seed).fit(X_train, y_train)
    report = compare(
        {
            "pooled teachers": teacher,
            **{one.name: one for one in teacher.teachers_},
            "equal weights": equal,
            "same net on labels": baseline,
            "student": clf,
        },
        X_test,
        y_test,
    )
    run = {
        "data": name,
        "seed": seed,
        "rows": rows,
        "n_train": len(y_train),
        "fit_seconds": seconds,  # the teachers' refit on all rows included
        "fit_cpu_seconds": cpu,
        "jobs": n_jobs,
        "peak_megabytes": peak / 1000,
        "commit": machine()["commit"],
        "alpha": clf.alpha_,
        "candidates": clf.candidates_,
        "teacher_weights": clf.teacher_weights_,
        "models": report.to_dicts(),
    }
    print(f"{name}, seed {seed}: {seconds:.0f} s\n{report}\n", flush=True)
    return run


def _cpu_seconds():
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def table(runs):
    """Markdown: one line a data set, means over its splits."""
    groups = defaultdict(list)
    for run in runs:
        groups[run["data"], run["n_train"]].append(run)
    lines = [
        "| data (rows, splits) | pooled teachers | best teacher | same net on labels | **student** "
        "| accuracy: teachers | labels | **student** | kB: teachers | **student** | fit, s |",
        "|---|" + "---:|" * 10,
    ]
    ratios = defaultdict(list)
    for (name, n_train), group in groups.items():
        of = {m: [_model(run, m) for run in group] for m in COMPARED}
        losses = {m: [row["log_loss"] for row in rows] for m, rows in of.items()}
        names = group[0]["teacher_weights"]
        best = min(([_model(run, t)["log_loss"] for run in group] for t in names), key=sum)
        for m in COMPARED[:2]:
            ratios[m].append(geometric_mean([a / b for a, b in zip(losses["student"], losses[m])]))
        accuracy = [_mean(of[m], "accuracy", ".1%") for m in of]
        size = [_mean(of[m], "kilobytes", ",.0f") for m in ("pooled teachers", "student")]
        seconds = sum(run["fit_seconds"] for run in group) / len(group)
        lines.append(
            f"| {name} ({n_train:,}, {len(group)}) | {mean_and_spread(losses['pooled teachers'])} "
            f"| {mean_and_spread(best)} | {mean_and_spread(losses['same net on labels'])} "
            f"| **{mean_and_spread(losses['student'])}** | {accuracy[0]} | {accuracy[1]} "
            f"| **{accuracy[2]}** | {size[0]} | **{size[1]}** | {seconds:.0f} |"
        )
    for m, values in ratios.items():
        if values:
            lines.append(
                f"\nStudent's log loss over that of the {m}: {geometric_mean(values):.3f} "
                f"(geometric mean; lower on {sum(v < 1 for v in values)} of {len(values)})."
            )
    heaviest = max(runs, key=lambda run: run["peak_megabytes"])
    lines.append(
        f"\nMost memory of one process: {heaviest['peak_megabytes'] / 1000:.1f} GB, for "
        f"{heaviest['data']} with {heaviest['jobs']} jobs; "
        + ", ".join(
            f"{run['data']} {run['peak_megabytes'] / 1000:.1f} GB"
            for run in runs
            if run["n_train"] > 10_000 and run is not heaviest
        )
        + "."
    )
    return "\n".join(lines)


def _model(run, name):
    return next(row for row in run["models"] if row["name"] == name)


def _mean(rows, key, form):
    return format(sum(row[key] for row in rows) / len(rows), form)


if __name__ == "__main__":
    main()
