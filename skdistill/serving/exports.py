"""What a fitted student can be written as."""

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from skdistill.serving.forward import ForwardPass
from skdistill.serving.state import from_plain, to_plain


class ExportMixin(BaseEstimator):
    """The methods of a distilled estimator that write its student for other places.

    Pickled, it is plain arrays too.
    """

    def save(self, path):
        """Write the student to a safetensors file, which `skdistill.load` reads.

        Loading it executes nothing. It holds what predicting needs and what `fit` found,
        but no recipe: parameters that are estimators are not in it.

        Parameters
        ----------
        path : str or path-like

        Raises
        ------
        ValueError
            If the student is a torch module of your own, or a level is neither string
            nor number.
        """
        from skdistill.serving.files import save

        check_is_fitted(self)
        save(self, path)

    def to_onnx(self, path=None, **options):
        """Write the student, preprocessing included, as an ONNX model.

        Parameters
        ----------
        path : str, path-like or None, default=None
            None: only return the model.
        **options
            ``dtype``: "float32" or "float64", what the graph takes as numbers.
            ``int8``: store weights in eight bits, refused if on the rows of ``X`` more
            than the share ``max_changed`` of the answers change.

        Returns
        -------
        model : onnx.ModelProto
            It takes "X", dense, of shape (n_samples, n_features) where no column has strings,
            else each column by its name, and gives "label" and "probabilities". A
            missing string is any that is no level, such as an empty one.

        Raises
        ------
        ValueError
            If the student is a torch module of your own, a level is neither string nor
            number, or eight bits change too much.
        """
        from skdistill.serving.onnx import to_onnx

        check_is_fitted(self)
        return to_onnx(self, path, **options)

    def to_c(self, path=None, *, name="student"):
        """Write the student as one C99 file, which needs math.h and allocates nothing.

        Parameters
        ----------
        path : str, path-like or None, default=None
            None: only return the code.
        name : str, default="student"
            Of the function ``int student(const double *x, double *proba)``. It returns the
            index of the most probable class. A missing value is NAN; a string is given as
            its rank among the levels, which the file lists.

        Returns
        -------
        code : str
        """
        from skdistill.serving.c import to_c

        check_is_fitted(self)
        return to_c(self, path, name=name)

    def __getstate__(self):
        """The student as plain arrays: a file then needs no type of ours but this one."""
        state = dict(super().__getstate__())
        if isinstance(state.get("student_"), ForwardPass):
            state["plain_"] = to_plain(state.pop("inputs_"), state.pop("student_"))
        return state

    def __setstate__(self, state):
        state = dict(state)
        if "plain_" in state:
            state["inputs_"], state["student_"] = from_plain(state.pop("plain_"))
        super().__setstate__(state)
