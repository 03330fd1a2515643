"""The student's ONNX graph in onnxruntime, in eight bits, and in skl2onnx pipelines."""

from pathlib import Path

import numpy as np

from skdistill.table.categories import is_missing
from skdistill.table.containers import as_objects, column_of, is_frame


class OnnxStudent:
    """An ONNX file of `DistilledClassifier.to_onnx` in onnxruntime, asked like a classifier.

    Parameters
    ----------
    model : str, path-like, bytes or onnx.ModelProto
    n_threads : int, default=1
        Small nets lose more to a second thread than they win.

    Examples
    --------
    >>> from skdistill import OnnxStudent
    >>> student = OnnxStudent("student.onnx")  # doctest: +SKIP
    >>> student.predict_proba(X)  # doctest: +SKIP
    """

    def __init__(self, model, *, n_threads=1):
        try:
            import onnxruntime
        except ImportError as error:
            raise ImportError(
                "OnnxStudent needs onnxruntime: pip install 'skdistill[onnx]'"
            ) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = n_threads
        if hasattr(model, "SerializeToString"):
            model = model.SerializeToString()
        elif not isinstance(model, bytes):
            model = Path(model).read_bytes()
        self.session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )
        self.inputs = [(one.name, one.type) for one in self.session.get_inputs()]

    def predict(self, X):
        """The most probable class of each row, ndarray of shape (n_samples,)."""
        return self.session.run(["label"], self.feed(X))[0]

    def predict_proba(self, X):
        """Class probabilities, ndarray of shape (n_samples, n_classes), float32."""
        return self.session.run(["probabilities"], self.feed(X))[0]

    def feed(self, X):
        """A table as the graph's inputs: a matrix, or a column of shape (n_samples, 1) each."""
        name, kind = self.inputs[0]
        if len(self.inputs) == 1 and kind != "tensor(string)":
            if is_frame(X):
                columns = [column_of(X, j) for j in range(X.shape[1])]
                columns = [_column(as_objects(column), kind) for column in columns]
                return {name: np.column_stack(columns)}
            return {name: np.asarray(X, dtype=_DTYPES[kind])}
        if is_frame(X):
            columns = [as_objects(X[name]) for name, _ in self.inputs]
        else:
            columns = list(np.asarray(X, dtype=object).T)
        return {
            name: _column(column, kind)[:, None]
            for column, (name, kind) in zip(columns, self.inputs)
        }


_DTYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(int64)": np.int64}
# What stands for missing: no level, so that the graph gives it the code of the unseen.
_NO_STRING, _NO_INTEGER = "\x00missing", np.iinfo(np.int64).min


def _column(values, kind):
    missing = np.array([is_missing(value) for value in values], dtype=bool)
    if kind == "tensor(string)":
        return np.where(missing, _NO_STRING, values).astype(object)
    return np.where(missing, _NO_INTEGER if kind == "tensor(int64)" else np.nan, values).astype(
        _DTYPES[kind]
    )
