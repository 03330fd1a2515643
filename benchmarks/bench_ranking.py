"""Compare a ranking student with its teachers and with the same net trained on labels alone.

    python benchmarks/bench_ranking.py                  # five splits of mq2008, by query
    python benchmarks/bench_ranking.py --seeds 0 1

Each split compares every teacher, the teachers pooled with fitted and with equal weights,
XGBoost's ranker at its defaults, the same net trained on labels alone by each loss, and the
student, by the mean NDCG@10 of the test queries. Results are added to the JSON after each split,
so that a run can be stopped and continued. `--table` prints the table of the JSON.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import time

import numpy as np
from common import load_split, machine, mean_and_spread, recorded, save

POOL, EQUAL, LABELS, STUDENT = "pooled teachers", "equal weights", "same net on labels", "student"
XGBOOST = "XGBRanker alone"
LOSSES = ("pairwise", "listwise", "listmle", "lambdarank")


def main():
    """Measure the splits that the JSON lacks, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="mq2008", help="a set with the query as its index")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--table", action="store_true", help="only print the table of the JSON")
    parser.add_argument("--smoke", action="store_true", help="one small split, written nowhere")
    arguments = parser.parse_args()
    if arguments.smoke:
        print(table([measure("drawn", 0, drawn_split(), arguments.jobs, effort="low")]))
        return
    runs = recorded("ranking").get("runs", [])
    done = {(run["data"], run["seed"]) for run in runs}
    for seed in [] if arguments.table else arguments.seeds:
        if (arguments.data, seed) not in done:
            split = load_split(arguments.data, seed)
            runs.append(measure(arguments.data, seed, split, arguments.jobs))
            save("ranking", {"runs": runs})
    print(table(runs))


def drawn_split(n_queries=40):
    """Return a small split of rows that are drawn, X and y with their query as the index."""
    import pandas as pd

    rng = np.random.RandomState(0)
    parts = []
    for _ in range(2):
        X = rng.normal(size=(8 * n_queries, 4))
        y = np.digitize(X[:, 0] + rng.normal(size=len(X)), [0, 1])
        qid = pd.Index(np.arange(len(X)) // 8, name="qid")
        parts.append((pd.DataFrame(X, qid), pd.Series(y, qid)))
    (X_train, y_train), (X_test, y_test) = parts
    return X_train, X_test, y_train, y_test


def measure(name, seed, split, n_jobs, effort="default"):
    """Measure one split; return a dict for the JSON."""
    from xgboost import XGBRanker

    from skdistill import DistilledRanker, NetRanker, StudentNet

    (X_train, qid), (X_test, qid_test) = map(_without_index, split[:2])
    y_train, y_test = (y.to_numpy() for y in split[2:])
    started, cpu = time.perf_counter(), _cpu_seconds()
    ranker = DistilledRanker(effort=effort, random_state=seed, n_jobs=n_jobs, keep_teachers=True)
    ranker.fit(X_train, y_train, qid=qid)
    seconds, cpu = time.perf_counter() - started, _cpu_seconds() - cpu

    teacher = ranker.teacher_
    on_labels = {}
    for loss in LOSSES:
        net = NetRanker(StudentNet(), loss, random_state=seed).fit(X_train, y_train, qid=qid)
        on_labels[f"{LABELS}, {loss}"] = net.predict(X_test)
    order = np.argsort(qid, kind="stable")  # XGBoost wants the rows of a query together
    boosted = XGBRanker().fit(X_train.iloc[order], y_train[order], qid=qid[order])
    of_teachers = {one.name: one.predict(X_test) for one in teacher.teachers_}
    scores = {
        POOL: teacher.predict(X_test),
        EQUAL: sum(teacher.slopes_[name] * each for name, each in of_teachers.items()),
        **of_teachers,
        XGBOOST: boosted.predict(X_test),
        **on_labels,
        STUDENT: ranker.predict(X_test),
    }
    run = {
        "data": name,
        "seed": seed,
        "n_train": len(y_train),
        "fit_seconds": seconds,  # includes the refit of the teachers on all rows
        "fit_cpu_seconds": cpu,
        "jobs": n_jobs,
        "commit": machine()["commit"],
        "alpha": ranker.alpha_,
        "candidates": ranker.candidates_,
        "teacher_weights": ranker.teacher_weights_,
        "teacher_scores": ranker.teacher_scores_,
        "ndcg": {name: _ndcg(y_test, each, qid_test) for name, each in scores.items()},
    }
    print(f"{name}, seed {seed}: {seconds:.0f} s, {run['ndcg']}", flush=True)
    return run


def _without_index(X):
    return X.reset_index(drop=True), X.index.to_numpy()


def _ndcg(y, scores, qid):
    from skdistill.tasks.ranking_scores import mean_ndcg

    return mean_ndcg(y, scores, qid)


def _cpu_seconds():
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def table(runs):
    """Return a Markdown table of NDCG@10 by model, and the student's gain over each other."""
    ndcg = {name: np.array([run["ndcg"][name] for run in runs]) for name in runs[0]["ndcg"]}
    student = ndcg[STUDENT]
    lines = ["| model | NDCG@10 | student less it |", "|---|---:|---:|"]
    for name in (STUDENT, *(name for name in ndcg if name != STUDENT)):
        values, gain = ndcg[name], student - ndcg[name]
        less = "" if name == STUDENT else f"{gain.mean():+.4f} ± {_error(gain):.4f}"
        shown = f"**{name}**" if name == STUDENT else name
        lines.append(f"| {shown} | {mean_and_spread(values)} | {less} |")
    seconds = np.mean([run["fit_cpu_seconds"] for run in runs])
    lines.append(
        f"\nMeans of {len(runs)} splits ± their standard deviation; of differences ± the standard "
        f"error. The student reaches {student.mean() / ndcg[POOL].mean():.3f} of the pooled "
        f"teachers' NDCG@10. A fit takes {seconds:.0f} s of the processor."
    )
    return "\n".join(lines)


def _error(values):
    """Return the standard error of a mean; NaN of a single value."""
    return values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")


if __name__ == "__main__":
    main()
