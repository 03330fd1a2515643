"""What the documents say: their code runs, their links lead somewhere, their tables are true."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "benchmarks" / "README.md"]
)
WITH_CODE = ["README.md", "docs/cookbook.md", "docs/tuning.md"]
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


@pytest.mark.parametrize("name", WITH_CODE)
def test_the_code_of_a_document_runs_in_order(name, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib").use("agg")
    monkeypatch.chdir(tmp_path)
    blocks = list(code_blocks((ROOT / name).read_text()))
    assert blocks

    # A module of its own: a class defined in a block must be found again when it is pickled.
    module = type(sys)("a_document")
    monkeypatch.setitem(sys.modules, "a_document", module)
    for block in blocks:
        exec(compile(block, ROOT / name, "exec"), vars(module))


def test_the_student_of_the_readme_is_better_and_smaller_than_its_ensemble():
    table = re.search(r"```text\n +accuracy.*?```", (ROOT / "README.md").read_text(), re.DOTALL)[0]
    ensemble, student = (
        re.search(rf"^{name} +(.*)$", table, re.MULTILINE)[1].replace(",", "").split()
        for name in ("ensemble", "student")
    )

    assert float(student[1]) < float(ensemble[1])
    assert float(student[4]) < float(ensemble[4])


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
