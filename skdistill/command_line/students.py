"""Fitted models from files, and the columns that they were fitted on."""

from pathlib import Path


def load_student(path):
    """Load a student, or another classifier or regressor that joblib has written.

    Parameters
    ----------
    path : str
        A safetensors file, or one of joblib, which executes its code.

    Returns
    -------
    model : estimator

    Raises
    ------
    ValueError
        If there is no file, or neither a classifier with `predict_proba` nor a regressor in it.
    """
    import joblib

    from skdistill.serving.files import load

    if not Path(path).is_file():
        raise ValueError(f"there is no file {path!r}: give a file that fit has written.")
    if Path(path).suffix == ".safetensors":
        return load(path)
    try:
        model = joblib.load(path)
    except Exception as error:  # whatever unpickling of another file raises
        raise ValueError(
            f"{path!r} cannot be loaded ({type(error).__name__}: {error!s:.100}): give a file that "
            "fit has written."
        ) from error
    is_regressor = hasattr(model, "predict") and not hasattr(model, "classes_")
    if not hasattr(model, "predict_proba") and not is_regressor:
        raise ValueError(
            f"{path!r} holds a {type(model).__name__}, which has no predict_proba and is no "
            "regressor: give a file that fit has written."
        )
    return model


def columns_of(model):
    """Return the names of the columns that a model was fitted on; None if they had none."""
    names = getattr(model, "feature_names_in_", None)
    return None if names is None else list(names)


def text_columns(model):
    """Return the names of the columns that are categories for a student: these stay text."""
    names, inputs = columns_of(model), getattr(model, "inputs_", None)
    if names is None or inputs is None:
        return []
    return [name for name, is_one in zip(names, inputs.encoder.is_categorical_) if is_one]
