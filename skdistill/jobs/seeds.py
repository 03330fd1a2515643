"""Seeds and random number generators."""

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state

MAX_SEED = np.iinfo(np.int32).max


def draw_seed(rng):
    """Draw an int that seeds another generator."""
    return rng.randint(MAX_SEED)


def repeatable_rng(random_state, memory):
    """Return the generator of a fit; with memory, None is 0, so that a later fit finds results."""
    return check_random_state(0 if random_state is None and memory is not None else random_state)


def seeded_clone(estimator, rng):
    """Clone an estimator, and set each `random_state` that is None to a seed."""
    estimator = clone(estimator)
    params = estimator.get_params(deep=True)
    unset = [
        key
        for key in sorted(params)
        if (key == "random_state" or key.endswith("__random_state"))
        and params[key] is None
        and params.get(f"{key.removesuffix('state')}seed") is None  # CatBoost's other name of it
    ]
    if unset:
        estimator.set_params(**{key: draw_seed(rng) for key in unset})
    return estimator
