"""A report as a model card of the Hugging Face Hub: YAML, then Markdown."""

import json

from skdistill.inspection.conclusion import conclusion
from skdistill.inspection.facts import student_cells, teacher_cells
from skdistill.inspection.subjects import STUDENT
from skdistill.inspection.tables import markdown_table

TAGS = ["knowledge-distillation", "skdistill"]
# Measures of the front matter, by their names on the Hub.
METRICS = {
    "accuracy": "accuracy",
    "log_loss": "log_loss",
    "roc_auc": "roc_auc",
    "brier_score": "brier_score",
    "rmse": "rmse",
    "mae": "mae",
    "r2": "r_squared",
    "ndcg": "ndcg_at_10",
}


def model_card(report, *, name=None, dataset=None, license=None):
    """Return the model card of a report's student.

    Parameters
    ----------
    report : DistillationReport
    name, dataset, license : str, default=None
        See `DistillationReport.to_model_card`.

    Returns
    -------
    card : str
    """
    facts = report.facts
    name = facts.get("estimator", "Models") if name is None else name
    n_rows = facts.get("test_rows") or (report.predictions and len(report.predictions))
    on = "" if dataset is None else f" of {dataset}"
    measured = f"Measured on {n_rows:,} held-out rows{on}." if n_rows else ""
    results = [measured, markdown_table(report._model_cells())]
    sections = [
        f"# {name}",
        _description(report, n_rows),
        "## Results",
        *results,
        _section("The student", student_cells(facts)),
        _section("Teachers", teacher_cells(facts)),
    ]
    front = front_matter(report, name, dataset, license)
    return front + "\n" + "\n\n".join(part for part in sections if part) + "\n"


def _description(report, n_rows):
    """Return what the model is, and what distillation brought."""
    sentences = []
    if report.facts.get("teachers"):
        names = [name for name, known in report.facts["teachers"].items() if "weight" in known]
        of = f" of {len(names)} teachers" if len(names) > 1 else ""
        sentences.append(
            f"A small model for {report.facts['task']}, distilled by "
            f"[skdistill](https://github.com/skdistill/skdistill) from an ensemble{of}."
        )
    told = conclusion(report, n_rows) if n_rows else ""
    return " ".join([*sentences, *([told] if told else [])])


def _section(title, cells):
    return f"## {title}\n\n{markdown_table(cells)}" if len(cells) > 1 else ""


def front_matter(report, name, dataset, license):
    """Return the YAML of the card, in lines of JSON, which YAML includes."""
    facts = report.facts
    pipeline = facts.get("pipeline_tag")
    front = {
        "license": license,
        "library_name": "skdistill" if facts.get("teachers") else None,
        "pipeline_tag": pipeline,
        "tags": [*([pipeline] if pipeline else []), *TAGS],
        "model-index": _results(report, name, dataset),
    }
    lines = [
        f"{key}: {json.dumps(value, ensure_ascii=False)}"
        for key, value in front.items()
        if value is not None
    ]
    return "\n".join(["---", *lines, "---", ""])


def _results(report, name, dataset):
    """Return the student's measures; None without a data set, which they would be of."""
    rows = {row.name: row for row in report.rows}
    if dataset is None or STUDENT not in rows:
        return None
    measures = rows[STUDENT].to_dict()
    metrics = [
        {"type": METRICS[key], "value": measures[key]}
        for key in METRICS
        if measures.get(key) is not None
    ]
    task = report.facts.get("pipeline_tag") or report.facts.get("task")
    result = {
        **({"task": {"type": task}} if task else {}),
        "dataset": {"name": dataset, "type": dataset},
        "metrics": metrics,
    }
    return [{"name": name, "results": [result]}] if metrics else None
