"""Train a student on the iris data, and write the files that are served: a few seconds."""

from sklearn.datasets import load_iris
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression

from skdistill import DistilledClassifier

data = load_iris()
teachers = [
    ("trees", ExtraTreesClassifier(100)),
    ("logistic", LogisticRegression(max_iter=1000)),
]
student = DistilledClassifier(teachers, random_state=0)
student.fit(data.data, data.target_names[data.target])

student.save("student.safetensors")  # for api.py
student.to_onnx("student.onnx")  # for index.html
student.to_c("student.c")  # for main.c
