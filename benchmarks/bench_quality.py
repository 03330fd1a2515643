"""Compare the student with its teachers and with the same net trained on labels alone.

    python benchmarks/bench_quality.py                      # the table of docs/results.md
    python benchmarks/bench_quality.py --data magic --seeds 0 1 --rows 4000

Each data set and split compares every teacher, the teachers pooled with fitted and with equal
weights, the same net trained on labels alone, and the student, all with default settings.
Results are added to the JSON after each split, so that a run can be stopped and continued.
`--table` prints the table of the JSON, `--table teachers` that of each single teacher,
`--table summary` the four rows of the README. `draw_quality.py` draws the README's picture.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections import defaultdict
from statistics import geometric_mean

import numpy as np
from common import (
    best_of_teachers,
    by_data,
    equally_weighted,
    load_split,
    machine,
    mean_and_spread,
    measure_splits,
    measured_fit,
    model_of,
    parse_splits,
    without_text,
)
from sklearn.metrics import log_loss

# Training rows: all rows of the small sets (0), and as many of the others as take minutes.
ROWS = dict.fromkeys(["wine", "breast_cancer", "digits"], 0)
MEDIUM = "adult beijing_air covtype credit_default credit_risk diabetes130 eeg_eye heart2020 letter"
ROWS |= dict.fromkeys([*MEDIUM.split(), "magic", "otto", "vehicle_fraud"], 8_000)
ROWS |= {"fashion_mnist": 4_000, "ag_news": 2_000}  # many columns

POOL, EQUAL, LABELS, STUDENT = "pooled teachers", "equal weights", "same net on labels", "student"
BEST = "best teacher"
PHRASES = {
    POOL: "the pooled teachers",
    EQUAL: "the teachers with equal weights",
    BEST: "the best single teacher",
    LABELS: "the same net on labels",
}


FEW_ROWS = 2_000  # of smaller sets, test rows are few and log losses vary


def main():
    """Measure the splits that the JSON lacks, then print the table."""
    arguments = parse_splits(__doc__.splitlines()[0], TABLES, "quality")
    if arguments.smoke:
        run = measure("wine", 0, None, arguments.jobs)
        print(table([run]))
        return
    runs = measure_splits(arguments, ROWS, measure)
    print(TABLES[arguments.table or "all"](runs))


def measure(name, seed, rows, n_jobs):
    """Measure one split of one data set; return a dict for the JSON."""
    from sklearn.base import clone

    from skdistill import DistilledClassifier, NetClassifier, StudentNet, compare

    X_train, X_test, y_train, y_test = load_split(name, seed, rows)
    X_train, X_test = without_text(X_train, X_test)
    clf = DistilledClassifier(random_state=seed, n_jobs=n_jobs, keep_teachers=True)
    teacher, costs = measured_fit(clf, X_train, y_train)
    equal = equally_weighted(teacher)
    equal._calibration = 1.0  # its `sharpness_`: the plain mean of the probabilities
    baseline = NetClassifier(clone(StudentNet()), random_state=seed).fit(X_train, y_train)
    report = compare(
        {
            POOL: teacher,
            **{one.name: one for one in teacher.teachers_},
            EQUAL: equal,
            LABELS: baseline,
            STUDENT: clf,
        },
        X_test,
        y_test,
    )
    run = {
        "data": name,
        "seed": seed,
        "rows": rows,
        "n_train": len(y_train),
        **costs,
        "jobs": n_jobs,
        "majority_log_loss": _of_shares(y_train, y_test),
        "commit": machine()["commit"],
        "alpha": clf.alpha_,
        "candidates": clf.candidates_,
        "teacher_weights": clf.teacher_weights_,
        "sharpness": teacher.sharpness_,
        "models": report.to_dicts(),
    }
    print(f"{name}, seed {seed}: {costs['fit_seconds']:.0f} s\n{report}\n", flush=True)
    return run


def _of_shares(y_train, y_test):
    """Return the log loss of predicting the classes' shares for every row."""
    shares = np.unique(y_train, return_counts=True)[1] / len(y_train)
    return log_loss(y_test, np.tile(shares, (len(y_test), 1)))


def table(runs):
    """Return a Markdown table with one line for each data set, means over its splits."""
    lines = [
        "| data (rows, splits) | shares of the classes | best teacher | equal weights | pooled "
        "teachers | same net on labels | **student** | accuracy: pooled | labels | **student** "
        "| calibration error: pooled | **student** | kB | fit, s |",
        "|---|" + "---:|" * 13,
    ]
    ratios = defaultdict(list)
    for (name, n_train), group in by_data(runs).items():
        loss = {m: [model_of(run, m)["log_loss"] for run in group] for m in _names(group)}
        loss[BEST] = loss[best_of_teachers(group, "log_loss")]
        for m in (POOL, EQUAL, BEST, LABELS):
            ratios[m].append(geometric_mean([a / b for a, b in zip(loss[STUDENT], loss[m])]))
        cells = [
            f"{name} ({n_train:,}, {len(group)})",
            f"{np.mean([run['majority_log_loss'] for run in group]):.4f}",
            *(mean_and_spread(loss[m]) for m in (BEST, EQUAL, POOL, LABELS)),
            f"**{mean_and_spread(loss[STUDENT])}**",
            *(_mean(group, m, "accuracy", ".1%") for m in (POOL, LABELS)),
            f"**{_mean(group, STUDENT, 'accuracy', '.1%')}**",
            _mean(group, POOL, "calibration_error", ".3f"),
            f"**{_mean(group, STUDENT, 'calibration_error', '.3f')}**",
            f"{_mean(group, STUDENT, 'kilobytes', ',.0f')}",
            f"{np.mean([run['fit_seconds'] for run in group]):.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    for m, values in ratios.items():
        lines.append(
            f"\nStudent's log loss over that of {PHRASES[m]}: {geometric_mean(values):.3f} "
            f"(geometric mean; lower on {sum(v < 1 for v in values)} of {len(values)})."
        )
    shares = [run["student_seconds"] / run["fit_seconds"] for run in runs]
    lines.append(
        f"\nThe student's own training, trials included, takes {np.mean(shares):.0%} of the fit on "
        f"average, {max(shares):.0%} at most."
    )
    peak = max(run["peak_megabytes"] for run in runs)  # earlier splits included
    lines.append(f"\nMost memory of one process: {peak / 1000:.1f} GB.")
    return "\n".join(lines)


def table_of_teachers(runs):
    """Return a Markdown table of each teacher's log loss and the student's agreement."""
    teachers = list(runs[0]["teacher_weights"])
    lines = [
        f"| log loss | {' | '.join(teachers)} | Brier score: pooled | **student** "
        "| agreement with the pool: labels | **student** |",
        "|---|" + "---:|" * (len(teachers) + 4),
    ]
    for (name, n_train), group in by_data(runs).items():
        cells = [
            f"{name} ({n_train:,}, {len(group)})",
            *(_mean(group, teacher, "log_loss", ".4f") for teacher in teachers),
            _mean(group, POOL, "brier_score", ".4f"),
            f"**{_mean(group, STUDENT, 'brier_score', '.4f')}**",
            _mean(group, LABELS, "agreement", ".1%"),
            f"**{_mean(group, STUDENT, 'agreement', '.1%')}**",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def summary(runs):
    """Return a Markdown table of four models, means over the larger and the smaller data sets."""
    groups = by_data(runs).values()
    small = [group[0]["n_train"] < FEW_ROWS for group in groups]
    lines = [
        f"| | log loss, {small.count(False)} larger sets | {small.count(True)} small sets | "
        "size | one row |",
        "|---|---:|---:|---:|---:|",
    ]
    for m in (POOL, BEST, LABELS, STUDENT):
        models = [[model_of(run, _called(m, group)) for run in group] for group in groups]
        larger, smaller = (
            geometric_mean([relative_log_loss(g, m) for g, s in zip(groups, small) if s == few])
            for few in (False, True)
        )
        kilobytes, micro = (
            np.median([np.mean([each[key] for each in one]) for one in models])
            for key in ("kilobytes", "microseconds")
        )
        name = {POOL: "teachers, pooled", BEST: "best single teacher"}.get(m, m)
        cells = [name, f"{larger:.3f}", f"{smaller:.3f}"]
        cells += [f"{kilobytes:,.0f} kB", f"{micro / 1000:.1f} ms"]
        lines.append(f"| {' | '.join(f'**{c}**' if m == STUDENT else c for c in cells)} |")
    return "\n".join(lines)


def relative_log_loss(group, m):
    """Return the ratio of log losses, model to pool: the geometric mean over the splits."""
    pairs = [(model_of(run, _called(m, group)), model_of(run, POOL)) for run in group]
    return geometric_mean([one["log_loss"] / pooled["log_loss"] for one, pooled in pairs])


def _called(m, group):
    return best_of_teachers(group, "log_loss") if m == BEST else m


def _names(group):
    return [row["name"] for row in group[0]["models"]]


def _mean(group, name, key, form):
    return format(np.mean([model_of(run, name)[key] for run in group]), form)


TABLES = {"all": table, "teachers": table_of_teachers, "summary": summary}

if __name__ == "__main__":
    main()
