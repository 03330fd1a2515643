"""Clones and their seeds."""

import numpy as np
from sklearn.ensemble import BaggingClassifier
from sklearn.tree import DecisionTreeClassifier

from skdistill.jobs.seeds import seeded_clone


def test_every_seed_that_is_open_is_set_in_the_clone_alone():
    bagging = BaggingClassifier(DecisionTreeClassifier())

    params = seeded_clone(bagging, np.random.RandomState(0)).get_params()

    seeds = {params["random_state"], params["estimator__random_state"]}
    assert len(seeds) == 2
    assert None not in seeds
    assert bagging.random_state is None


def test_a_seed_that_is_given_is_kept():
    tree = DecisionTreeClassifier(random_state=7)

    assert seeded_clone(tree, np.random.RandomState(0)).random_state == 7
