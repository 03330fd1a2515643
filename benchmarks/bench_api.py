"""Measure the API of examples/serving: its disk space, its start and the time of a request.

    python benchmarks/bench_api.py            # installs its Dockerfile's packages afresh, minutes
    python benchmarks/bench_api.py --table    # table of the last run
    python benchmarks/bench_api.py --smoke    # in this environment, a few requests

The steps of the Dockerfile are carried out in a fresh virtual environment. Disk space is what they
add to it, and that of the whole environment: with pip and setuptools, which an image's Python
brings, and without the interpreter. A start is that of a process, to its first answer; the files
were read before. Requests of one row come over loopback, from one client and from four at once.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from common import RESULTS, recorded, save
from served_api import EXAMPLES, ROOT, Client, follow, served

N_STARTS = 15
N_REQUESTS = 2000  # of each client
CLIENTS = (1, 4)


def run(smoke):
    """Measure, and write the JSON unless it is a smoke run."""
    with tempfile.TemporaryDirectory() as folder:
        context, image = Path(folder) / "context", Path(folder) / "image"
        prepare(context)
        if smoke:
            with served(context / EXAMPLES.relative_to(ROOT)) as (client, seconds):
                print(f"{seconds:.2f} s to the first answer,", requests(client.port, 2, 20))
            return
        command, environment = follow(EXAMPLES / "Dockerfile", context, image)
        load = os.getloadavg()[0]
        starts = [one_start(image, command, environment) for _ in range(N_STARTS)]
        wall, cpu = map(statistics.median, zip(*starts))
        with served(image, command, environment) as (client, _):
            times = {str(n): requests(client.port, n, N_REQUESTS) for n in CLIENTS}
        results = {
            "megabytes": {
                "packages": installed_megabytes(image / "venv"),
                "environment": megabytes(image / "venv"),
            },
            "start_s": {"wall": wall, "cpu": cpu, "all": starts},
            "load_average": load,
            "requests_ms": times,
        }
    save("api", results)
    print(table(recorded("api")))


def one_start(image, command, environment):
    """Return the seconds from the start of the API to its first answer, and its processor time."""
    import resource  # Windows has none, and tests import this file

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with served(image, command, environment) as (_, seconds):
        pass
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, cpu


def prepare(context):
    """Lay out a copy of what the Dockerfile needs, with a trained student."""
    context.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, context)
    shutil.copytree(
        ROOT / "skdistill", context / "skdistill", ignore=shutil.ignore_patterns("__pycache__")
    )
    folder = context / EXAMPLES.relative_to(ROOT)
    shutil.copytree(EXAMPLES, folder, ignore=shutil.ignore_patterns("node_modules"))
    subprocess.run([sys.executable, "train.py"], cwd=folder, check=True)


def megabytes(folder):
    """Return the disk space of a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*")) / 1e6


def installed_megabytes(venv):
    """Return the disk space that was added to a virtual environment since it was made."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        return megabytes(venv) - megabytes(Path(folder))


def requests(port, n_clients, n_requests):
    """Return the median and the 99th percentile of the milliseconds of single requests."""

    def ask(_):
        times = []
        with Client(port) as client:
            for i in range(n_requests):
                row = [5 + 0.001 * i, 3.5, 1.4, 0.2]
                start = time.perf_counter()
                status, _ = client.ask([row])
                times.append(1e3 * (time.perf_counter() - start))
                assert status == 200
        return times

    with ThreadPoolExecutor(n_clients) as pool:
        times = [each for times in pool.map(ask, range(n_clients)) for each in times]
    percentiles = statistics.quantiles(times, n=100)
    return {"median": percentiles[49], "p99": percentiles[98]}


def table(results):
    """Return the results as Markdown."""
    start, size = results["start_s"], results["megabytes"]
    lines = [
        "| the API of examples/serving | |",
        "|---|---:|",
        f"| its packages on disk | {size['packages']:.0f} MB |",
        f"| the whole virtual environment, with pip | {size['environment']:.0f} MB |",
        f"| from the start of the process to the first answer, median | {start['wall']:.2f} s |",
        f"| processor time of that, and of the end of the process | {start['cpu']:.2f} s |",
    ]
    for n, ms in results["requests_ms"].items():
        who = "one client" if n == "1" else f"each of {n} clients at once"
        lines.append(
            f"| a request of one row, {who}, median (99th percentile) "
            f"| {ms['median']:.1f} ms ({ms['p99']:.1f}) |"
        )
    return "\n".join(
        [
            *lines,
            "",
            f"Load average on {results['machine']['cores']} cores: {results['load_average']:.1f}.",
        ]
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--smoke", action="store_true", help="in this environment, nothing written")
    parser.add_argument("--table", action="store_true", help="table of the last run")
    chosen = parser.parse_args()
    if chosen.table:
        print(table(json.loads((RESULTS / "api.json").read_text())))
    else:
        run(chosen.smoke)
