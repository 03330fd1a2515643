"""The measures of models on corrupted rows, by which their robustness is told."""

from collections.abc import Mapping

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from skdistill.inspection.corruptions import CORRUPTIONS, NEEDED, CorruptibleTable
from skdistill.inspection.pipelines import is_ranker, split_pipeline
from skdistill.inspection.rows import row_class
from skdistill.inspection.subjects import POOL, STUDENT, teachers_of

CLEAN = "none"
METRICS = "log_loss", "accuracy", "rmse"
NO_TEACHERS = (
    "no teachers: the student has not kept them. Fit it with keep_teachers=True, or pass them in "
    "models."
)


def measure_robustness(
    estimator,
    X,
    y,
    *,
    models=None,
    corruptions=None,
    n_repeats=3,
    categorical_features=None,
    random_state=None,
):
    """Measure models on corrupted copies of the rows; the parameters are those of `robustness`.

    Returns
    -------
    rows : list of dict
    loss_name : str
    absent : list of str
        As `Robustness` has them.
    """
    models, absent = _named_models(estimator, models)
    _refuse_rankers(models)
    kind = row_class(models)
    check_consistent_length(X, y)
    if n_repeats < 1:
        raise ValueError(f"n_repeats must be at least 1, got {n_repeats!r}.")
    y = np.asarray(y)
    clean = _measures(kind, models, X, y)
    if categorical_features is None:
        categorical_features = _known_categories(estimator)
    table = CorruptibleTable(X, categorical_features)
    strengths = _check_corruptions(corruptions, table, absent)
    rows = [_row(name, CLEAN, 0.0, [measures]) for name, measures in clean.items()]
    seeds = check_random_state(random_state).randint(2**31 - 1, size=n_repeats)
    for corruption, values in strengths.items():
        left = dict(models)
        for strength in values:
            copies = [
                CORRUPTIONS[corruption].corrupt(table, strength, np.random.RandomState(seed))
                for seed in seeds
            ]
            for name, found in _measure_all(kind, left, copies, y, corruption, absent).items():
                rows.append(_row(name, corruption, strength, found))
    return rows, kind.loss_name, absent


def _named_models(estimator, others):
    """Return the models by name, and what is absent."""
    if hasattr(estimator, "fit"):
        check_is_fitted(estimator)
    is_student = hasattr(split_pipeline(estimator)[1], "student_")
    models, absent = {STUDENT if is_student else type(estimator).__name__: estimator}, []
    pooled, _ = teachers_of(estimator)
    if pooled is not None:
        models[POOL] = pooled
    elif is_student and not others:
        absent.append(NO_TEACHERS)
    if not isinstance(others or {}, Mapping):
        raise ValueError(f"models must be a dict {{name: fitted model}}, got {others!r:.80}.")
    for name, model in (others or {}).items():
        if name in models:
            raise ValueError(
                f"models has {name!r}, which is what the {type(models[name]).__name__} is called: "
                "give it another name."
            )
        models[name] = model
    return models, absent


def _refuse_rankers(models):
    for name, model in models.items():
        if is_ranker(model):
            raise ValueError(
                f"model {name!r}, a {type(model).__name__}, is a ranker, whose scores compare only "
                "within a query, where corrupted rows would not stay alone: robustness measures "
                "classifiers and regressors."
            )


def _known_categories(estimator):
    """Return a mask of the columns that a student encodes as categories, or "from_dtype"."""
    steps, student = split_pipeline(estimator)
    encoder = getattr(getattr(student, "inputs_", None), "encoder", None)
    # Behind other steps, the student's columns are not those of the table.
    return "from_dtype" if encoder is None or steps else encoder.is_categorical_


def _check_corruptions(corruptions, table, absent):
    """Return the strengths of each corruption; those that X has no columns for are absent."""
    asked = CORRUPTIONS if corruptions is None else corruptions
    if isinstance(asked, str) or not all(isinstance(name, str) for name in asked):
        raise ValueError(f"corruptions must be a list or a dict of names, got {asked!r:.80}.")
    chosen = {}
    for name in asked:
        if name not in CORRUPTIONS:
            raise ValueError(
                f"corruptions has {name!r}, which is unknown: choose among {list(CORRUPTIONS)}."
            )
        known = CORRUPTIONS[name]
        if not len(known.columns(table)):
            if corruptions is not None:
                raise ValueError(f"{NEEDED[known.needs]}, which {name!r} needs: leave it out.")
            absent.append(f"no {name!r}: {NEEDED[known.needs]}.")
            continue
        strengths = corruptions[name] if isinstance(corruptions, Mapping) else known.strengths
        chosen[name] = [_check_strength(name, each) for each in np.ravel(strengths).tolist()]
    return chosen


def _check_strength(name, strength):
    highest = CORRUPTIONS[name].highest
    if not isinstance(strength, (int, float)) or not 0 < strength <= highest or strength == np.inf:
        at_most = "" if highest == np.inf else f" and at most {highest:g}"
        raise ValueError(
            f"corruptions gives {name!r} the strength {strength!r}: it must be a number above 0"
            f"{at_most}, {CORRUPTIONS[name].axis}."
        )
    return float(strength)


def _measure_all(kind, models, copies, y, corruption, absent):
    """Return the measures of each model on each copy; a model that refuses one is taken out."""
    found = {}
    for name, model in list(models.items()):
        try:
            found[name] = [_measure(kind, name, model, copy, y) for copy in copies]
        except Exception as error:  # whatever a model raises, it refuses the table
            del models[name]
            reason = f"{type(error).__name__}: {str(error).partition(chr(10))[0]:.200}"
            absent.append(f"no {name!r} under {corruption!r}: {reason}")
    return found


def _measure(kind, name, model, copy, y):
    """Return the measures of a model on a corrupted copy: a table, and its rows or None."""
    X, rows = copy
    return _measures(kind, {name: model}, X, y if rows is None else y[rows])[name]


def _measures(kind, models, X, y):
    """Return the measures of each model by its name."""
    predictions = kind.predict(models, X, y)
    return {name: kind.measures(predictions, name, None) for name in models}


def _row(name, corruption, strength, found):
    """Return the mean and the standard deviation of each measure over the repeats."""
    row = {"model": name, "corruption": corruption, "strength": strength}
    for metric in (each for each in METRICS if each in found[0]):
        values = [measures[metric] for measures in found]
        row[metric] = float(np.mean(values))
        row[f"{metric}_std"] = float(np.std(values, ddof=1)) if len(values) > 1 else np.nan
    return row
