"""Does the student keep the robustness of its teachers on corrupted rows?

    python benchmarks/bench_robustness.py --seeds 0 1       # the tables of docs/robustness.md
    python benchmarks/bench_robustness.py --data magic --seeds 0 --rows 1000

Each data set and split compares every teacher, the pooled teachers, the same net on labels and
the student, all with default settings, on the same corrupted test rows. Results are added to the
JSON after each split. `--table` prints the mean over the sets, `--table sets` the student beside
its teachers on each set, `--table growth` what each model loses against itself.
`draw_robustness.py` draws the picture.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

from statistics import geometric_mean

from common import (
    by_data,
    load_split,
    machine,
    measure_splits,
    measured_fit,
    parse_splits,
)

SETS = "adult beijing_air covtype credit_risk heart2020 letter magic otto"
ROWS = dict.fromkeys(SETS.split(), 2_000)
TEST_ROWS = 1_000
N_REPEATS = 2

POOL, LABELS, STUDENT, BEST = "pooled teachers", "same net on labels", "student", "best teacher"
MODELS = POOL, BEST, LABELS, STUDENT
# The strengths of the table of sets.
MIDDLE = {"noise": 0.5, "missing": 0.2, "swap": 0.2, "shift": 2, "tail": 0.9}
CLEARLY = 1.02  # a ratio to the pool that has grown by more is called less robust


def main():
    """Measure the splits that the JSON lacks, then print the table."""
    arguments = parse_splits(__doc__.splitlines()[0], TABLES, "robustness")
    if arguments.smoke:
        run = measure("wine", 0, None, arguments.jobs, effort="low")
        print(*(each([run]) for each in (table, table_of_sets)), sep="\n\n")
        return
    runs = measure_splits(arguments, ROWS, measure)
    print(TABLES[arguments.table or "all"](runs))


def measure(name, seed, rows, n_jobs, effort="default"):
    """Measure one split of one data set; return a dict for the JSON."""
    from sklearn.base import clone

    from skdistill import DistilledClassifier, NetClassifier, StudentNet, robustness

    X_train, X_test, y_train, y_test = load_split(name, seed, rows)
    X_test, y_test = X_test[:TEST_ROWS], y_test[:TEST_ROWS]
    clf = DistilledClassifier(random_state=seed, n_jobs=n_jobs, keep_teachers=True, effort=effort)
    teacher, costs = measured_fit(clf, X_train, y_train)
    baseline = NetClassifier(clone(StudentNet()), random_state=seed).fit(X_train, y_train)
    models = {POOL: teacher, **{one.name: one for one in teacher.teachers_}, LABELS: baseline}
    result = robustness(clf, X_test, y_test, models=models, n_repeats=N_REPEATS, random_state=seed)
    losses, accuracies = ({model: {} for model in (STUDENT, *models)} for _ in range(2))
    for row in result.rows:
        key = _key(row["corruption"], row["strength"])
        losses[row["model"]][key] = round(row["log_loss"], 5)
        accuracies[row["model"]][key] = round(row["accuracy"], 4)
    print(f"{name}, seed {seed}: {costs['fit_seconds']:.0f} s\n{result}\n", flush=True)
    return {
        "data": name,
        "seed": seed,
        "rows": rows,
        "n_train": len(y_train),
        "n_test": len(y_test),
        **costs,
        "jobs": n_jobs,
        "commit": machine()["commit"],
        "teacher_weights": clf.teacher_weights_,
        "absent": result.absent,
        "log_loss": losses,
        "accuracy": accuracies,
    }


def _key(corruption, strength):
    return f"{corruption} {strength:g}"


CLEAN = _key("none", 0)


def model_in(group, model):
    """Return the name of a model in the runs of a set; the best teacher is that as given."""
    if model != BEST:
        return model
    teachers = group[0]["teacher_weights"]
    return min(teachers, key=lambda name: sum(run["log_loss"][name][CLEAN] for run in group))


def ratio(group, model, key, key_of_pool):
    """Return the log loss of a model over that of the pool: the geometric mean over the splits.

    None where either is absent.
    """
    name = model_in(group, model)
    try:
        return geometric_mean(
            run["log_loss"][name][key] / run["log_loss"][POOL][key_of_pool] for run in group
        )
    except KeyError:
        return None


def mean_ratio(runs, model, key, key_of_pool):
    """Return the geometric mean of `ratio` over the sets that have it."""
    ratios = [ratio(group, model, key, key_of_pool) for group in by_data(runs).values()]
    return geometric_mean([each for each in ratios if each is not None])


def keys_of(runs):
    """Return the corruptions with their strengths, in the order of the measurement."""
    return list(dict.fromkeys(key for run in runs for key in run["log_loss"][POOL]))


def table(runs):
    """Return a Markdown table of mean log losses, relative to the pool on rows as given."""
    lines = [
        f"| corruption, strength | {' | '.join(MODELS[:-1])} | **student** | student over pool "
        "| sets |",
        "|---|" + "---:|" * (len(MODELS) + 2),
    ]
    for key in keys_of(runs):
        groups = [g for g in by_data(runs).values() if ratio(g, STUDENT, key, key) is not None]
        cells = [f"{mean_ratio(runs, model, key, CLEAN):.3f}" for model in MODELS]
        cells[-1] = f"**{cells[-1]}**"
        name = "as given" if key == CLEAN else key
        over_pool = mean_ratio(runs, STUDENT, key, key)
        lines.append(f"| {name} | {' | '.join(cells)} | {over_pool:.3f} | {len(groups)} |")
    return "\n".join(lines)


def table_of_sets(runs):
    """Return a Markdown table of the student's log loss over that of the pool on each set.

    In bold where the ratio is clearly larger than on the rows as given.
    """
    keys = [CLEAN, *(_key(*each) for each in MIDDLE.items())]
    lines = [f"| student over pool | as given | {' | '.join(keys[1:])} |", "|---|" + "---:|" * 6]
    for (name, n_train), group in by_data(runs).items():
        ratios = [ratio(group, STUDENT, key, key) for key in keys]
        cells = ["–" if each is None else f"{each:.3f}" for each in ratios]
        cells = [
            f"**{cell}**" if each is not None and each > CLEARLY * ratios[0] else cell
            for cell, each in zip(cells, ratios)
        ]
        lines.append(f"| {name} ({n_train:,}, {len(group)}) | {' | '.join(cells)} |")
    return "\n".join(lines)


def table_of_growth(runs):
    """Return a Markdown table of how often each model's log loss is that of the rows as given."""
    keys = [_key(*each) for each in MIDDLE.items()]
    models = [POOL, *runs[0]["teacher_weights"], LABELS, STUDENT]
    lines = [f"| times its own log loss | {' | '.join(keys)} |", "|---|" + "---:|" * len(keys)]
    for model in models:
        cells = [f"{_growth(runs, model, key):.2f}" for key in keys]
        cells = [f"**{cell}**" if model == STUDENT else cell for cell in (model, *cells)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _growth(runs, model, key):
    """Return the mean over the sets of a model's log loss, relative to the rows as given."""
    ratios = [
        geometric_mean(run["log_loss"][model][key] / run["log_loss"][model][CLEAN] for run in group)
        for group in by_data(runs).values()
        if all(key in run["log_loss"][model] for run in group)
    ]
    return geometric_mean(ratios)


TABLES = {"all": table, "sets": table_of_sets, "growth": table_of_growth}

if __name__ == "__main__":
    main()
