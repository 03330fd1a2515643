"""A fitted student as a safetensors file, and back: loading executes nothing."""

import hashlib
import json
import math
import os
import re
from importlib import import_module
from pathlib import Path

import numpy as np

from skdistill.serving.forward import ForwardPass
from skdistill.serving.state import from_plain, to_plain

FORMAT = "skdistill"
FORMAT_VERSION = 1
# A file names its class, and may name no other than these.
CLASSES = ("DistilledClassifier",)
_PLAIN_DTYPE = re.compile(r"[<|]U\d{1,6}|[<|]?[biuf][1248]|\|O")
_FITTED = re.compile(r"[a-z][a-z_]*_")


def save(estimator, path):
    """Write a fitted student: weights as safetensors, all else as JSON.

    Parameters
    ----------
    estimator : DistilledClassifier
    path : str or path-like
        Written at once or not at all.

    Raises
    ------
    ValueError
        If the student is a torch module of your own, the estimator is of a class of your own,
        or a level is neither string nor number.
    """
    student = estimator.student_
    if not isinstance(student, ForwardPass):
        raise ValueError(
            f"only a StudentMLP can be saved as arrays, and this student is a "
            f"{type(student.module).__name__}: save it with joblib."
        )
    if type(estimator).__name__ not in CLASSES:
        raise ValueError(
            f"only {' and '.join(CLASSES)} can be read from a file, which holds no code, and this "
            f"is a {type(estimator).__name__}: save it with joblib."
        )
    plain = to_plain(estimator.inputs_, student)
    fitted = {name: value for name, value in vars(estimator).items() if name.endswith("_")}
    params = estimator.get_params(deep=False)
    params = {k: v.tolist() if hasattr(v, "tolist") else v for k, v in params.items()}
    content = {
        "class": type(estimator).__name__,
        "classes": _to_json(estimator.classes_, "classes_"),
        "categories": [
            _to_json(categories, "a categorical column") for categories in plain["categories"]
        ],
        # A folder of the machine it was fitted on is nobody's business.
        "params": {k: v for k, v in params.items() if k != "memory" and _is_json(v)},
        "fitted": {name: value for name, value in fitted.items() if _is_json(value)},
    }
    if "feature_names_in_" in fitted:
        names = _to_json(fitted["feature_names_in_"], "feature_names_in_")
        content["feature_names_in"] = names
    # safetensors writes the memory as it lies there.
    arrays = {name: np.ascontiguousarray(array) for name, array in plain["arrays"].items()}
    text = json.dumps(content, default=np.generic.item)
    header = {
        "format": FORMAT,
        "format_version": str(FORMAT_VERSION),
        "written_by": f"skdistill {import_module('skdistill').__version__}",
        "content": text,
        "sha256": _checksum(text, arrays),
    }
    _write_whole(path, _safetensors().numpy.save(arrays, header))


def load(path):
    """Read a student that `DistilledClassifier.save` has written.

    Nothing in the file is executed. The recipe is not in it: parameters that are
    estimators, such as `teachers`, come back as their defaults.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    estimator : DistilledClassifier
        Fitted; predicts bit for bit what the saved one predicts.

    Raises
    ------
    ValueError
        If the file is damaged, was altered, is of another kind or of a newer version,
        or its arrays disagree.
    """
    path = Path(path)
    header, arrays = _read(path)
    if header.get("format") != FORMAT:
        raise ValueError(f"{path} is a safetensors file, but not one of skdistill.")
    version = header.get("format_version", "")
    if not version.isdecimal() or int(version) > FORMAT_VERSION:
        raise ValueError(
            f"{path} has format version {version!r} (by {header.get('written_by')}), and this "
            f"skdistill reads up to {FORMAT_VERSION}: upgrade skdistill."
        )
    text = header.get("content", "")
    if header.get("sha256") != _checksum(text, arrays):
        raise ValueError(
            f"{path} was altered or damaged: its checksum does not fit its content. Save it anew."
        )
    try:
        return _build(json.loads(text), arrays)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path} cannot be understood: {error}.") from error


def _read(path):
    safetensors = _safetensors()
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            names = file.keys()
            return file.metadata() or {}, {name: file.get_tensor(name) for name in names}
    except (safetensors.SafetensorError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path} is no safetensors file, or a damaged one ({error}). A joblib file is read "
            "by joblib.load, if you trust where it comes from."
        ) from error


def _build(content, arrays):
    if content["class"] not in CLASSES:
        raise ValueError(f"it is of class {content['class']!r}, expected one of {CLASSES}")
    kind = getattr(import_module("skdistill"), content["class"])
    unknown = set(content["params"]) - set(kind().get_params(deep=False))
    if unknown:
        raise ValueError(f"it has parameters {sorted(unknown)}, which this version does not know")
    estimator = kind(**content["params"])
    for name, value in content["fitted"].items():
        if not _FITTED.fullmatch(name) or hasattr(kind, name) or not _is_json(value):
            raise ValueError(f"it has a fitted attribute {name!r}")
        setattr(estimator, name, value)
    categories = [_from_json(each) for each in content["categories"]]
    estimator.inputs_, estimator.student_ = from_plain({"arrays": arrays, "categories": categories})
    estimator.classes_ = _from_json(content["classes"])
    if "row_shape_in_" in content["fitted"]:
        estimator.row_shape_in_ = tuple(content["fitted"]["row_shape_in_"])
    row_shape = getattr(estimator, "row_shape_in_", (estimator.n_features_in_,))
    if row_shape[0] != estimator.n_features_in_:
        raise ValueError(f"n_features_in_ is {estimator.n_features_in_}, row_shape_in_ {row_shape}")
    widths = {"its arrays": len(arrays["is_categorical"])}
    if "feature_names_in" in content:
        estimator.feature_names_in_ = _from_json(content["feature_names_in"])
        widths["feature_names_in_"] = len(estimator.feature_names_in_)
    if set(widths.values()) != {math.prod(row_shape)}:
        raise ValueError(
            f"n_features_in_ and row_shape_in_ say {math.prod(row_shape)}, its arrays {widths}"
        )
    n_outputs = estimator.student_.weights[-1][1].size
    if len(estimator.classes_) != n_outputs:
        raise ValueError(f"it has {len(estimator.classes_)} classes, but a net of {n_outputs}")
    return estimator


def _checksum(text, arrays):
    digest = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _to_json(array, what):
    values = array.tolist()
    if array.dtype.kind == "O" and not all(isinstance(value, str) for value in values):
        kinds = sorted({type(value).__name__ for value in values})
        raise ValueError(
            f"{what} holds {', '.join(kinds)}, and only strings, numbers and booleans can be "
            "saved: save with joblib, or fit on strings."
        )
    return {"dtype": array.dtype.str, "values": values}


def _from_json(stored):
    dtype, values = stored["dtype"], stored["values"]
    if not _PLAIN_DTYPE.fullmatch(dtype):
        raise ValueError(f"it has labels or categories of dtype {dtype!r}")
    array = np.array(values, dtype=dtype)
    if array.ndim != 1 or array.tolist() != values:
        raise ValueError(f"it has labels or categories that are no {dtype}")
    return array


def _is_json(value):
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(each) for key, each in value.items())
    if isinstance(value, (list, tuple)):
        return all(map(_is_json, value))
    return value is None or isinstance(value, (bool, int, float, str, np.generic))


def _write_whole(path, content):
    """A reader finds the old file or the new one, never half of one."""
    path = Path(path)
    draft = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _safetensors():
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            "reading and writing this file needs safetensors: pip install 'skdistill[serve]'"
        ) from error
    return safetensors
