"""What a notebook shows: bars while it waits, estimators and reports as HTML."""

import json
import re
from types import SimpleNamespace

import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill import (
    CallableTeacher,
    DistilledClassifier,
    Munge,
    NetClassifier,
    StudentNet,
    TableClassifier,
    TableEncoder,
    TeacherEnsemble,
    TensorNet,
    compare,
)
from tests.small import Linear, numeric_rows, quick_classifier, quick_student

CELLS = """
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier
from skdistill import DistilledClassifier, StudentNet, compare

X, y = load_iris(return_X_y=True)
net = StudentNet(max_epochs=100, patience=1, lr=0.5)
clf = DistilledClassifier(
    DecisionTreeClassifier(), net, cv=2, alpha=0.5, augmenter=None, verbose=1, random_state=0
)
clf.fit(X, y)
---
compare({"student": clf}, X, y)
---
import pickle
from skdistill.jobs.progress import Progress

with Progress("teachers", ["a"], 1) as progress:
    assert progress.widget is not None
    assert pickle.loads(pickle.dumps(progress)).widget is None
"""


@pytest.fixture(scope="module")
def notebook():
    """A notebook that a real kernel has run: the outputs of its cells, and its widgets."""
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    for needed in ("ipykernel", "ipywidgets"):
        pytest.importorskip(needed)
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS.split("---")]
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    states = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    return SimpleNamespace(
        outputs=[cell.outputs for cell in notebook.cells],
        widgets=[widget["state"] for widget in states.values()],
    )


@pytest.mark.integration("Jupyter", "tqdm's bars, HTML of models and reports", package="nbclient")
def test_a_notebook_shows_bars_and_html(notebook):
    bars = [each for each in notebook.widgets if each.get("_model_name") == "FloatProgressModel"]
    models, reports, _ = ([each for each in cell if "data" in each] for cell in notebook.outputs)

    assert len(bars) == 3
    assert "text/html" in models[-1]["data"]
    assert "<td>100.00%</td>" in reports[-1]["data"]["text/html"]


def test_a_bar_of_a_training_that_stops_early_is_not_red(notebook):
    bars = [each for each in notebook.widgets if each.get("_model_name") == "FloatProgressModel"]
    epochs = bars[1]

    assert epochs["value"] < 100
    assert epochs["bar_style"] == "success"


def test_a_notebook_gets_no_line_that_redraws_itself(notebook):
    assert not re.search(r"\\r|\\u001b", json.dumps(notebook.outputs))


def test_a_report_is_a_table_of_html_that_links_to_what_it_means():
    X, y = numeric_rows()
    tree = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X, y)

    html = compare({"<tree>": tree, "other": tree}, X, y)._repr_html_()

    assert html.count("<tr>") == 3
    assert "<b>&lt;tree&gt;</b>" in html
    assert "docs/cookbook.md#what-distillation-brought" in html


@pytest.mark.parametrize(
    "estimator",
    [
        CallableTeacher(len, [0, 1]),
        DistilledClassifier(),
        Munge(),
        NetClassifier(StudentNet()),
        StudentNet(),
        TableClassifier(DecisionTreeClassifier()),
        TableEncoder(),
        TeacherEnsemble(),
        TensorNet(Linear),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_the_html_of_an_estimator_links_to_its_docstring(estimator):
    path = type(estimator).__module__.replace(".", "/")

    assert f"github.com/skdistill/skdistill/blob/main/{path}.py" in estimator._repr_html_()


def test_a_subclass_of_a_user_links_nowhere():
    class Mine(DistilledClassifier):
        pass

    assert "Documentation for Mine" not in Mine()._repr_html_()
    assert "Documentation for DistilledClassifier" in DistilledClassifier()._repr_html_()


def test_the_html_of_a_fitted_student_shows_teachers_and_student():
    X, y = numeric_rows()

    html = make_pipeline(StandardScaler(), quick_classifier()).fit(X, y)._repr_html_()

    assert "<label>deep</label>" in html
    assert "StudentNet" in html


@pytest.mark.parametrize(
    ("estimator", "shown"),
    [
        (StudentNet(), "StudentNet()"),
        (StudentNet(lr=0.1).set_params(module__dropout=0.5),
         "StudentNet(lr=0.1, module__dropout=0.5)"),
        (NetClassifier(StudentNet()), "NetClassifier(net=StudentNet())"),
        (DistilledClassifier().set_params(student__lr=0.1),
         "DistilledClassifier(student=StudentNet(lr=0.1))"),
    ],
)  # fmt: skip
def test_a_repr_shows_what_was_set_and_nothing_else(estimator, shown):
    assert repr(estimator) == shown
    assert repr(clone(estimator)) == shown


def test_a_trained_net_is_shown_as_short_as_before():
    X, y = numeric_rows()
    clf = NetClassifier(quick_student(), random_state=0).fit(X, y)

    assert "_params_to_validate" not in repr(clf)
    assert len(repr(clf)) < 200
