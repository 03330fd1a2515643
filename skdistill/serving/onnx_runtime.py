"""`OnnxStudent`, which predicts with an exported ONNX model through onnxruntime."""

from pathlib import Path

import numpy as np
from sklearn.utils.metaestimators import available_if

from skdistill.table.containers import as_objects, column_of, is_frame, is_missing


def _gives_probabilities(student):
    return "probabilities" in student.outputs


class OnnxStudent:
    """A student that was exported to ONNX and predicts through onnxruntime.

    Parameters
    ----------
    model : str, path-like, bytes or onnx.ModelProto
        What `to_onnx` has written or returned, without `zipmap`.
    n_threads : int, default=1
        Threads of onnxruntime. A small net is rarely faster with a second one.

    Attributes
    ----------
    session : onnxruntime.InferenceSession
    inputs : list of (str, str)
        Name and type of each input of the model.
    outputs : dict of str to str
        Type of each output by its name: "label" and "probabilities" of a classifier, "variable"
        and maybe "quantiles" of a regressor.

    Raises
    ------
    ImportError
        If onnxruntime is not installed.
    ValueError
        If the model does not have the outputs of a classifier or of a regressor.

    See Also
    --------
    DistilledClassifier.to_onnx, DistilledRegressor.to_onnx : Export a student.
    to_onnx : Export a pipeline.
    load : Load a student that `save` has written.

    Notes
    -----
    If no column holds strings, the model has one input, a matrix. Otherwise it has one input
    for each column, by the name of the column; the columns of an array are taken in order.
    Missing numbers are passed as NaN. Missing categories are passed as a value that is no
    category, so the model treats them as it treats unseen categories.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skdistill import DistilledClassifier, OnnxStudent, StudentNet
    >>> X, y = load_iris(return_X_y=True)
    >>> tree = DecisionTreeClassifier(max_depth=3, random_state=0)
    >>> clf = DistilledClassifier([("tree", tree)], StudentNet(max_epochs=2), random_state=0)
    >>> student = OnnxStudent(clf.fit(X, y).to_onnx())
    >>> student.predict_proba(X).shape
    (150, 3)
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
        self.outputs = {one.name: one.type for one in self.session.get_outputs()}
        _check_outputs(self.outputs)

    def predict(self, X, *, quantiles=False):
        """Predict the class or the target of each row.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)
            Dense, with the columns of the table that the student was fitted on.
        quantiles : bool, default=False
            Whether to return the quantiles of a regressor's target instead.

        Returns
        -------
        y : ndarray of shape (n_samples,), (n_samples, n_targets) or (n_samples, n_quantiles)
            The most probable class of a classifier. The targets of a regressor, or quantiles that
            do not decrease from one column to the next.

        Raises
        ------
        ValueError
            If quantiles are asked of a model that has none.
        """
        if quantiles:
            if "quantiles" not in self.outputs:
                raise ValueError(
                    "this model predicts no quantiles: export a DistilledRegressor that was fitted "
                    "with some, such as quantiles=(0.05, 0.5, 0.95)."
                )
            return self._run("quantiles", X)
        if "label" in self.outputs:
            return self._run("label", X)
        y = self._run("variable", X)
        return y[:, 0] if y.shape[1] == 1 else y

    @available_if(_gives_probabilities)
    def predict_proba(self, X):
        """Predict class probabilities, if the student is a classifier.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)
            Dense, with the columns of the table that the student was fitted on.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes), float32
            Columns follow the sorted classes.
        """
        return self._run("probabilities", X)

    def _run(self, output, X):
        return self.session.run([output], self.feed(X))[0]

    def feed(self, X):
        """Convert a table to the inputs of the model.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)
            Dense, with the columns of the table that the student was fitted on.

        Returns
        -------
        feed : dict of str to ndarray
            One matrix, or one array of shape (n_samples, 1) for each column.
        """
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


def _check_outputs(kinds):
    """Check that a model returns the labels and a matrix of probabilities, or targets."""
    is_regressor = kinds.keys() in ({"variable"}, {"variable", "quantiles"})
    is_classifier = kinds.keys() == {"label", "probabilities"}
    if not (is_regressor or (is_classifier and kinds["probabilities"] in _DTYPES)):
        raise ValueError(
            f"the model has the outputs {kinds}, expected tensors 'label' and 'probabilities' of a "
            "classifier, or 'variable' and maybe 'quantiles' of a regressor: export it with "
            "zipmap=False."
        )


_DTYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(bool)": np.bool_,
}
# These stand for missing values. They are not categories, so the model treats them as unseen.
_NO_STRING, _NO_INTEGER = "\x00missing", np.iinfo(np.int64).min


def _column(values, kind):
    """Return a column in the type of its input, with missing values replaced."""
    missing = np.array([is_missing(value) for value in values], dtype=bool)
    if kind == "tensor(string)":
        return np.where(missing, _NO_STRING, values).astype(object)
    filler = _NO_INTEGER if kind == "tensor(int64)" else np.nan
    return np.where(missing, filler, values).astype(_DTYPES[kind])
