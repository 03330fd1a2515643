"""The mixin that saves a fitted student, and exports it to ONNX and C."""

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted


class ExportMixin(BaseEstimator):
    """Mixin for distilled estimators that saves and exports their student."""

    def save(self, path):
        """Save the student to a safetensors file.

        The file holds what predicting needs and the fitted attributes that are plain
        values. Parameters that are estimators or splits, a `class_weight` that is a dict, and
        `memory` are not saved. Loading the file executes no code.

        Parameters
        ----------
        path : str or path-like
            Where the file is written. An existing file is replaced as a whole or not at all.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ImportError
            If safetensors is not installed.
        ValueError
            If the student is a custom torch module or an estimator of scikit-learn, if the
            estimator is of a subclass, if a label or a category is neither a string nor a number,
            or if the targets are so large that a prediction could be infinite.

        See Also
        --------
        skdistill.load : Read the file.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> import skdistill
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> tree = DecisionTreeClassifier(max_depth=3, random_state=0)
        >>> clf = skdistill.DistilledClassifier(
        ...     [("tree", tree)], skdistill.StudentNet(max_epochs=2), random_state=0
        ... ).fit(X, y)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "student.safetensors"
        ...     clf.save(path)
        ...     loaded = skdistill.load(path)
        >>> bool((loaded.predict_proba(X) == clf.predict_proba(X)).all())
        True
        """
        from skdistill.serving.files import save

        check_is_fitted(self)
        save(self, path)

    def to_onnx(
        self, path=None, *, dtype="float32", int8=False, X=None, max_changed=0.01, zipmap=False
    ):
        """Export the student, preprocessing included, as an ONNX model.

        Parameters
        ----------
        path : str, path-like or None, default=None
            Where the model is written. None only returns it.
        dtype : {"float32", "float64"}, default="float32"
            Type of the numbers that the model takes.
        int8 : bool, default=False
            Whether to store the weights of the layers in eight bits.
        X : table of shape (n_samples, n_features), default=None
            Rows on which the predictions of both models are compared. Required if `int8`,
            else ignored.
        max_changed : float, default=0.01
            Largest share of the rows of `X` whose predicted class may change. Of a regressor,
            the root mean square by which predictions may change, quantiles included, as a
            share of `target_scale_`: the standard deviation of the target, or its mean where
            `link_` is "log". Ignored unless `int8`.
        zipmap : bool, default=False
            Whether the probabilities of each row are a map from label to probability, as skl2onnx
            has them by default, instead of a row of a matrix. Only for a classifier.

        Returns
        -------
        model : onnx.ModelProto
            If no column holds strings, its input is "X", a dense matrix of shape
            (n_samples, n_features). Otherwise each column is an input of shape
            (n_samples, 1) under its own name, and any string that is not a category, such
            as an empty one, counts as missing. The outputs of a classifier are "label" and
            "probabilities". Those of a regressor are "variable" of shape
            (n_samples, `n_outputs_`) and, if it has `quantiles_`, "quantiles", sorted in each
            row. They are float64: in float32, a target around 1e6 is rounded to multiples of
            1/16.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ImportError
            If onnx is not installed, or, with `int8`, onnxruntime, or, for a student that is an
            estimator of scikit-learn, skl2onnx.
        ValueError
            If the student is a custom torch module, or an estimator that skl2onnx has no
            converter for or that is not to be in eight bits, if a label or a category is neither
            a string nor a number, if a column that becomes an input is named like an output,
            if eight bits change predictions too much, or if `zipmap` meets a regressor, or
            labels that are neither integers nor strings. Nothing is written then.

        See Also
        --------
        skdistill.OnnxStudent : Predict with the model through onnxruntime.
        skdistill.to_onnx : Export a whole pipeline.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from skdistill import DistilledClassifier, StudentNet
        >>> X, y = load_iris(return_X_y=True)
        >>> tree = DecisionTreeClassifier(max_depth=3, random_state=0)
        >>> clf = DistilledClassifier(
        ...     [("tree", tree)], StudentNet(max_epochs=2), random_state=0
        ... ).fit(X, y)
        >>> model = clf.to_onnx()
        >>> [output.name for output in model.graph.output]
        ['label', 'probabilities']
        """
        from skdistill.serving.onnx import to_onnx

        check_is_fitted(self)
        return to_onnx(
            self, path, dtype=dtype, int8=int8, X=X, max_changed=max_changed, zipmap=zipmap
        )

    def to_c(self, path=None, *, name="student"):
        """Export the student as one C99 file that needs only math.h and allocates nothing.

        Parameters
        ----------
        path : str, path-like or None, default=None
            Where the file is written. None only returns the code.
        name : str, default="student"
            Name of the function. That of a classifier,
            ``int student(const double *x, double *proba)``, writes the probabilities and
            returns the index of the most probable class, or -1 if a value is infinite. That
            of a regressor, ``int student(const double *x, double *y)``, writes `n_outputs_`
            targets and then the quantiles, sorted, and returns 0, or -1 if a value is infinite.
            A missing value is NAN. A category that is a number is passed as it is; a string is
            passed as its rank among the categories, which the comment at the top of the file
            lists.

        Returns
        -------
        code : str

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If the student is a custom torch module or an estimator of scikit-learn, if
            categories above 2**53 are equal as doubles, or if `name` is not an identifier in
            C or is used by C or by the file itself.

        See Also
        --------
        to_onnx : Export the student as an ONNX model.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from skdistill import DistilledClassifier, StudentNet
        >>> X, y = load_iris(return_X_y=True)
        >>> tree = DecisionTreeClassifier(max_depth=3, random_state=0)
        >>> clf = DistilledClassifier(
        ...     [("tree", tree)], StudentNet(max_epochs=2), random_state=0
        ... ).fit(X, y)
        >>> code = clf.to_c(name="iris")
        >>> "int iris(const double *x, double *proba)" in code
        True
        """
        from skdistill.serving.c import to_c

        check_is_fitted(self)
        return to_c(self, path, name=name)
