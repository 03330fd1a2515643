"""The API of examples/serving as a process, in this environment or in that of its Dockerfile."""

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples" / "serving"
COLUMNS = ("sepal_length", "sepal_width", "petal_length", "petal_width")
SECONDS_TO_START = 60


def follow(dockerfile, context, folder):
    """Carry out the steps of a Dockerfile in a fresh virtual environment instead of an image.

    Parameters
    ----------
    dockerfile : Path
    context : Path
        The root from which files are copied.
    folder : Path
        Stands for the image.

    Returns
    -------
    command : list of str
        What the container would run.
    environment : dict of str to str
    """
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL"))}
    environment["PATH"] = f"{folder / 'venv' / 'bin'}{os.pathsep}{environment['PATH']}"
    command: list = []
    for line in dockerfile.read_text().splitlines():
        step, _, rest = line.partition(" ")
        if step == "COPY":
            *sources, target = rest.split()
            for source in sources:
                _copy(context / source, folder / target)
        elif step == "RUN":
            subprocess.run(rest, shell=True, check=True, cwd=folder, env=environment)
        elif step == "ENV":
            environment |= dict(pair.split("=") for pair in rest.split())
        elif step == "CMD":
            command = json.loads(rest)
        elif step not in ("", "#", "FROM", "WORKDIR"):
            raise ValueError(f"{dockerfile} has a step {step!r}, which is not carried out here")
    return command, environment


def _copy(source, target):
    if source.is_dir():  # its content, as Docker does
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


@contextmanager
def served(folder, command=(sys.executable, "-m", "uvicorn", "api:app"), environment=None):
    """Run the API in a folder that holds api.py and the student.

    Yields
    ------
    client : Client
    seconds : float
        From the start of the process to its first answer.
    """
    port = _free_port()
    environment = dict(os.environ if environment is None else environment)
    environment |= {"UVICORN_HOST": "127.0.0.1", "UVICORN_PORT": str(port)}
    start = time.perf_counter()
    process = subprocess.Popen([*command, "--log-level", "warning"], cwd=folder, env=environment)
    try:
        with Client(port) as client:
            while not client.answers():
                if process.poll() is not None or time.perf_counter() - start > SECONDS_TO_START:
                    raise RuntimeError(f"the API does not answer, exit code {process.poll()}")
                time.sleep(0.005)
            yield client, time.perf_counter() - start
    finally:
        process.terminate()
        process.wait()


class Client:
    """Asks the API over one connection; each thread needs one of its own."""

    def __init__(self, port):
        self.port = port
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def answers(self):
        """Tell whether the API predicts yet."""
        try:
            return self.ask([[5.1, 3.5, 1.4, 0.2]])[0] == 200
        except OSError:
            self.connection.close()
            return False

    def ask(self, rows):
        """Return the status and the answer to rows of numbers."""
        return self.post([dict(zip(COLUMNS, map(float, row))) for row in rows])

    def post(self, content):
        """Return the status and the answer to any JSON."""
        headers = {"Content-Type": "application/json"}
        self.connection.request("POST", "/predict", json.dumps(content), headers)
        response = self.connection.getresponse()
        return response.status, json.loads(response.read())


def _free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
