"""What the tests of serving share."""

from sklearn.tree import DecisionTreeClassifier

from skdistill import TableClassifier


def encoded_tree():
    """A teacher that takes any table, and is fitted in no time."""
    return [("tree", TableClassifier(DecisionTreeClassifier(max_depth=3, random_state=0)))]
