"""Measure what serving a student costs: time per row, start, memory and disk.

    python benchmarks/bench_serving.py            # the first run trains, in minutes
    python benchmarks/bench_serving.py --table    # table and picture of the last run
    python benchmarks/bench_serving.py --smoke    # tiny models, half a minute

Two tasks: 20,000 × 30 numbers with 5 classes, and adult (mixed columns, see `load_split` in
common.py; synthetic in a smoke run). The ensemble is that of
`default_teachers`: a forest of 500 trees, XGBoost and three nets, fitted on all rows. The
student has the default size. It is distilled from one small teacher in a few epochs. That
changes the values of its weights, but neither their number nor the time.

Everything runs in one thread (the script sets OMP_NUM_THREADS=1). The models take turns within
one process, so that other load slows all of them. Each call gets new rows. The results are
medians and 99th percentiles of single calls; start and memory are those of fresh processes.
Compare ratios, not microseconds. Models are stored in build/bench_serving; delete it to train
them again.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from importlib import metadata
from itertools import cycle
from pathlib import Path

import joblib
import numpy as np
from serving_models import (
    ROOT,
    c_student,
    fit_mlp,
    fit_student,
    kept,
    onnx_ensemble,
    task,
    teachers,
    torch_student,
)
from sklearn.ensemble import VotingClassifier

from skdistill import OnnxStudent
from skdistill.serving.forward import softmax

RESULTS = ROOT / "benchmarks" / "results"
PACKAGES = ["skdistill", "numpy", "scikit-learn", "xgboost", "torch", "onnxruntime"]
ROWS = (1, 100, 10_000)


# ---- time


def contenders(name, models, folder):
    """Return {name: function that takes a table and returns the call to time}."""
    import torch

    torch.set_num_threads(1)
    clf, voting = models["student"], models["voting"]
    inputs, student = clf.inputs_, clf.student_
    onnx_student = OnnxStudent(clf.to_onnx())
    ensemble = onnx_ensemble(voting, folder)
    xgb = dict(zip([name for name, _ in voting.estimators], voting.estimators_))["xgb"]
    net = torch_student(clf)
    module = net.module_.eval()

    def fed(one, encoder, X):
        """Encode the inputs before the call, so that only the model is timed."""
        feed = one.feed(X if encoder is None else encoder.transform(X))
        output = [each.name for each in one.session.get_outputs()][1:2]
        return lambda: one.session.run(output, feed)[0]

    def bare(X):
        encoded = inputs.transform(X)
        return lambda: student(encoded)

    def in_torch(X):
        encoded = torch.as_tensor(inputs.transform(X))

        def call():
            with torch.inference_mode():
                return torch.softmax(module(encoded).double(), 1).numpy()

        return call

    def together(X):
        calls = [fed(one, encoder, X) for one, encoder in ensemble.values()]
        return lambda: sum(call() for call in calls) / len(calls)

    found = {
        "student, predict_proba": lambda X: lambda: clf.predict_proba(X),
        "student, bare numpy forward": bare,
        "student, onnxruntime": lambda X: fed(onnx_student, None, X),
        "student, torch": in_torch,
        "student, skorch": lambda X: lambda: softmax(net.predict_proba(inputs.transform(X))),
        "MLPClassifier of its size": lambda X: lambda: models["mlp"].predict_proba(X),
        "XGBoost": lambda X: lambda: xgb.predict_proba(X),
        "XGBoost, onnxruntime": lambda X: fed(*ensemble["xgb"], X),
        "ensemble, onnxruntime": together,
        "ensemble, scikit-learn": lambda X: lambda: voting.predict_proba(X),
    }
    compiled = c_student(clf, folder)
    if compiled is not None and name == "synthetic":

        def in_c(X):
            rows = np.ascontiguousarray(X, dtype=np.float64)
            return lambda: [compiled(row) for row in rows]

        found["student, C"] = in_c
    return found


def time_all(name, models, folder, X, seconds):
    """Return the median and 99th percentile of a call in µs, by contender and rows."""
    calls = contenders(name, models, folder)
    times = {}
    for n in ROWS:
        # Other rows each time: repeated rows would find their paths through the trees in cache.
        tables = [X[i : i + n] for i in range(0, min(len(X), 200 * n), n)]
        prepared = {key: cycle([make(table) for table in tables]) for key, make in calls.items()}
        samples = {key: [] for key in prepared}
        for turns in prepared.values():
            next(turns)()
        started = time.perf_counter()
        while time.perf_counter() - started < seconds or len(min(samples.values(), key=len)) < 5:
            for key, turns in prepared.items():
                # Each turn takes a few milliseconds, but at least one call.
                turn = time.perf_counter_ns()
                while True:
                    call = next(turns)
                    before = time.perf_counter_ns()
                    call()
                    samples[key].append(time.perf_counter_ns() - before)
                    if time.perf_counter_ns() - turn > 5e6:
                        break
        for key, each in samples.items():
            micro = np.array(each) / 1e3
            times.setdefault(key, {})[str(n)] = {
                "median_us": round(float(np.median(micro)), 2),
                "p99_us": round(float(np.quantile(micro, 0.99)), 2),
                "calls": len(micro),
            }
    return times


def limits(clf):
    """Measure the limits of the machine: the time to read the weights and to multiply them."""
    weights = [weight for weight, _ in clf.student_.weights]
    n_bytes = sum(weight.nbytes for weight in weights)
    flops = 2 * sum(weight.size for weight in weights)
    block = np.ones(n_bytes // 4, np.float32)
    read = _best(lambda: block @ block, 2_000) / 2  # it reads two blocks
    A, B = (np.ones((512, 512), np.float32) for _ in range(2))
    per_flop = _best(lambda: A @ B, 50) / (2 * 512**3)
    return {
        "weights_bytes": n_bytes,
        "row_us": round(read * 1e6, 2),
        "rows_per_second": round(1 / (flops * per_flop)),
        "gflops": round(1e-9 / per_flop, 1),
    }


def _best(call, n):
    runs = []
    for _ in range(9):
        started = time.perf_counter()
        for _ in range(n // 9):
            call()
        runs.append((time.perf_counter() - started) / (n // 9))
    return statistics.median(runs)


# ---- starts, memory, disk

_RSS = "import psutil; print(psutil.Process().memory_info().rss / 2**20)"
STARTS = {
    "import sklearn.base and numpy": "import numpy, sklearn.base",
    "import skdistill": "import skdistill",
    "student, joblib": "import joblib, numpy; "
    "joblib.load('student.joblib').predict_proba(numpy.zeros((1, 30)))",
    "student, safetensors": "import numpy, skdistill; "
    "skdistill.load('student.safetensors').predict_proba(numpy.zeros((1, 30)))",
    "student, onnxruntime": "import numpy, onnxruntime; "
    "onnxruntime.InferenceSession('student.onnx').run(None, {'X': numpy.zeros((1, 30), 'f4')})",
    "student, skorch pickle": "import joblib, numpy; inputs, net = joblib.load('skorch.joblib'); "
    "net.predict_proba(inputs.transform(numpy.zeros((1, 30))))",
    "ensemble, joblib": "import joblib, numpy; "
    "joblib.load('voting.joblib').predict_proba(numpy.zeros((1, 30)))",
}


def time_starts(folder, repeats):
    """Measure seconds and megabytes of fresh processes, in turns."""
    seconds = {key: [] for key in STARTS}
    memory = {key: [] for key in STARTS}
    for _ in range(repeats):
        for key, program in STARTS.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", program], check=True, cwd=folder)
            seconds[key].append(time.perf_counter() - started)
    for key, program in STARTS.items():
        out = subprocess.run(
            [sys.executable, "-c", f"{program}; {_RSS}"], check=True, cwd=folder, text=True,
            capture_output=True,
        )  # fmt: skip
        memory[key] = float(out.stdout.split()[-1])
    return {
        key: {
            "seconds": round(statistics.median(seconds[key]), 3),
            "runs": [round(one, 3) for one in seconds[key]],
            "rss_mb": round(memory[key], 1),
        }
        for key in STARTS
    }


def sizes(clf, folder):
    """Return the bytes of the weights, and of ensemble and student on disk."""
    student = clf.student_
    arrays = [array for pair in student.weights for array in pair]
    arrays += [*(student.periodic or ())]
    arrays += [array for array in (student.bins, student.categories) if array is not None]
    files = ["voting.joblib", "student.joblib", "student.safetensors", "student.onnx"]
    found = {name: (folder / name).stat().st_size for name in [*files, "skorch.joblib"]}
    return {"weights in float32": 4 * sum(array.size for array in arrays), **found}


# ---- the report


def run(arguments):
    """Measure both tasks and write JSON, table and picture."""
    results = {"smoke": arguments.smoke, "load_at_start": os.getloadavg(), **machine()}
    for name in ("synthetic", "adult"):
        folder = ROOT / "build" / "bench_serving" / (f"{name}_smoke" if arguments.smoke else name)
        folder.mkdir(parents=True, exist_ok=True)
        X, y, X_test = task(name, arguments.smoke)
        voting = VotingClassifier(teachers(arguments.smoke), voting="soft")
        models = {
            "voting": kept(folder / "voting.joblib", lambda v=voting, X=X, y=y: v.fit(X, y)),
            "student": kept(
                folder / "student.joblib", lambda X=X, y=y: fit_student(X, y, arguments.smoke)
            ),
        }
        clf = models["student"]
        models["mlp"] = fit_mlp(clf, X[:2000], y[:2000])
        clf.save(folder / "student.safetensors")
        clf.to_onnx(folder / "student.onnx")
        joblib.dump((clf.inputs_, torch_student(clf)), folder / "skorch.joblib")
        print(f"timing {name} …", flush=True)
        results[name] = {
            "times": time_all(name, models, folder, X_test, 2 if arguments.smoke else 20),
            "limits": limits(clf),
            "bytes": sizes(clf, folder),
        }
        if name == "synthetic":
            results["starts"] = time_starts(folder, 2 if arguments.smoke else 9)
    if arguments.smoke:
        print(table(results))
        return
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "serving.json").write_text(json.dumps(results, indent=1) + "\n")
    (RESULTS / "serving.md").write_text(table(results) + "\n")
    draw(results, RESULTS / "serving.png")
    print(table(results))


def machine():
    """Return the processor and the versions that the numbers depend on."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = lines[0].partition(":")[2].strip() if lines else cpu
    versions = {name: metadata.version(name) for name in PACKAGES}
    return {"cpu": cpu, "threads": 1, "python": platform.python_version(), "versions": versions}


def figures(results):
    """Return the ratios that have a target, as (name, ratio, target, whether it is met)."""
    S, A = results["synthetic"], results["adult"]

    def us(part, key, n=1):
        return part["times"][key][str(n)]["median_us"]

    ours, mlp = "student, predict_proba", "MLPClassifier of its size"
    bare, onnx = "student, bare numpy forward", "student, onnxruntime"
    ensemble = "ensemble, onnxruntime"
    starts, disk = results["starts"], S["bytes"]
    start, base = starts["student, joblib"], starts["import sklearn.base and numpy"]
    skorch = starts["student, skorch pickle"]
    many = 10_000
    rows = [
        ("one row: predict_proba / bare forward", us(S, ours) / us(S, bare), "≤", 2),
        (f"one row: {ensemble} / predict_proba", us(S, ensemble) / us(S, ours), "≥", 25),
        (f"one row: {mlp} / predict_proba", us(S, mlp) / us(S, ours), "≥", 4),
        ("one DataFrame row: predict_proba / encoder + MLP", us(A, ours) / us(A, mlp), "≤", 1.5),
        (f"10,000 rows: {onnx} / predict_proba", us(S, onnx, many) / us(S, ours, many), "≥", 0.5),
        (
            f"10,000 rows: {ensemble} / predict_proba",
            us(S, ensemble, many) / us(S, ours, many),
            "≥",
            100,
        ),
        ("start: student / import sklearn.base", start["seconds"] / base["seconds"], "≤", 1.3),
        ("start: student / skorch pickle", start["seconds"] / skorch["seconds"], "≤", 1 / 3),
        ("memory after the first prediction, MB", start["rss_mb"], "≤", 200),
        ("disk: ensemble / student", disk["voting.joblib"] / disk["student.joblib"], "≥", 1000),
        (
            "disk: student / its weights",
            disk["student.joblib"] / disk["weights in float32"],
            "≤",
            1.2,
        ),
    ]
    if "student, C" in S["times"]:
        ratio = us(S, ensemble) / us(S, "student, C")
        rows.append((f"one row: {ensemble} / student in C", ratio, "≥", 25))
    return [
        (what, value, f"{sign} {bound:.3g}", value <= bound if sign == "≤" else value >= bound)
        for what, value, sign, bound in rows
    ]


def table(results):
    """Return the results as Markdown."""
    out = [f"{results['cpu']}, one thread; medians (99th percentile).", ""]
    for name in ("synthetic", "adult"):
        part = results[name]
        out += [f"**{name}**", "", "| | 1 row, µs | 100 rows, µs | 10,000 rows, ms | rows/s |"]
        out += ["|---|---:|---:|---:|---:|"]
        for key, times in sorted(part["times"].items(), key=lambda item: item[1]["1"]["median_us"]):
            one, some, many = (times[str(n)] for n in ROWS)
            out.append(
                f"| {key} | {one['median_us']:,.1f} ({one['p99_us']:,.1f}) "
                f"| {some['median_us']:,.0f} ({some['p99_us']:,.0f}) "
                f"| {many['median_us'] / 1e3:,.1f} ({many['p99_us'] / 1e3:,.1f}) "
                f"| {1e10 / many['median_us']:,.0f} |"
            )
        limit = part["limits"]
        out.append(
            f"| limit: weights read, sgemm of {limit['gflops']:.0f} GFLOP/s | {limit['row_us']} "
            f"| | | {limit['rows_per_second']:,} |"
        )
        out += ["", "| on disk | kB |", "|---|---:|"]
        out += [f"| {key} | {size / 1e3:,.0f} |" for key, size in part["bytes"].items()] + [""]
    out += ["| fresh process | seconds | MB |", "|---|---:|---:|"]
    out += [
        f"| {key} | {one['seconds']:.2f} | {one['rss_mb']:.0f} |"
        for key, one in results["starts"].items()
    ]
    out += ["", "| figure | measured | required | |", "|---|---:|---:|---|"]
    out += [
        f"| {what} | {value:,.3g} | {bound} | {'holds' if holds else 'missed'} |"
        for what, value, bound, holds in figures(results)
    ]
    return "\n".join(out)


def draw(results, path):
    """Draw the time for one row and the rows per second of each contender."""
    import matplotlib.pyplot as plt

    times = results["synthetic"]["times"]
    limit = results["synthetic"]["limits"]
    fig, axes = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained", sharey=False)
    for ax, n, label in zip(axes, (1, 10_000), ("µs for one row", "rows per second, of 10,000")):
        value = {key: each[str(n)]["median_us"] for key, each in times.items()}
        if n > 1:
            value = {key: 1e6 * n / each for key, each in value.items()}
        names = sorted(value, key=value.get, reverse=n == 1)
        colors = ["C0" if name.startswith("student") else "0.6" for name in names]
        ax.barh(names, [value[name] for name in names], color=colors)
        plate = {"facecolor": "white", "edgecolor": "none", "pad": 1}
        ax.bar_label(ax.containers[0], fmt="{:,.0f}", fontsize=8, padding=3, bbox=plate)
        ax.axvline(
            limit["row_us"] if n == 1 else limit["rows_per_second"], color="C3", ls="--", zorder=0
        )
        ax.set(xscale="log", xlabel=label)
        ax.margins(x=0.25)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_title("One row: shorter is better")
    axes[1].set_title("Many rows: longer is better")
    fig.supxlabel("dashed: what the machine allows for the student's layers", fontsize=8)
    fig.savefig(path, dpi=130)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--smoke", action="store_true", help="tiny models, nothing written")
    parser.add_argument("--table", action="store_true", help="table and picture of the last run")
    chosen = parser.parse_args()
    if chosen.table:
        last = json.loads((RESULTS / "serving.json").read_text())
        draw(last, RESULTS / "serving.png")
        print(table(last))
    else:
        run(chosen)
