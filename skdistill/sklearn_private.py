"""All uses of private scikit-learn names.

Any release may move them; a test keeps them out of other files.
"""

from sklearn.base import BaseEstimator
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._missing import is_pandas_na
from sklearn.utils._param_validation import HasMethods, Interval, RealNotInt, StrOptions
from sklearn.utils.metaestimators import _BaseComposition as BaseComposition
from sklearn.utils.validation import _check_sample_weight as check_sample_weight
from sklearn.utils.validation import _num_samples as num_samples

SOURCE = "https://github.com/skdistill/skdistill/blob/main/"
__all__ = [
    "BaseComposition",
    "DocumentationLink",
    "HasMethods",
    "Interval",
    "RealNotInt",
    "StrOptions",
    "check_sample_weight",
    "is_pandas_na",
    "is_search",
    "n_threads",
    "num_samples",
    "parallel_block",
    "safe_indexing",
    "serial_block",
    "validate_params",
]


class DocumentationLink:
    """Mixin for estimators: their HTML diagram links to their docstring."""

    def _get_doc_link(self):
        module = type(self).__module__
        if module.partition(".")[0] != "skdistill":  # a subclass, which is documented elsewhere
            return ""
        return f"{SOURCE}{module.replace('.', '/')}.py"


def is_search(estimator):
    """Tell whether an estimator is a search, such as `GridSearchCV`."""
    from sklearn.model_selection._search import BaseSearchCV  # a slow import, rarely needed

    return isinstance(estimator, BaseSearchCV)


def validate_params(estimator):
    """Check the parameters of an estimator of scikit-learn and of those within it."""
    for part in (estimator, *estimator.get_params().values()):
        if isinstance(part, BaseEstimator) and hasattr(part, "_parameter_constraints"):
            part._validate_params()


def n_threads():
    """Return how many threads OpenMP may use: fewer in a process beside others of joblib."""
    from sklearn.utils._openmp_helpers import _openmp_effective_n_threads

    return _openmp_effective_n_threads()


def parallel_block(estimators, names, *, dash_wrapped=True):
    """Return what the HTML diagram draws as estimators side by side."""
    return _visual_block("parallel", estimators, names=names, dash_wrapped=dash_wrapped)


def serial_block(blocks):
    """Return what the HTML diagram draws as blocks one below the other."""
    return _visual_block("serial", blocks, dash_wrapped=False)


def _visual_block(*args, **kwargs):
    from sklearn.utils._repr_html.estimator import _VisualBlock  # only notebooks draw it

    return _VisualBlock(*args, **kwargs)
