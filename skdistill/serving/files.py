"""Writing a fitted student to a safetensors file, and loading it without executing code."""

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
# Files of these names are expected to be pickles.
PICKLES = (".joblib", ".pkl", ".pickle")
FORMAT_VERSION = 2
# The classes that a file may name.
CLASSES = ("DistilledClassifier",)
_PLAIN_DTYPE = re.compile(r"[<|]U\d{1,6}|[<|]?[biuf][1248]|\|O")
_FITTED = re.compile(r"[a-z][a-z_]*_")


def save(estimator, path):
    """Write a fitted student: weights as safetensors, all else as JSON.

    Parameters
    ----------
    estimator : DistilledClassifier
    path : str or path-like
        An existing file is replaced as a whole or not at all.

    Raises
    ------
    ValueError
        If the name is that of a pickle, if the student is a custom torch module, if the estimator
        is of a class that is not in
        `CLASSES`, or if a label or a category is neither a string nor a number.
    """
    if Path(path).suffix in PICKLES:
        raise ValueError(
            f"{path} would be a safetensors file, which joblib.load does not read: name it "
            ".safetensors, or use joblib.dump."
        )
    _check_can_be_saved(estimator)
    plain = to_plain(estimator.inputs_, estimator.student_)
    # safetensors writes memory as it is laid out.
    arrays = {name: np.ascontiguousarray(array) for name, array in plain["arrays"].items()}
    text = json.dumps(_content(estimator, plain["categories"]), default=np.generic.item)
    header = {
        "format": FORMAT,
        "format_version": str(FORMAT_VERSION),
        "written_by": f"skdistill {import_module('skdistill').__version__}",
        "content": text,
        "sha256": _checksum(text, arrays),
    }
    _write_whole(path, _safetensors().numpy.save(arrays, header))


def _check_can_be_saved(estimator):
    """Check that the estimator and its student can be restored from plain values."""
    student, kind = estimator.student_, type(estimator).__name__
    if not isinstance(student, ForwardPass):
        raise ValueError(
            f"only a StudentMLP can be saved as arrays, got a {type(student.module).__name__}: "
            "use joblib instead."
        )
    if kind not in CLASSES:
        raise ValueError(
            f"only {' and '.join(CLASSES)} can be saved, since the file holds no code, got a "
            f"{kind}: use joblib instead."
        )


def _content(estimator, categories):
    """Return all but the arrays, as values that JSON can hold."""
    fitted = {name: value for name, value in vars(estimator).items() if name.endswith("_")}
    params = estimator.get_params(deep=False)
    params = {k: v.tolist() if hasattr(v, "tolist") else v for k, v in params.items()}
    content = {
        "class": type(estimator).__name__,
        "classes": _to_json(estimator.classes_, "classes_"),
        "categories": [_to_json(each, "a categorical column") for each in categories],
        # Others need not see the folders of the machine that fitted the model.
        "params": {k: v for k, v in params.items() if k != "memory" and _is_json(v)},
        "fitted": {name: value for name, value in fitted.items() if _is_json(value)},
    }
    if "feature_names_in_" in fitted:
        names = _to_json(fitted["feature_names_in_"], "feature_names_in_")
        content["feature_names_in"] = names
    return content


def load(path):
    """Load a student that `DistilledClassifier.save` has written.

    Loading executes no code of the file. Parameters that are estimators, such as
    `teachers`, are not in the file and come back as their defaults.

    Parameters
    ----------
    path : str or path-like
        A file that `DistilledClassifier.save` has written.

    Returns
    -------
    estimator : DistilledClassifier
        Fitted. Its predictions equal those of the saved estimator bit for bit.

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    ImportError
        If safetensors is not installed.
    ValueError
        If the file is damaged, was altered, is of another format or of another version
        of it, or if its arrays disagree.

    See Also
    --------
    DistilledClassifier.save : Write the file.
    OnnxStudent : Predict with a student that was exported to ONNX.

    Notes
    -----
    The file holds the weights as safetensors, and categories, classes and parameters as JSON in
    its header. A checksum detects damage. It does not authenticate the file: whoever can write
    the file can also write a matching checksum.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skdistill import DistilledClassifier, StudentNet, load
    >>> X, y = load_iris(return_X_y=True)
    >>> tree = DecisionTreeClassifier(max_depth=3, random_state=0)
    >>> clf = DistilledClassifier([("tree", tree)], StudentNet(max_epochs=2), random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "student.safetensors"
    ...     clf.fit(X, y).save(path)
    ...     loaded = load(path)
    >>> loaded.predict_proba(X).shape
    (150, 3)
    """
    path = Path(path)
    header, arrays = _read(path)
    _check_version(path, header)
    text = header.get("content", "")
    if header.get("sha256") != _checksum(text, arrays):
        raise ValueError(
            f"{path} was altered or damaged: its checksum does not match its content. Save it "
            "again, or copy it again."
        )
    try:
        return _build(json.loads(text), arrays)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(
            f"{path} cannot be understood: {error}. Save it again with DistilledClassifier.save."
        ) from error


def _check_version(path, header):
    """Check that this version of skdistill reads the file."""
    if header.get("format") != FORMAT:
        raise ValueError(
            f"{path} is a safetensors file that skdistill has not written: pass a file that "
            "DistilledClassifier.save has written."
        )
    version = header.get("format_version", "")
    got = f"{path} has format version {version!r} (written by {header.get('written_by')})"
    if not version.isdecimal() or int(version) > FORMAT_VERSION:
        raise ValueError(f"{got}, expected {FORMAT_VERSION}: upgrade skdistill.")
    if int(version) < FORMAT_VERSION:
        raise ValueError(
            f"{got}, expected {FORMAT_VERSION}, in which arrays have other names: load it with the "
            "version that wrote it, or fit the model again and save it with this one."
        )


def _read(path):
    safetensors = _safetensors()
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            names = file.keys()
            return file.metadata() or {}, {name: file.get_tensor(name) for name in names}
    except (safetensors.SafetensorError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path} is not a safetensors file, or it is damaged ({error}). If it was written by "
            "joblib and you trust its source, use joblib.load."
        ) from error


def _build(content, arrays):
    if content["class"] not in CLASSES:
        raise ValueError(f"its class is {content['class']!r}, expected one of {CLASSES}")
    kind = getattr(import_module("skdistill"), content["class"])
    unknown = set(content["params"]) - set(kind().get_params(deep=False))
    if unknown:
        raise ValueError(f"it has parameters {sorted(unknown)}, unknown to this version")
    estimator = kind(**content["params"])
    for name, value in content["fitted"].items():
        if not _FITTED.fullmatch(name) or hasattr(kind, name) or not _is_json(value):
            raise ValueError(f"it sets the attribute {name!r}, which fit does not set")
        setattr(estimator, name, value)
    categories = [_from_json(each) for each in content["categories"]]
    estimator.inputs_, estimator.student_ = from_plain({"arrays": arrays, "categories": categories})
    estimator.classes_ = _from_json(content["classes"])
    if "row_shape_in_" in content["fitted"]:
        estimator.row_shape_in_ = tuple(content["fitted"]["row_shape_in_"])
    if "feature_names_in" in content:
        estimator.feature_names_in_ = _from_json(content["feature_names_in"])
    _check_sizes(estimator, len(arrays["is_categorical"]))
    return estimator


def _check_sizes(estimator, n_columns):
    """Check the number of columns and of classes against the arrays."""
    row_shape = getattr(estimator, "row_shape_in_", (estimator.n_features_in_,))
    if row_shape[0] != estimator.n_features_in_:
        raise ValueError(f"n_features_in_ is {estimator.n_features_in_}, row_shape_in_ {row_shape}")
    widths = {"its arrays": n_columns}
    if hasattr(estimator, "feature_names_in_"):
        widths["feature_names_in_"] = len(estimator.feature_names_in_)
    if set(widths.values()) != {math.prod(row_shape)}:
        raise ValueError(
            f"n_features_in_ and row_shape_in_ give {math.prod(row_shape)} columns, but the "
            f"numbers of columns are {widths}"
        )
    n_outputs = estimator.student_.weights[-1][1].size
    if len(estimator.classes_) != n_outputs:
        raise ValueError(
            f"it has {len(estimator.classes_)} classes, but its net has {n_outputs} outputs"
        )


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
            f"{what} holds values of type {', '.join(kinds)}, but only strings, numbers and "
            "booleans can be saved: convert them to strings before fit, or use joblib."
        )
    return {"dtype": array.dtype.str, "values": values}


def _from_json(stored):
    dtype, values = stored["dtype"], stored["values"]
    if not _PLAIN_DTYPE.fullmatch(dtype):
        raise ValueError(f"its labels or categories have dtype {dtype!r}")
    array = np.array(values, dtype=dtype)
    if array.ndim != 1 or array.tolist() != values:
        raise ValueError(f"its labels or categories are not a list of {dtype}")
    return array


def _is_json(value):
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(each) for key, each in value.items())
    if isinstance(value, (list, tuple)):
        return all(map(_is_json, value))
    return value is None or isinstance(value, (bool, int, float, str, np.generic))


def _write_whole(path, content):
    """Write a file so that a reader finds the old one or the new one, never half of one."""
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
            "save and load need safetensors: pip install 'skdistill[serve]'"
        ) from error
    return safetensors
