"""Seeds and random number generators."""

import numpy as np
from sklearn.utils import check_random_state

MAX_SEED = np.iinfo(np.int32).max


def draw_seed(rng):
    """Draw an int that seeds another generator."""
    return rng.randint(MAX_SEED)


def repeatable_rng(random_state, memory):
    """Return the generator of a fit; with memory, None is 0, so that a later fit finds results."""
    return check_random_state(0 if random_state is None and memory is not None else random_state)
