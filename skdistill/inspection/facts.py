"""What a fitted student says of itself: its task, columns, teachers and training."""

import platform
from importlib.metadata import PackageNotFoundError, version
from math import prod

import numpy as np

PACKAGES = ("skdistill", "scikit-learn", "numpy", "torch")
MOST_NAMES = 50  # columns or classes beyond are counted, not named
TRAINING = {
    "alpha": "alpha, the teachers' share of the loss on labeled rows",
    "temperature": "temperature",
    "epochs": "epochs",
    "seconds": "seconds of the fit, with its teachers",
}


def facts_of(estimator, student, predictions):
    """Return what is known of a fitted model, as a dict that JSON can hold.

    Parameters
    ----------
    estimator : estimator
        Whose columns are those of the table: the student, or a pipeline that ends with it.
    student : estimator
    predictions : Predictions
        Of the test rows.

    Returns
    -------
    facts : dict
        What is not known is absent.
    """
    is_classifier = predictions.classes is not None
    facts = {
        "estimator": type(student).__name__,
        "task": _task(predictions),
        "pipeline_tag": _tag(estimator, _task(predictions)),
        "classes": [_plain(label) for label in predictions.classes] if is_classifier else None,
        "n_features": getattr(estimator, "n_features_in_", None),
        "features": _names(estimator),
        "test_rows": len(predictions),
        "test_labels": predictions.y is not None,
        "teachers": _teachers(student),
        "teachers_score": _score_name(student),
        "student": _student(student),
        "training": _training(student),
        "versions": _versions(),
    }
    return {key: value for key, value in facts.items() if value not in (None, [], {})}


def _plain(label):
    return label.item() if isinstance(label, np.generic) else label


def _task(predictions):
    if predictions.queries is not None:
        return "ranking"
    return "regression" if predictions.classes is None else "classification"


def _tag(estimator, task):
    """Return the Hub's name of the task, if it has one, and if the rows are those of a table."""
    is_table = hasattr(estimator, "n_features_in_") and not hasattr(estimator, "row_shape_in_")
    return f"tabular-{task}" if is_table and task != "ranking" else None


def _names(estimator):
    names = getattr(estimator, "feature_names_in_", None)
    return None if names is None else [str(name) for name in names]


def _teachers(estimator):
    """Return the weight and the out-of-fold loss of each teacher."""
    weights = getattr(estimator, "teacher_weights_", None) or {}
    scores = getattr(estimator, "teacher_scores_", None) or {}
    found = {name: {"weight": float(weight)} for name, weight in weights.items()}
    for name, score in scores.items():
        found.setdefault("pooled" if name == "pool" else name, {})["score"] = float(score)
    return found


def _score_name(estimator):
    return getattr(estimator, "_score_name", None) if _teachers(estimator) else None


def _student(estimator):
    """Describe the student: what it is, its layers and its number of parameters."""
    student = getattr(estimator, "student_", None)
    if student is None:
        return None
    if not hasattr(student, "weights"):
        return {"kind": type(getattr(student, "estimator", student)).__name__}
    tables = [student.bins, student.categories, *(student.periodic or ())]
    arrays = [each for pair in student.weights for each in pair]
    arrays += [each for each in tables if each is not None]
    return {
        "kind": "multilayer perceptron",
        "layers": [student.layout.width, *(bias.size for _, bias in student.weights)],
        "parameters": sum(prod(np.shape(each)) for each in arrays),
    }


def _training(estimator):
    """Return alpha, temperature, epochs and seconds."""
    found = {name: getattr(estimator, f"{name}_", None) for name in ("alpha", "temperature")}
    if getattr(estimator, "history_", None):
        found["epochs"] = len(estimator.history_)
    times = getattr(estimator, "fit_times_", None) or {}
    found["seconds"] = times.get("total")
    return {key: float(value) for key, value in found.items() if value is not None}


def _versions():
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def teacher_cells(facts):
    """Return the teachers, their weights in the pool and their losses, as cells of a table."""
    cells = [["teacher", "weight", f"{facts.get('teachers_score', 'loss')} in the fit"]]
    for name, known in facts.get("teachers", {}).items():
        numbers = [known.get("weight"), known.get("score")]
        texts = ["" if each is None else f"{each:.4g}" for each in numbers]
        cells.append([name, *texts])
    return cells


def student_cells(facts):
    """Return what is known of the student, as cells of a table of two columns."""
    student, training = facts.get("student", {}), facts.get("training", {})
    known = {
        "task": facts.get("task"),
        "classes": _few(facts.get("classes")),
        "columns": _few(facts.get("features")) or facts.get("n_features"),
        "student": student.get("kind"),
        "layers": " → ".join(map(str, student.get("layers", []))),
        "parameters": f"{student['parameters']:,}" if "parameters" in student else None,
        **{TRAINING[name]: f"{value:.4g}" for name, value in training.items()},
        "versions": ", ".join(f"{name} {each}" for name, each in facts.get("versions", {}).items()),
    }
    return [["", ""], *([name, str(text)] for name, text in known.items() if text)]


def _few(names):
    """Write names in a line; beyond some, their number."""
    if not names:
        return None
    if len(names) > MOST_NAMES:
        return f"{len(names):,}"
    return f"{len(names)}: {', '.join(map(str, names))}"
