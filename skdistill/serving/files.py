"""Writing a fitted student to a safetensors file, and loading it without executing code."""

import hashlib
import json
import math
import re
from importlib import import_module
from pathlib import Path

import numpy as np

from skdistill.serving.forward import ForwardPass
from skdistill.serving.schema import SCHEMAS, check_json, check_values
from skdistill.serving.state import from_plain, is_array_name, to_plain
from skdistill.serving.writing import write_whole

FORMAT = "skdistill"
# Files of these names are expected to be pickles.
PICKLES = (".joblib", ".pkl", ".pickle")
OTHER_FORMATS = {".onnx": "to_onnx", ".c": "to_c"}
FORMAT_VERSION = 3
# Of earlier ones, arrays had other names.
OLDEST_VERSION = 2
_PLAIN_DTYPE = re.compile(r"<U\d{1,6}|[<|][iu][1248]|[<|]f[248]|\|b1|\|O")
# The types of values that an array of a kind holds in JSON.
PYTHON_TYPES: dict[str, set] = {
    "U": {str},
    "O": {str},
    "b": {bool},
    "i": {int},
    "u": {int},
    "f": {float, int},
}
WIDE = 2**20  # bytes


def save(estimator, path):
    """Write a fitted student: weights as safetensors, all else as JSON.

    Parameters
    ----------
    estimator : DistilledClassifier or DistilledRegressor
    path : str or path-like
        An existing file is replaced as a whole or not at all.

    Raises
    ------
    ValueError
        If the name is that of a pickle, of ONNX or of C code, if the student is a custom torch
        module, if the estimator is of a class that is not in `SCHEMAS`, if a label or a category
        is neither a string nor a number, or if predictions of a regressor could be infinite.
    """
    suffix = Path(path).suffix
    if suffix in OTHER_FORMATS:
        raise ValueError(
            f"{path} would be a safetensors file: name it .safetensors, or use "
            f"{OTHER_FORMATS[suffix]}."
        )
    if suffix in PICKLES:
        raise ValueError(
            f"{path} would be a safetensors file, which joblib.load does not read: name it "
            ".safetensors, or use joblib.dump."
        )
    _check_can_be_saved(estimator)
    plain = to_plain(estimator.inputs_, estimator.student_)
    # safetensors writes memory as it is laid out.
    arrays = {name: np.ascontiguousarray(array) for name, array in plain["arrays"].items()}
    text = json.dumps(_content(estimator, plain["categories"]))
    header = {
        "format": FORMAT,
        "format_version": str(FORMAT_VERSION),
        "written_by": f"skdistill {import_module('skdistill').__version__}",
        "content": text,
        "sha256": _checksum(text, arrays),
    }
    write_whole(path, _safetensors().numpy.save(arrays, header))


def _check_can_be_saved(estimator):
    """Check that the estimator and its student can be restored from plain values."""
    student, kind = estimator.student_, type(estimator).__name__
    if not isinstance(student, ForwardPass):
        raise ValueError(
            f"only a StudentMLP can be saved as arrays, got a {student.kind}: use joblib instead."
        )
    if kind not in SCHEMAS:
        raise ValueError(
            f"only {', '.join(SCHEMAS)} can be saved, since the file holds no code, got a "
            f"{kind}: use joblib instead."
        )
    try:
        estimator._head.check(student.weights[-1][1].size)
    except ValueError as error:
        raise ValueError(
            f"load would refuse the file, because {error}: use joblib instead."
        ) from error


def _content(estimator, categories):
    """Return all but the arrays, as values that JSON can hold."""
    values, kind = vars(estimator), type(estimator).__name__
    schema = SCHEMAS[kind]
    content = {
        "class": kind,
        **{key: _to_json(values[name], name) for key, name in schema.arrays.items()},
        "categories": [_to_json(each, "a categorical column") for each in categories],
        "params": _of_schema(values, schema.params),
        "fitted": _of_schema(values, schema.attributes),
    }
    check_values(content["fitted"], schema.attributes, schema.fitted, what="attribute")
    if "feature_names_in_" in values:
        names = _to_json(values["feature_names_in_"], "feature_names_in_")
        content["feature_names_in"] = names
    return content


def _of_schema(values, schema):
    """Return those values that pass the check of their name, as JSON holds them."""
    plain = {name: _plain(values[name]) for name in schema if name in values}
    return {name: value for name, value in plain.items() if schema[name](value)}


def _plain(value):
    """Return arrays and tuples as lists, at any depth; numbers of numpy as those of Python."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


def load(path):
    """Load a student that `save` has written.

    Loading executes no code of the file. Parameters that are estimators or splits, a dict as
    `class_weight`, and `memory` are not in the file and come back as their defaults: set them
    before you fit again.

    Parameters
    ----------
    path : str or path-like
        A file that `save` has written.

    Returns
    -------
    estimator : DistilledClassifier or DistilledRegressor
        Fitted. Its predictions equal those of the saved estimator bit for bit.

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    ImportError
        If safetensors is not installed.
    ValueError
        If the path is no file; if the file is damaged, was altered, is of another format or of
        another version of it; if it holds what `save` does not write, or if its weights could
        make a prediction infinite.

    See Also
    --------
    DistilledClassifier.save, DistilledRegressor.save : Write the file.
    OnnxStudent : Predict with a student that was exported to ONNX.

    Notes
    -----
    The file holds the weights as safetensors; categories, parameters, and classes or the scales
    of targets are JSON in its header. A checksum detects damage. It does not authenticate the
    file: whoever can write the file can also write a matching checksum.

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
    header, arrays, unknown = _read(path)
    _check_version(path, header)
    if unknown:
        raise ValueError(f"{path} has arrays {unknown[:5]!r:.200}, which save does not write.")
    text = header.get("content", "")
    if header.get("sha256") != _checksum(text, arrays):
        raise ValueError(
            f"{path} was altered or damaged: its checksum does not match its content. Save it "
            "again, or copy it again."
        )
    try:
        check_json(text)
        return _build(json.loads(text), arrays)
    except Exception as error:  # whatever a stranger's file causes
        raise ValueError(
            f"{path} cannot be understood: {error}. Save it again with save."
        ) from error


def _check_version(path, header):
    """Check that this version of skdistill reads the file."""
    if header.get("format") != FORMAT:
        raise ValueError(
            f"{path} is a safetensors file that skdistill has not written: pass a file that "
            "save has written."
        )
    version = header.get("format_version", "")
    author = str(header.get("written_by"))
    got = f"{path} has format version {version!r:.40} (written by {author:.40})"
    if not version.isdecimal() or int(version) > FORMAT_VERSION:
        raise ValueError(f"{got}, expected {FORMAT_VERSION}: upgrade skdistill.")
    if int(version) < OLDEST_VERSION:
        raise ValueError(
            f"{got}, expected at least {OLDEST_VERSION}, in which arrays have other names: load it "
            "with the version that wrote it, or fit the model again and save it with this one."
        )


def _read(path):
    """Return the header of a safetensors file, the arrays of a student, and other names."""
    safetensors = _safetensors()
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} is not a file: pass a file that save has written.")
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            header, names = file.metadata() or {}, set(file.keys())
            known = filter(is_array_name, names)
            arrays = {name: file.get_tensor(name) for name in known}
    except OSError:
        raise
    except Exception as error:
        raise ValueError(
            f"{path} is not a safetensors file, or it is damaged ({error}). If it was written by "
            "joblib and you trust its source, use joblib.load."
        ) from error
    return header, arrays, sorted(names - set(arrays))


def _build(content, arrays):
    """Return the estimator that a file describes."""
    if content["class"] not in list(SCHEMAS):
        raise ValueError(f"its class is {content['class']!r:.100}, expected one of {[*SCHEMAS]}")
    kind, schema = getattr(import_module("skdistill"), content["class"]), SCHEMAS[content["class"]]
    check_values(content["params"], schema.params, what="parameter")
    check_values(content["fitted"], schema.attributes, schema.fitted, what="attribute")
    estimator = kind(**content["params"])
    estimator._validate_params()
    for name, value in content["fitted"].items():
        setattr(estimator, name, tuple(value) if name == "row_shape_in_" else value)
    # Popped, so that the strings of JSON are deleted before others are made.
    categories = [_from_json(each) for each in content.pop("categories")]
    estimator.inputs_, estimator.student_ = from_plain({"arrays": arrays, "categories": categories})
    for key, name in schema.arrays.items():
        setattr(estimator, name, _from_json(content[key]))
    estimator._head.check(estimator.student_.weights[-1][1].size)
    if "feature_names_in" in content:
        estimator.feature_names_in_ = _from_json(content["feature_names_in"])
    _check_sizes(estimator, len(arrays["is_categorical"]))
    _check_names(estimator, categories)
    return estimator


def _check_names(estimator, categories):
    """Check that categories are sorted, and that columns have distinct names."""
    for values in categories:
        if not (values[1:] > values[:-1]).all():
            raise ValueError("its categories are not sorted, or not distinct")
    names = getattr(estimator, "feature_names_in_", np.array([], dtype=object))
    if names.dtype != object or len(set(names.tolist())) < len(names):
        raise ValueError("its feature_names_in_ are not distinct strings")


def _check_sizes(estimator, n_columns):
    """Check the number of columns against the arrays."""
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


def _checksum(text, arrays):
    digest = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _to_json(array, what):
    """Return labels, categories, names or scales as values that JSON can hold."""
    values = [str(each) if isinstance(each, str) else each for each in array.tolist()]
    if array.dtype.kind not in PYTHON_TYPES or not _are_of_kind(values, array.dtype.kind):
        kinds = sorted({type(value).__name__ for value in values})
        raise ValueError(
            f"{what} holds values of type {', '.join(kinds)}, but only strings, numbers and "
            "booleans can be saved: convert them to strings before fit, or use joblib."
        )
    return {"dtype": array.dtype.newbyteorder("<").str, "values": values}


def _from_json(stored):
    """Return an array that `_to_json` has described."""
    dtype, values = stored["dtype"], stored["values"]
    if not (isinstance(dtype, str) and _PLAIN_DTYPE.fullmatch(dtype)):
        raise ValueError(f"its labels, categories or scales have dtype {dtype!r:.100}")
    kind, n_bytes = np.dtype(dtype).kind, np.dtype(dtype).itemsize
    if isinstance(values, list) and _are_of_kind(values, kind):
        if kind == "U" and _fit_into(values, n_bytes // 4):
            # Each string of an array takes the room of the longest.
            is_wide = n_bytes * len(values) > 8 * sum(map(len, values)) + WIDE
            return np.array(values, dtype=object if is_wide else dtype)
        if kind != "U" and (array := np.array(values, dtype=dtype)).tolist() == values:
            return array
    raise ValueError(f"its labels, categories or scales are not a list of {dtype}")


def _fit_into(strings, width):
    """Tell whether an array of strings of this width holds these strings unchanged."""
    return all(len(each) <= width and not each.endswith("\0") for each in strings)


def _are_of_kind(values, kind):
    """Tell whether all values are of the Python type of a kind of numpy."""
    return {type(value) for value in values} <= PYTHON_TYPES[kind]


def _safetensors():
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            "save and load need safetensors: pip install 'skdistill[serve]'"
        ) from error
    return safetensors
