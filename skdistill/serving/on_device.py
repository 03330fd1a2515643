"""The forward pass of a student in torch, which predicts large tables on a GPU."""

import weakref

import numpy as np
import torch

from skdistill.serving.forward import ForwardPass

ROWS_AT_ONCE = 8192

_uploaded: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def on_device(student, device):
    """Return a student whose arrays are on a device, uploaded once and never pickled.

    Parameters
    ----------
    student : skdistill.serving.forward.ForwardPass or TorchForward
    device : str

    Returns
    -------
    student : DeviceForward, ForwardPass or TorchForward
        The student itself if it is a custom torch module, or if there is no such GPU.
    """
    if not isinstance(student, ForwardPass):
        return student
    wanted = torch.device(device)
    n_gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if wanted.type == "cuda" and (wanted.index or 0) >= n_gpus:
        return student
    uploaded = _uploaded.get(student)
    if uploaded is None or uploaded.device != torch.device(device):
        uploaded = _uploaded[student] = DeviceForward(student, device)
    return uploaded


class DeviceForward:
    """A `ForwardPass` in torch, as `batched_outputs` takes it."""

    rows_at_once = ROWS_AT_ONCE

    def __init__(self, student, device):
        self.device = torch.device(device)
        folded, self.n_embedded = student.folded(), student.layout.n_embedded
        self.weights = [(self._move(weight), self._move(bias)) for weight, bias in folded.weights]
        self.periodic = folded.periodic and [self._move(array) for array in folded.periodic]
        self.bins = self.categories = None
        if folded.bins is not None:
            self.bins = (self._move(folded.bins), self._move(folded.bin_offsets))
        if folded.categories is not None:
            self.categories = (self._move(folded.categories), self._move(folded.category_offsets))

    def _move(self, array):
        return torch.as_tensor(np.ascontiguousarray(array), device=self.device)

    def logits(self, numbers, indicators, categories, bins):
        """Return the logits of a few rows, as `ForwardPass.logits` does."""
        with torch.inference_mode():
            x = self._move(numbers)
            parts = [x, self._move(indicators).float()]
            if self.periodic is not None:
                frequency, phase, weight = self.periodic
                periodic = torch.cos(x[:, : self.n_embedded, None] * frequency + phase)
                parts.append(torch.einsum("npf,pfs->nps", periodic, weight).flatten(1))
            for codes, table in ((bins, self.bins), (categories, self.categories)):
                if table is not None:
                    embeddings, first = table
                    parts.append(embeddings[self._move(codes) + first].flatten(1))
            h = torch.cat(parts, 1)
            for weight, bias in self.weights[:-1]:
                h = torch.relu(torch.addmm(bias, h, weight))
            weight, bias = self.weights[-1]
            return torch.addmm(bias, h, weight).cpu().numpy()
