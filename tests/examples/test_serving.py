"""The examples of serving run, and answer what the student does."""

import json
import queue
import re
import shutil
import subprocess
import sys
import threading
import tomllib
from concurrent.futures import ThreadPoolExecutor
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris

import skdistill

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import bench_api
from served_api import COLUMNS, EXAMPLES, ROOT, Client, follow, served

X = load_iris().data[::5]
NODE_MODULES = EXAMPLES / "node_modules"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
# A page that fills the form of index.html in, and reports the answer.
VISITOR = """
<iframe src="index.html"></iframe>
<script>
  const frame = document.querySelector("iframe");
  const report = (text) => fetch("/report", { method: "POST", body: text });
  frame.addEventListener("load", () => {
    const form = frame.contentDocument.forms.flower;
    const row = ROW;
    for (const name in row) form.elements[name].value = row[name];
    frame.contentWindow.addEventListener("unhandledrejection", (e) => report(`${e.reason}`));
    form.requestSubmit();
    const wait = () => {
      const answer = form.elements.answer.value;
      answer ? report(answer) : setTimeout(wait, 20);
    };
    wait();
  });
</script>
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A copy of the examples, with the files that train.py writes."""
    context = tmp_path_factory.mktemp("examples") / "context"
    bench_api.prepare(context)
    return context / "examples" / "serving"


@pytest.fixture(scope="module")
def student(folder):
    return skdistill.load(folder / "student.safetensors")


@pytest.fixture(scope="module")
def api(folder):
    pytest.importorskip("fastapi")
    pytest.importorskip("uvicorn")
    with served(folder) as (client, _):
        yield client


def test_the_api_answers_with_the_students_predictions(api, student):
    status, answers = api.ask(X)

    assert status == 200
    assert_array_equal([each["label"] for each in answers], student.predict(X))
    proba = [list(each["probabilities"].values()) for each in answers]
    assert_allclose(proba, student.predict_proba(X), rtol=1e-6)


@pytest.mark.integration("FastAPI", "an API of one student, many clients", package="fastapi")
def test_the_api_answers_many_clients_at_once_as_it_answers_one(api, student):
    def ask(row):
        with Client(api.port) as client:
            return client.ask([row])[1][0]["probabilities"]

    with ThreadPoolExecutor(8) as pool:
        proba = [list(each.values()) for each in pool.map(ask, X)]

    assert_allclose(proba, [student.predict_proba(row[None])[0] for row in X])


def test_the_api_answers_no_rows_with_none(api):
    assert api.ask([]) == (200, [])


def test_the_api_names_a_column_that_is_missing(api):
    status, answer = api.post([dict.fromkeys(COLUMNS[:3], 1.0)])

    assert status == 422
    assert answer["detail"][0]["loc"][-1] == COLUMNS[3]


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
def test_the_c_program_writes_the_students_predictions(folder, student):
    strict = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-O2"]
    subprocess.run(
        ["gcc", *strict, "main.c", "student.c", "-lm", "-o", "iris"], cwd=folder, check=True
    )
    rows = "\n".join(",".join(map(str, row)) for row in X)

    run = subprocess.run([folder / "iris"], input=rows, capture_output=True, text=True, check=True)

    labels, proba = zip(*(line.split() for line in run.stdout.splitlines()))
    assert_array_equal(labels, student.predict(X))
    assert_allclose(np.array(proba, float), student.predict_proba(X).max(1), atol=2e-6)


@pytest.mark.integration("ONNX Runtime", "a page in the browser (onnxruntime-web)")
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
@pytest.mark.skipif(not NODE_MODULES.exists(), reason="run npm install in examples/serving")
def test_the_page_shows_the_students_prediction(folder, student, tmp_path):
    row = X[13]
    answer = asked_in_chromium(folder, row, tmp_path)

    label, *shown = answer.splitlines()
    proba = student.predict_proba(row[None])[0]
    assert label == student.predict(row[None])[0]
    assert shown == [f"{name}: {100 * p:.2f} %" for name, p in zip(student.classes_, proba)]


def asked_in_chromium(folder, row, profile):
    """What the page says of a row that is typed into its form."""
    if not (folder / "node_modules").exists():
        (folder / "node_modules").symlink_to(NODE_MODULES)
    fill_in = json.dumps(dict(zip(COLUMNS, row)))
    (folder / "visitor.html").write_text(VISITOR.replace("ROW", fill_in))
    reports: queue.Queue = queue.Queue()

    class Handler(SimpleHTTPRequestHandler):
        def do_POST(self):
            reports.put(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), lambda *args: Handler(*args, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/visitor.html"
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
    browser = subprocess.Popen([CHROMIUM, *options, url], stderr=subprocess.DEVNULL)
    try:
        return reports.get(timeout=60)
    finally:
        browser.terminate()
        browser.wait()
        server.shutdown()
        server.server_close()


@pytest.mark.fresh
def test_the_steps_of_the_dockerfile_serve_without_torch(folder, student, tmp_path):
    context = folder.parents[1]
    command, environment = follow(context / "examples/serving/Dockerfile", context, tmp_path)

    with served(tmp_path, command, environment) as (client, _):
        _, answers = client.ask(X)

    assert_array_equal([each["label"] for each in answers], student.predict(X))
    installed = {path.name for path in tmp_path.glob("venv/lib/python*/site-packages/*")}
    assert "onnxruntime" in installed
    assert not {"torch", "skorch", "xgboost"} & installed
    assert bench_api.installed_megabytes(tmp_path / "venv") < 400


def test_the_api_is_given_the_packages_that_predicting_needs():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    ranges = [*project["dependencies"], *extras["serve"], *extras["onnx"], *extras["api"]]
    by_name = {re.match(r"[\w-]+", each)[0]: each for each in ranges}
    lines = (EXAMPLES / "requirements.txt").read_text().splitlines()
    required = [line for line in lines if not line.startswith("#")]

    assert required == [by_name[re.match(r"[\w-]+", line)[0]] for line in required]
