"""Compare a student that predicts numbers with its teachers, and with the same net without them.

    python benchmarks/bench_regression.py                   # all sets, three splits
    python benchmarks/bench_regression.py --data houses --seeds 0 --rows 1000

Each data set and split compares every teacher, the teachers pooled with fitted and with equal
weights, the same net trained on targets alone, and the student, all with default settings.
XGBoost is the teacher of that name, fitted on all rows with early stopping. Results are added to
the JSON after each split, so that a run can be stopped and continued. `--table` prints the table
of the JSON, `--table teachers` that of each single teacher.
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
)

SETS = ["houses", "cpu_act", "pol", "house_16h", "diamonds", "ames"]
ROWS = dict.fromkeys(SETS, 8_000)  # training rows at most
POOL, EQUAL, TARGETS, STUDENT = (
    "pooled teachers", "equal weights", "same net on targets", "student",
)  # fmt: skip
BEST, XGBOOST = "best teacher", "xgb"
PHRASES = {
    POOL: "the pooled teachers",
    EQUAL: "the teachers with equal weights",
    BEST: "the best single teacher",
    XGBOOST: "XGBoost",
    TARGETS: "the same net on targets",
}


def main():
    """Measure the splits that the JSON lacks, then print the table."""
    arguments = parse_splits(__doc__.splitlines()[0], TABLES, "regression")
    if arguments.smoke:
        print(table([measure("diabetes", 0, None, arguments.jobs)]))
        return
    runs = measure_splits(arguments, ROWS, measure)
    print(TABLES[arguments.table or "all"](runs))


def measure(name, seed, rows, n_jobs):
    """Measure one split of one data set; return a dict for the JSON."""
    from skdistill import DistilledRegressor, compare

    X_train, X_test, y_train, y_test = load_split(name, seed, rows)
    reg = DistilledRegressor(random_state=seed, n_jobs=n_jobs, keep_teachers=True)
    teacher, costs = measured_fit(reg, X_train, y_train)
    baseline = reg._on_labels().fit(X_train, y_train)
    report = compare(
        {
            POOL: teacher,
            **{one.name: one for one in teacher.teachers_},
            EQUAL: equally_weighted(teacher),
            TARGETS: baseline,
            STUDENT: reg,
        },
        X_test,
        y_test,
    )
    print(f"{name}, seed {seed}: {costs['fit_seconds']:.0f} s\n{report}\n", flush=True)
    return {
        "data": name,
        "seed": seed,
        "rows": rows,
        "n_train": len(y_train),
        **costs,
        "jobs": n_jobs,
        "rmse_of_mean": float(np.sqrt(np.mean((y_test - y_train.mean()) ** 2))),
        "commit": machine()["commit"],
        "alpha": reg.alpha_,
        "candidates": reg.candidates_,
        "teacher_weights": reg.teacher_weights_,
        "models": report.to_dicts(),
    }


def table(runs):
    """Return a Markdown table with one line for each data set, means over its splits."""
    lines = [
        "| RMSE on data (rows, splits) | mean of y | XGBoost | best teacher | equal weights | "
        "pooled teachers | same net on targets | **student** | R²: pooled | targets | "
        "**student** | kB | one row, µs | fit, CPU s |",
        "|---|" + "---:|" * 13,
    ]
    ratios = defaultdict(list)
    for (name, n_train), group in by_data(runs).items():
        loss = _losses(group)
        for m in PHRASES:
            ratios[m].append(geometric_mean([a / b for a, b in zip(loss[STUDENT], loss[m])]))
        of_mean = [run["rmse_of_mean"] for run in group]
        form = _form(of_mean[0])
        cells = [
            f"{name} ({n_train:,}, {len(group)})",
            format(np.mean(of_mean), form),
            *(mean_and_spread(loss[m], form) for m in (XGBOOST, BEST, EQUAL, POOL, TARGETS)),
            f"**{mean_and_spread(loss[STUDENT], form)}**",
            *(_mean(group, m, "r2", ".4f") for m in (POOL, TARGETS)),
            f"**{_mean(group, STUDENT, 'r2', '.4f')}**",
            *(_mean(group, STUDENT, key, ",.0f") for key in ("kilobytes", "microseconds")),
            f"{np.mean([run['fit_cpu_seconds'] for run in group]):.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    for m, values in ratios.items():
        lines.append(
            f"\nStudent's RMSE over that of {PHRASES[m]}: {geometric_mean(values):.3f} "
            f"(geometric mean; lower on {sum(v < 1 for v in values)} of {len(values)})."
        )
    return "\n".join(lines)


def table_of_teachers(runs):
    """Return a Markdown table of each teacher's RMSE and the student's agreement."""
    teachers = list(runs[0]["teacher_weights"])
    lines = [
        f"| RMSE | {' | '.join(teachers)} | agreement with the pool, R²: targets | **student** |",
        "|---|" + "---:|" * (len(teachers) + 2),
    ]
    for (name, n_train), group in by_data(runs).items():
        form = _form(group[0]["rmse_of_mean"])
        cells = [
            f"{name} ({n_train:,}, {len(group)})",
            *(_mean(group, teacher, "rmse", form) for teacher in teachers),
            _mean(group, TARGETS, "agreement", ".4f"),
            f"**{_mean(group, STUDENT, 'agreement', '.4f')}**",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _losses(group):
    """Return the RMSE of each model on each split of a data set."""
    names = [row["name"] for row in group[0]["models"]]
    loss = {m: [model_of(run, m)["rmse"] for run in group] for m in names}
    return loss | {BEST: loss[best_of_teachers(group, "rmse")]}


def _form(scale):
    """Return the format of an RMSE with four digits or so, in the unit of the target."""
    decimals = max(0, 3 - int(np.floor(np.log10(scale))))
    return f",.{decimals}f"


def _mean(group, name, key, form):
    return format(np.mean([model_of(run, name)[key] for run in group]), form)


TABLES = {"all": table, "teachers": table_of_teachers}

if __name__ == "__main__":
    main()
