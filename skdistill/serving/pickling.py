"""The mixin that pickles a distilled estimator so that predicting needs no library of `fit`."""

import copyreg

from sklearn.base import BaseEstimator

from skdistill.serving.closed import PLAIN, Pickled, Unavailable, built, described
from skdistill.serving.forward import ForwardPass
from skdistill.serving.state import from_plain, to_plain

# Predicting needs none of these, and their libraries may be missing where a student is served.
FOR_FIT = ("teachers", "student", "augmenter", "cv", "teacher_")
CLOSED = "_closed_"


class PicklingMixin(BaseEstimator):
    """Mixin that reduces the student to plain arrays, and closes what only `fit` needs.

    What is closed is opened when the attribute is asked for, by `get_params` and `clone` too. A
    parameter whose library is missing is `Unavailable` then, and `set_params` refuses what is
    within it.
    """

    def __copy__(self):
        """Return a shallow copy, which shares what is closed or open."""
        copied = type(self).__new__(type(self))
        copied.__dict__.update(vars(self))
        return copied

    def __reduce_ex__(self, protocol):
        """Return what pickle and deepcopy need; skops calls `__getstate__` alone."""
        return copyreg.__newobj__, (type(self),), self._state(close=Pickled.of)  # type: ignore[attr-defined]

    def __getstate__(self):
        """Return the state without pickles, as skops needs it."""
        for name in FOR_FIT:
            getattr(self, name, None)  # opens what came from a pickle
        return self._state(close=described)

    def _state(self, close):
        state = dict(super().__getstate__())
        if isinstance(state.get("student_"), ForwardPass):
            state["plain_"] = to_plain(state.pop("inputs_"), state.pop("student_"))
        for name in FOR_FIT:
            if name in state:  # set since the estimator was loaded, instead of what is closed
                state.pop(CLOSED + name, None)
            if not isinstance(state.get(name), PLAIN):
                closed = close(state[name])
                if closed is not None:
                    state[CLOSED + name] = closed
                    del state[name]
        return state

    def __setstate__(self, state):
        state = dict(state)
        if "plain_" in state:
            state["inputs_"], state["student_"] = from_plain(state.pop("plain_"))
        super().__setstate__(state)

    def __getattr__(self, name):
        """Open an attribute that is closed; Python calls this only if there is none."""
        closed = vars(self).get(CLOSED + name)
        if closed is None:
            if name in vars(self):  # opened meanwhile by another thread
                return vars(self)[name]
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        try:
            value = closed.open() if isinstance(closed, Pickled) else built(closed)
        except ImportError as error:
            if name.endswith("_"):
                raise
            return Unavailable(str(error))  # so that the estimator can be shown and cloned
        setattr(self, name, value)
        self.__dict__.pop(CLOSED + name, None)
        return value

    def __delattr__(self, name):
        """Delete an attribute, also one that is closed."""
        if self.__dict__.pop(CLOSED + name, None) is None or name in vars(self):
            super().__delattr__(name)

    def set_params(self, **params):
        """Set parameters; one within a parameter whose library is missing is refused by name."""
        own = self.get_params(deep=False)
        for key in params:
            name, _, inner = key.partition("__")
            if name not in own:  # a teacher, as far as one can see without them
                name, inner = "teachers", key
            if inner and name not in params and isinstance(own[name], Unavailable):
                raise ImportError(
                    f"{key!r} cannot be set, because {name} cannot be opened here: "
                    f"{own[name].reason}. Install what is missing, or set {name} as a whole."
                )
        return super().set_params(**params)

    def _is_closed(self, name):
        """Tell whether an attribute has not been asked for since the estimator was loaded."""
        return CLOSED + name in vars(self) and name not in vars(self)
