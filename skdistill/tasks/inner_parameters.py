"""`InnerParameters`, for estimators around another one whose parameters they share."""

from inspect import Parameter, signature

from sklearn.base import BaseEstimator

from skdistill.sklearn_private import DocumentationLink


class InnerParameters(DocumentationLink, BaseEstimator):
    """Base of a meta-estimator that has the parameters of its inner estimator as its own."""

    _inner = "classifier"  # the parameter that holds it

    def get_params(self, deep=True):
        """Get the parameters.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include the parameters of the inner estimator, by their own names.

        Returns
        -------
        params : dict
        """
        params = super().get_params(deep)
        return params | self._inner_params() if deep else params

    def set_params(self, **params):
        """Set parameters of this estimator, or of the inner one by their own names.

        Parameters
        ----------
        **params : dict

        Returns
        -------
        self : estimator
        """
        if self._inner in params:  # first, as the other parameters may be those of the new one
            setattr(self, self._inner, params.pop(self._inner))
        inner = self._inner_params()
        passed_on = {name: params.pop(name) for name in list(params) if name in inner}
        super().set_params(**params)
        if passed_on:
            getattr(self, self._inner).set_params(**passed_on)
        return self

    def _inner_params(self):
        """Return the inner estimator's parameters by name, except for names of our own."""
        inner = getattr(self, self._inner)
        params = _parameters_of(inner) if hasattr(inner, "get_params") else {}
        return {name: params[name] for name in params if name not in self._get_param_names()}


def _parameters_of(estimator):
    """Return the parameters by name, also those that CatBoost leaves out as they are not set."""
    params = estimator.get_params()
    if isinstance(estimator, BaseEstimator):
        return params
    unset = signature(type(estimator)).parameters.values()
    return {
        each.name: each.default for each in unset if each.default is not Parameter.empty
    } | params
