"""Compare skdistill's student with the alternatives, on the same rows.

The rivals need an environment of their own (AutoGluon requires pandas below 3). skdistill
runs in it too, so that the same interpreter measures everything. Install torch first and
name it again in the second command, or AutoGluon's resolver replaces it::

    python -m venv .venv-rivals
    .venv-rivals/bin/pip install torch==2.13.0 -c benchmarks/rivals-constraints.txt
    .venv-rivals/bin/pip install -c benchmarks/rivals-constraints.txt \
        torch==2.13.0 "autogluon.tabular[lightgbm,xgboost,catboost]" "pytabkit[models]" \
        tabtune skorch
    .venv-rivals/bin/pip install --no-deps -e .

    .venv-rivals/bin/python benchmarks/bench_rivals.py --data adult magic --seeds 0 1
    .venv-rivals/bin/python benchmarks/bench_rivals.py --table
    .venv-rivals/bin/python benchmarks/bench_rivals.py --again --rivals skdistill
    python benchmarks/bench_rivals.py --smoke      # the rivals that are installed, a minute

Data come from `load_split` in common.py, which takes a stratified sample of ``--rows`` of the
training part.
CatBoost and LightGBM run at their defaults, RealMLP-TD and TabM-D (of pytabkit) at theirs but
for the log loss: they stop by it, and RealMLP does not smooth the labels.
Each (data, seed, rival) runs in a fresh process and is merged into the JSON when it is
done, so a stopped run can be continued; failures are tried again.

Seconds cover fitting without imports; those of a student include its teachers. Each library
uses its own default number of threads unless OMP_NUM_THREADS is set (1 is better on a busy
machine). The JSON records the threads, and the load when a run started. Runs on another
``--device``, and of several ``--jobs``, have no costs in the tables. Only AutoGluon accepts
a time limit; the table marks other rivals that took longer with ``*``. Probabilities are
clipped at 1e-7, the precision of float32, before the logarithm, so that no rival wins or loses
by its dtype.

A set whose target is a number, such as houses, has runs of the rivals that predict numbers, and
measures of its own, for which there is a JSON of its own::

    .venv-rivals/bin/python benchmarks/bench_rivals.py --numbers --rivals autogluon skdistill
"""

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from importlib import import_module, metadata
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from common import BUNDLED, BUNDLED_NUMBERS, DATA, OPENML, OPENML_NUMBERS, load_split
from rivals import FOR_NUMBERS, RIVALS, STUDENT, Task, installed
from sklearn.preprocessing import LabelEncoder

ROOT = Path(__file__).resolve().parent.parent
NOT_TABLES = {"mq2008", "ag_news", "movielens"}  # ranking, text and recommendation
PACKAGES = ["skdistill", "scikit-learn", "numpy", "pandas", "torch", "xgboost", "skorch"]
PACKAGES += ["autogluon.tabular", "lightgbm", "catboost", "tabtune", "pytabkit"]


# ---- data and metrics


def data_names(*, numbers=False):
    """Return the sets with classes, or those with numbers: the data folder's, or else OpenML's.

    The bundled sets with classes are among them.
    """
    found = [path.stem for path in DATA.glob("*.parquet") if has_numbers(path) == numbers]
    bundled, known = ((), OPENML_NUMBERS) if numbers else (BUNDLED, OPENML)
    return sorted({*bundled, *(found or known)} - NOT_TABLES)


def has_numbers(path):
    """Return whether the target of a Parquet file is of float64, as in regression sets."""
    from pyarrow.parquet import read_schema

    return read_schema(path).field("target").type == "double"


def load_task(name, seed, rows, time_limit):
    """Return the same rows for every rival, with labels 0…k−1, as XGBoost needs them."""
    X, X_test, y, y_test = load_split(name, seed, rows)
    if y.dtype.kind == "f":
        X, X_test = X.reset_index(drop=True), X_test.reset_index(drop=True)
        return Task(X, y.to_numpy(), X_test, y_test.to_numpy(), None, seed, time_limit)
    encoder = LabelEncoder().fit(y)
    X, X_test = X.reset_index(drop=True), X_test.reset_index(drop=True)
    y, y_test = encoder.transform(y), encoder.transform(y_test)
    return Task(X, y, X_test, y_test, len(encoder.classes_), seed, time_limit)


def microseconds_a_row(predict, X, size, *, at_most_s=3.0, repeats=100):
    """Return the median over calls with different rows, without the first call."""
    times, started = [], time.perf_counter()
    for i in range(repeats + 1):
        rows = X.iloc[np.arange(i * size, (i + 1) * size) % len(X)]
        before = time.perf_counter()
        predict(rows)
        times.append(time.perf_counter() - before)
        if i >= 3 and time.perf_counter() - started > at_most_s:
            break
    return 1e6 * statistics.median(times[1:]) / size


def measure(fitted, task):
    """Return the measures of one model, for the JSON."""
    if fitted.predict is None:
        return {"error": "gave no model within the time limit"}
    errors = errors_of_classes if task.n_classes else errors_of_numbers
    cpu, wall = fitted.seconds
    return {
        **errors(np.asarray(fitted.predict(task.X_test), dtype=np.float64), task, fitted.name),
        "cpu_s": float(cpu),
        "wall_s": float(wall),
        "us_one_row": microseconds_a_row(fitted.predict, task.X_test, 1),
        "us_in_1000": microseconds_a_row(fitted.predict, task.X_test, 1000, repeats=10),
        "kilobytes": float(fitted.kilobytes),
    }


def errors_of_classes(proba, task, name):
    """Return log loss, accuracy and calibration error of probabilities."""
    from skdistill import expected_calibration_error

    if proba.shape != (len(task.y_test), task.n_classes):
        raise ValueError(f"{name} returned probabilities of shape {proba.shape}")
    clipped = np.clip(proba, 1e-7, 1)
    clipped /= clipped.sum(axis=1, keepdims=True)
    return {
        "log_loss": float(-np.log(clipped[np.arange(len(proba)), task.y_test]).mean()),
        "accuracy": float(np.mean(proba.argmax(1) == task.y_test)),
        "calibration_error": expected_calibration_error(task.y_test, clipped),
    }


def errors_of_numbers(predicted, task, name):
    """Return RMSE and R² of predicted numbers."""
    if predicted.shape != task.y_test.shape:
        raise ValueError(f"{name} returned predictions of shape {predicted.shape}")
    squared = np.mean((predicted - task.y_test) ** 2)
    return {"rmse": float(np.sqrt(squared)), "r2": float(1 - squared / task.y_test.var())}


# ---- runs, collected in the JSON


def run_one(rival, data, seed, rows, time_limit, device="cpu"):
    """Measure all models of one rival on one task; called in a fresh process."""
    function, imports = RIVALS[rival]
    for module in imports:
        import_module(module)
    task = load_task(data, seed, rows, time_limit)._replace(device=device)
    return {fitted.name: measure(fitted, task) for fitted in function(task)}


def run_apart(key):
    """Call `run_one` in a fresh process, so that no rival affects the next."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            return {"models": pool.submit(run_one, **key).result()}
        except Exception as error:
            traceback.print_exc()
            return {"error": f"{type(error).__name__}: {error}"}


def environment(device="cpu"):
    """Return commit, versions and machine, on which the numbers depend."""

    def version(package):
        try:
            return metadata.version(package)
        except metadata.PackageNotFoundError:
            return None

    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "commit": subprocess.run(git, capture_output=True, text=True).stdout.strip(),
        "python": platform.python_version(),
        "versions": {package: version(package) for package in PACKAGES},
        "machine": f"{platform.system()} {platform.machine()}",
        "processor": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "threads": os.environ.get("OMP_NUM_THREADS", "each library's default"),
        **gpu(device),
    }


def gpu(device):
    """Return the name of a GPU, in a dict that is empty on the processor."""
    if device == "cpu":
        return {}
    import torch

    return {"gpu": torch.cuda.get_device_name(device)}


def run(args):
    """Measure what the JSON lacks, and return all results."""
    out = Path(args.out)
    results = {"environments": [], "runs": []}
    if out.exists():
        results = json.loads(out.read_text())
    here = environment(args.device)
    if here not in results["environments"]:
        results["environments"].append(here)
    able = FOR_NUMBERS if args.numbers else set(RIVALS)
    rivals = args.rivals or [rival for rival in RIVALS if rival in able and installed(rival)]
    limits = {"rows": args.rows, "time_limit": args.time_limit}
    if args.device != "cpu":
        limits["device"] = args.device
    keys = [
        {"data": name, "seed": seed, "rival": rival} | limits
        for name in args.data
        for seed in args.seeds
        for rival in rivals
    ]
    out.parent.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(args.jobs) as pool:
        futures = [pool.submit(run_one_key, key, results, here, args) for key in keys]
        try:
            for future in as_completed(futures):
                future.result()
                whole = out.with_suffix(".part")
                whole.write_text(json.dumps(results, indent=1) + "\n")
                whole.replace(out)
        except BaseException:  # Ctrl-C too
            pool.shutdown(cancel_futures=True)
            raise
    return results


def run_one_key(key, results, here, args):
    """Measure one rival on one task, unless the JSON has it."""
    runs = [run for run in results["runs"] if run.get("device") == key.get("device")]
    old = next((run for run in runs if key.items() <= run.items()), None)
    if old and "models" in old and not args.again:
        return
    print("{data} seed {seed} {rival}".format(**key), flush=True)
    load = os.getloadavg()[0]
    found = run_apart(key)
    if old:
        results["runs"].remove(old)
    where = {"environment": results["environments"].index(here), "load_before": round(load, 1)}
    where |= {"jobs": args.jobs} if args.jobs > 1 else {}
    results["runs"].append({**key, **where, **found})
    for name, model in found.get("models", {}).items():
        values = {k: v if k == "error" else round(v, 4) for k, v in model.items()}
        print("  ", key["data"], name, values, flush=True)


# ---- tables of the JSON

TITLES = {"log_loss": "Log loss", "accuracy": "Accuracy, %", "rmse": "RMSE", "r2": "R²"}
DIGITS = {"log_loss": 4, "accuracy": 2, "r2": 4}


def table(results, rows, time_limit):
    """Return Markdown tables of log loss and accuracy by data set, and of costs."""
    runs = [r for r in results["runs"] if (r["rows"], r["time_limit"]) == (rows, time_limit)]
    models = {}  # {model: {data: [one dict a seed]}}
    for run in runs:
        for model, found in run.get("models", {}).items():
            if "error" not in found:
                is_timed = "device" not in run and "jobs" not in run
                found = {"seed": run["seed"], "is_timed": is_timed, **found}
                models.setdefault(model, {}).setdefault(run["data"], []).append(found)
    names = sorted({name for by_data in models.values() for name in by_data})
    loss, other = metrics_of(models)
    lines = [f"{rows} training rows, time limit {time_limit} s.", "", TITLES[loss]]
    best = best_of(models, "AutoGluon", names)
    with_best = models | ({"best AutoGluon student": best} if best else {})
    lines += by_data_set(with_best, names, loss, won_by_student)
    lines += ["", TITLES[other], *by_data_set(models, names, other, None)]
    lines += ["", "Cost, median over sets (`*`: longer than the time limit on some)", ""]
    lines += as_markdown(
        ["", "CPU s", "wall s", "µs, one row", "µs a row in 1000", "kB"],
        [[model, *costs(runs, time_limit)] for model, runs in timed_runs(models).items()],
    )
    return "\n".join(lines + failures(runs))


def failures(runs):
    """Return the lines that tell which rivals gave no model, and why."""
    lines = []
    for run in runs:
        models = {run["rival"]: run} | run.get("models", {})
        errors = {model: found["error"] for model, found in models.items() if "error" in found}
        for model, error in errors.items():
            lines.append(f"- {model} on {run['data']}, seed {run['seed']}: {error}")
    return ["", "Failed", "", *lines] if lines else []


def metrics_of(models):
    """Return the loss and the other metric of the runs, which are all of one kind."""
    one = next(iter(next(iter(models.values())).values()))[0]
    return ("rmse", "r2") if "rmse" in one else ("log_loss", "accuracy")


def by_data_set(models, names, metric, verdict):
    """Return the lines of a table of one metric, with a column for each data set."""
    header = ["", *names] + (["student better on"] if verdict else [])
    body = []
    for model, by_data in models.items():
        cells = [mean_and_spread(by_data.get(name, []), metric) for name in names]
        body.append([model, *cells] + ([verdict(models, by_data)] if verdict else []))
    return ["", *as_markdown(header, body)]


def mean_and_spread(runs, metric):
    """Return the mean over seeds ± their standard deviation."""
    values = [(100 if metric == "accuracy" else 1) * run[metric] for run in runs]
    if not values:
        return "–"
    mean, digits = statistics.mean(values), DIGITS.get(metric)
    if digits is None:  # in the unit of the target
        digits = max(0, 3 - math.floor(math.log10(mean)))
    spread = f" ±{statistics.stdev(values):,.{digits}f}" if len(values) > 1 else ""
    return f"{mean:,.{digits}f}{spread}"


def mean_loss(runs):
    """Return the mean loss over seeds."""
    return statistics.mean(run["rmse" if "rmse" in run else "log_loss"] for run in runs)


def best_of(models, family, names):
    """Return the runs of a library's best student on each set, chosen on the test rows."""
    students = [model for model in models if model.startswith(family) and "ensemble" not in model]
    runs = {name: [models[m][name] for m in students if name in models[m]] for name in names}
    return {name: min(found, key=mean_loss) for name, found in runs.items() if found}


def won_by_student(models, by_data):
    """Return on how many sets skdistill's student has the lower loss, of the same seeds."""
    ours = models.get(STUDENT, {})
    if by_data is ours:
        return ""
    pairs = [of_shared_seeds(ours[name], by_data[name]) for name in ours.keys() & by_data.keys()]
    pairs = [(our_runs, their_runs) for our_runs, their_runs in pairs if our_runs]
    better = sum(mean_loss(our_runs) < mean_loss(their_runs) for our_runs, their_runs in pairs)
    return f"{better} of {len(pairs)}" if pairs else ""


def of_shared_seeds(*models_runs):
    """Return the runs of each model whose seeds all of them have."""
    seeds = set.intersection(*({run["seed"] for run in runs} for runs in models_runs))
    return [[run for run in runs if run["seed"] in seeds] for runs in models_runs]


def timed_runs(models):
    """Return the runs of each model that were alone, on the processor."""
    runs = {model: [run for each in by.values() for run in each] for model, by in models.items()}
    runs = {model: [run for run in each if run["is_timed"]] for model, each in runs.items()}
    return {model: each for model, each in runs.items() if each}


def costs(runs, time_limit):
    """Return the median costs of a model, as cells."""
    keys = ["cpu_s", "wall_s", "us_one_row", "us_in_1000", "kilobytes"]
    medians = [statistics.median(run[key] for run in runs) for key in keys]
    cells = [f"{value:,.0f}" if value >= 100 else f"{value:.3g}" for value in medians]
    if any(run["wall_s"] > time_limit for run in runs):
        cells[1] += " *"
    return cells


def as_markdown(header, body):
    """Return the lines of a Markdown table."""
    rule = ["---"] + ["---:"] * (len(header) - 1)
    return ["| " + " | ".join(row) + " |" for row in [header, rule, *body]]


def main():
    """Measure the rivals, or print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", nargs="+", metavar="NAME", help="default: all that are found")
    parser.add_argument("--numbers", action="store_true", help="sets whose target is a number")
    parser.add_argument("--rows", type=int, default=8000, help="training rows at most")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--time-limit", type=int, default=600, help="seconds, for AutoGluon")
    parser.add_argument("--rivals", nargs="+", choices=RIVALS, help="default: those installed")
    parser.add_argument("--jobs", type=int, default=1, help="runs at once")
    parser.add_argument("--device", default="cpu", help="of the nets, but AutoGluon's")
    parser.add_argument("--again", action="store_true", help="repeat runs that are in the JSON")
    parser.add_argument("--out", help="JSON; default: rivals.json or rivals_numbers.json")
    parser.add_argument("--table", action="store_true", help="only print the tables of the JSON")
    parser.add_argument("--smoke", action="store_true", help="a tiny run of the installed rivals")
    args = parser.parse_args()
    name = "rivals_numbers.json" if args.numbers else "rivals.json"
    args.out = args.out or str(ROOT / "benchmarks" / "results" / name)
    args.data = args.data or data_names(numbers=args.numbers)
    if args.table:
        print(table(json.loads(Path(args.out).read_text()), args.rows, args.time_limit))
        return
    with tempfile.TemporaryDirectory() as folder:
        if args.smoke:
            args.data = list(BUNDLED_NUMBERS) if args.numbers else ["breast_cancer"]
            args.seeds, args.rows, args.time_limit = [0], 200, 10
            args.out = f"{folder}/smoke.json"
            os.environ["OMP_NUM_THREADS"] = "1"  # faster for tiny nets on a busy machine
        results = run(args)
    if args.smoke:
        print(table(results, args.rows, args.time_limit))
        failed = [run["rival"] for run in results["runs"] if "error" in run]
        sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
