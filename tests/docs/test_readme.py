"""What the documents say: their code runs, their links lead somewhere, their tables are true."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/*.md", "benchmarks/*.md", "examples/*/*.md")
    for path in ROOT.glob(pattern)
)
WITH_CODE = [
    "SECURITY.md",
    "docs/cookbook.md",
    "docs/how_it_works.md",
    "docs/robustness.md",
    "docs/scaling.md",
    "docs/shipping.md",
    "docs/start.md",
    "docs/teachers.md",
    "docs/tuning.md",
    "docs/when_not_to_distill.md",
]
NEED_MORE = {
    "docs/accelerate.md": ["accelerate"],
    "docs/engines.md": ["distributed", "ray"],
    "docs/mlflow.md": ["mlflow"],
    "docs/tensorboard.md": ["tensorboard"],
}
CODE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def code_blocks(text):
    """Each block, moved down to its line, so that a traceback names the document's lines."""
    for found in CODE.finditer(text):
        yield "\n" * (text.count("\n", 0, found.start()) + 1) + found[1]


def anchors(text):
    """What GitHub makes of the headings."""
    headings = HEADING.findall(FENCED.sub("", text))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def run(name, tmp_path, monkeypatch):
    """Run the blocks of a document in one namespace, in order and in an empty folder."""
    pytest.importorskip("matplotlib").use("agg")
    monkeypatch.chdir(tmp_path)
    # A module of its own: a class defined in a block must be found again when it is pickled.
    module = type(sys)("a_document")
    monkeypatch.setitem(sys.modules, "a_document", module)
    blocks = list(code_blocks((ROOT / name).read_text()))
    assert blocks
    for block in blocks:
        exec(compile(block, ROOT / name, "exec"), vars(module))


def log_losses_and_sizes(text):
    """Of the last table that `compare` printed, by model."""
    table = text[text.rindex("log loss  accuracy") :]
    rows = re.findall(r"^(\w+) +([\d.]+) +[\d.]+% .* ([\d,]+) +[\d,]+$", table, re.MULTILINE)
    return {name: (float(loss), float(kb.replace(",", ""))) for name, loss, kb in rows}


def test_the_code_of_the_readme_prints_what_it_shows(tmp_path, monkeypatch, capsys):
    run("README.md", tmp_path, monkeypatch)

    shown = log_losses_and_sizes((ROOT / "README.md").read_text())
    printed = log_losses_and_sizes(capsys.readouterr().out)
    assert shown.keys() == printed.keys() == {"ensemble", "student"}
    for name, (loss, kilobytes) in shown.items():
        # Other versions and processors give other digits.
        assert printed[name][0] == pytest.approx(loss, abs=0.03)
        assert printed[name][1] == pytest.approx(kilobytes, rel=0.3)


@pytest.mark.parametrize("name", WITH_CODE)
def test_the_code_of_a_document_runs(name, tmp_path, monkeypatch):
    run(name, tmp_path, monkeypatch)


@pytest.mark.filterwarnings("default")  # those of the packages
@pytest.mark.parametrize("name", NEED_MORE)
def test_the_code_of_a_document_runs_where_its_packages_are(name, tmp_path, monkeypatch):
    for package in NEED_MORE[name]:
        pytest.importorskip(package, reason=f"the code of {name} needs {package}")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    run(name, tmp_path, monkeypatch)


def test_the_readme_is_one_page():
    assert len((ROOT / "README.md").read_text().split()) <= 900


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_and_pictures_of_a_document_exist(name):
    document = ROOT / name
    links = LINK.findall(FENCED.sub("", document.read_text()))
    missing = []
    for link in links:
        path, _, anchor = link.partition("#")
        if "://" in link or link.startswith("mailto:"):
            continue
        target = document.parent / path if path else document
        if not target.exists() or (anchor and anchor not in anchors(target.read_text())):
            missing.append(link)

    assert not missing


def test_tables_are_what_the_json_files_say():
    command = [sys.executable, "benchmarks/make_tables.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
