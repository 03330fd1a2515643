"""What a file of `save` may hold: a check of each parameter and of each fitted attribute.

`save` leaves out what fails its check, and `load` refuses it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

LARGEST_INT = 2**63
_DEVICE = re.compile(r"(auto|cpu|cuda|mps|xpu)(:\d{1,3})?")
# A string, a bracket or a colon. Possessive, so that it takes linear time on any text.
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[][{}:]', re.DOTALL)
DEEPEST = 10
MANY = 5_000


def is_none(value):
    """Tell whether a value is None."""
    return value is None


def is_bool(value):
    """Tell whether a value is a boolean."""
    return isinstance(value, bool)


def is_int(value):
    """Tell whether a value is an integer that fits into 64 bits."""
    return type(value) is int and -LARGEST_INT <= value < LARGEST_INT


def is_size(value):
    """Tell whether a value is an integer above 0."""
    return is_int(value) and value > 0


def is_number(value):
    """Tell whether a value is a float, or an integer that fits into 64 bits."""
    return isinstance(value, float) or is_int(value)


def is_text(value):
    """Tell whether a value is a string."""
    return isinstance(value, str)


def is_word(value):
    """Tell whether a value is a short string, such as the name of an option."""
    return is_text(value) and len(value) < 100


def is_device(value):
    """Tell whether a value names a device."""
    return is_text(value) and _DEVICE.fullmatch(value) is not None


def is_row_shape(value):
    """Tell whether a value is the shape of a row of several axes."""
    return list_of(is_size)(value) and len(value) > 1


def any_of(*checks):
    """Return a check that passes if one of some checks does."""
    return lambda value: any(check(value) for check in checks)


def list_of(check):
    """Return a check of a list, each value of which passes a check."""
    return lambda value: isinstance(value, list) and all(map(check, value))


def dict_of(check, **required):
    """Return a check of a dict, each value of which passes a check, those named their own."""
    return lambda value: (
        isinstance(value, dict)
        and set(required) <= set(value)
        and all(required.get(key, check)(each) for key, each in value.items())
    )


def candidates_with(**parameters):
    """Return a check of `candidates_`, one of which is chosen if there are any."""
    is_candidate = dict_of(
        lambda value: False,
        **parameters,
        teachers=is_bool,
        valid_loss=is_number,
        cut_short=is_bool,
        chosen=is_bool,
    )
    return lambda value: (
        list_of(is_candidate)(value) and sum(each["chosen"] for each in value) == bool(value)
    )


# What all classes have. Estimators, splits and the folder of `memory` are not saved: that folder
# holds pickles.
PARAMS = {
    "teachers": is_none,
    "student": is_none,
    "effort": is_word,
    "weights": any_of(is_none, is_word, list_of(is_number), dict_of(is_number)),
    "combination": is_word,
    "alpha": any_of(is_number, is_word),
    "cv": any_of(is_none, is_int, is_word),
    "augmenter": any_of(is_none, is_word),
    "validation_fraction": any_of(is_none, is_number, is_word),
    "categorical_features": any_of(is_none, is_word, list_of(any_of(is_text, is_int, is_bool))),
    "keep_teachers": is_bool,
    "warm_start": is_bool,
    "max_time": any_of(is_none, is_number),
    "max_latency": any_of(is_none, is_number),
    "max_size": any_of(is_none, is_int, is_word),
    "n_jobs": any_of(is_none, is_int),
    "device": is_device,
    "random_state": any_of(is_none, is_int),
    "verbose": any_of(is_bool, is_int),
}
FITTED = {
    "n_features_in_": is_size,
    "teacher_weights_": dict_of(is_number),
    "teacher_scores_": dict_of(is_number, pool=is_number),
    "teacher_diversity_": dict_of(dict_of(any_of(is_number, dict_of(is_number)))),
    "alpha_": is_number,
    "history_": list_of(dict_of(is_number)),
}
OPTIONAL = {
    "allows_missing_": is_bool,
    "row_shape_in_": is_row_shape,
    "fit_times_": dict_of(any_of(is_number, dict_of(is_number))),
}


@dataclass(frozen=True)
class Schema:
    """What a file holds of an estimator of one class.

    Parameters
    ----------
    params, fitted : dict of str to callable
        Checks of the parameters, and of the fitted attributes that must be there.
    arrays : dict of str to str
        Names of arrays in the JSON, and the fitted attributes that they are.
    """

    params: dict[str, Callable]
    fitted: dict[str, Callable]
    arrays: dict[str, str]

    @property
    def attributes(self):
        """The checks of all fitted attributes."""
        return self.fitted | OPTIONAL


# The classes that a file may name.
SCHEMAS = {
    "DistilledClassifier": Schema(
        PARAMS
        | {
            # The keys of a dict are labels, those of JSON text.
            "class_weight": any_of(is_none, is_word),
            "temperature": any_of(is_number, is_word),
        },
        FITTED
        | {
            "temperature_": is_number,
            "candidates_": candidates_with(alpha=is_number, temperature=is_number),
        },
        {"classes": "classes_"},
    ),
    "DistilledRanker": Schema(
        PARAMS | {"loss": is_word, "temperature": any_of(is_number, is_word)},
        FITTED
        | {
            "temperature_": is_number,
            "candidates_": candidates_with(alpha=is_number, temperature=is_number),
        },
        {},
    ),
    "DistilledRegressor": Schema(
        PARAMS
        | {
            "loss": is_word,
            "quantile": any_of(is_none, is_number),
            "quantiles": any_of(is_none, list_of(is_number)),
        },
        FITTED
        | {
            "n_outputs_": is_size,
            "link_": is_word,
            "quantiles_": list_of(is_number),
            "candidates_": candidates_with(alpha=is_number),
        },
        {"target_center": "target_center_", "target_scale": "target_scale_"},
    ),
}


def check_values(values, schema, required=(), *, what):
    """Check a dict from a file against a schema.

    Parameters
    ----------
    values : object
        Read from JSON.
    schema : dict of str to callable
    required : collection of str
        Names that must be there.
    what : str
        What the names stand for, such as "parameter".

    Raises
    ------
    ValueError
        If `values` is no dict, if a name is unknown or missing, or if a value fails its check.
    """
    if not isinstance(values, dict):
        raise ValueError(f"its {what}s are not a dict")
    unknown = sorted(set(values) - set(schema))
    if unknown:
        raise ValueError(f"it has {what}s {unknown[:5]!r:.200}, which save does not write")
    missing = sorted(set(required) - set(values))
    if missing:
        raise ValueError(f"it lacks the {what}s {missing}")
    for name, value in values.items():
        if not schema[name](value):
            raise ValueError(f"its {what} {name} is {value!r:.100}, which save does not write")


def check_json(text):
    """Check, before JSON is parsed, that it takes neither a deep stack nor much memory.

    An empty list takes 20 times as much memory as text.

    Parameters
    ----------
    text : str

    Raises
    ------
    ValueError
    """
    if not text.isascii():
        raise ValueError("its JSON is not ASCII")
    depth, n_lists, n_keys = 0, 0, 0
    most_lists, most_keys = MANY + len(text) // 30, MANY + len(text) // 15
    for match in _TOKEN.finditer(text):
        character = text[match.start()]
        if character in "[{":
            depth, n_lists = depth + 1, n_lists + 1
        elif character in "]}":
            depth -= 1
        elif character == ":":
            n_keys += 1
        if depth > DEEPEST or n_lists > most_lists or n_keys > most_keys:
            raise ValueError(f"its JSON is nested more than {DEEPEST} deep, or has too many parts")
