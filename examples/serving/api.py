"""A student behind FastAPI.

uvicorn api:app

curl localhost:8000/predict -H 'Content-Type: application/json' \
    -d '[{"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}]'
"""

import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel

import skdistill

student = skdistill.load("student.safetensors")
app = FastAPI(title="Iris")


class Flower(BaseModel):
    """A row, with its columns in the order of `fit`."""

    sepal_length: float
    sepal_width: float
    petal_length: float
    petal_width: float


class Prediction(BaseModel):
    """The most probable label, and the probability of each."""

    label: str
    probabilities: dict[str, float]


# FastAPI calls what is not async from several threads at once. A student allows that.
@app.post("/predict")
def predict(flowers: list[Flower]) -> list[Prediction]:
    """Predict the species of each flower."""
    if not flowers:
        return []
    proba = student.predict_proba(np.array([list(dict(each).values()) for each in flowers]))
    labels = student.classes_.tolist()
    return [
        Prediction(label=labels[row.argmax()], probabilities=dict(zip(labels, row.tolist())))
        for row in proba
    ]
