"""Measure what training through skorch costs, compared with a plain torch loop.

    python benchmarks/bench_training.py                   # on the CPU
    python benchmarks/bench_training.py --device cuda     # on the GPU

`StudentNet`, a plain torch loop over tensors, and plain skorch with its `DataLoader` train the
same net with the same loss, optimizer, batch size, held-out rows and number of epochs. They run
one after the other in one process and one thread, several times; compare the ratios of the
medians. On a CPU the seconds are CPU time of the process, which other programs disturb least.

Then six nets of three hidden layers of 256 units are trained side by side, as cross-fitting does.
Their rate is that of all floating-point operations of the layers' products in the time of a whole
step. It is compared with the rate of NumPy's product of a batch and a layer's weights.

On a GPU, students of three widths are trained in bfloat16 and in float32 as well.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import time
from functools import partial

import numpy as np
import torch
from common import save
from skorch import NeuralNet
from skorch.dataset import Dataset
from skorch.helper import predefined_split

from skdistill import DistillationLoss, StudentMLP, StudentNet, TensorNet
from skdistill.nets.losses import pack_targets
from skdistill.nets.side_by_side import StackedRows, StackedTraining
from skdistill.table.net_inputs import InputLayout, NetInputs

BATCH = 256
STACK_BATCHES = (128, 256)
WIDTHS = (256, 1024, 4096)
LOSS = {"temperature": 2.0, "alpha": 0.5}


def main():
    """Time all three loops and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", default="training", help="name of the JSON in results/")
    parser.add_argument("--smoke", action="store_true", help="tiny, written nowhere")
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.rows, arguments.epochs, arguments.repeats = 1_000, 1, 1
    torch.set_num_threads(1)
    clock = time.process_time if arguments.device == "cpu" else time.perf_counter
    layout, train, valid = rows(arguments.rows)
    contestants = {"torch loop": torch_loop, "StudentNet": student_net, "skorch": plain_skorch}
    seconds = {name: [] for name in contestants}
    for repeat in range(arguments.repeats + 1):
        for name, fit in contestants.items():
            started = clock()
            fit(layout, train, valid, arguments.epochs, arguments.device)
            if arguments.device != "cpu":
                torch.cuda.synchronize()
            if repeat or arguments.smoke:  # the first round warms up
                seconds[name].append((clock() - started) / arguments.epochs)
    shares = [side_by_side(size, arguments.device, clock) for size in (42, *STACK_BATCHES)]
    on_gpu = arguments.device != "cpu"
    precisions = [precision(width, layout, train, arguments.device) for width in WIDTHS * on_gpu]
    medians = {name: float(np.median(times)) for name, times in seconds.items()}
    for name, median in medians.items():
        ratio = median / medians["torch loop"]
        print(f"{name:12} {median:.3f} s an epoch, {ratio:.2f} times the torch loop")
    if not arguments.smoke:
        save(
            arguments.out,
            {
                **vars(arguments),
                "seconds_per_epoch": seconds,
                "medians": medians,
                "side_by_side": shares,
                "precisions": precisions,
            },
        )


def precision(width, layout, train, device, epochs=3, repeats=2):
    """Return the seconds an epoch of a student of two layers, in bfloat16 and in float32."""
    found = {"width": width, "bfloat16": [], "float32": []}
    for _ in range(repeats):
        for name, mixed_precision in (("bfloat16", True), ("float32", False)):
            for is_warm in (False, True):
                net = StudentNet(
                    module__layout=layout,
                    module__n_classes=5,
                    module__hidden_sizes=(width, width),
                    max_epochs=epochs,
                    batch_size=BATCH,
                    device=device,
                    mixed_precision=mixed_precision,
                    train_split=None,
                    **{f"criterion__{name}": value for name, value in LOSS.items()},
                )
                started = time.perf_counter()
                net.fit(*train)  # ends with the loss of an epoch, which waits for the GPU
                seconds = (time.perf_counter() - started) / epochs
                if is_warm:
                    found[name].append(seconds)
    print(", ".join(f"{key} {value}" for key, value in found.items()))
    return found


def side_by_side(batch_size, device, clock, n_nets=6, n_features=64, n_classes=2):
    """Return the rate of training nets side by side, and that of NumPy's products, in GFLOP/s."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(64 * batch_size, n_features)).astype(np.float32)
    nets = [
        TensorNet(
            StudentMLP, batch_size=batch_size, device=device, mixed_precision=False,
            module__layout=InputLayout(n_features, n_features, 0, (), 0),
            module__n_classes=n_classes, module__hidden_sizes=(256, 256, 256),
            module__n_frequencies=0,
        ).initialize()
        for _ in range(n_nets)
    ]  # fmt: skip
    everything = [np.arange(len(X))] * n_nets
    nothing = [np.arange(0)] * n_nets
    y = rng.integers(0, n_classes, len(X))
    losses = partial(torch.nn.functional.cross_entropy, reduction="none")
    run = StackedTraining(nets, StackedRows(X, None, y, losses, None, everything, nothing))
    run.train_epoch()
    started = clock()
    for _ in range(4):
        run.train_epoch()
    seconds = (clock() - started) / (4 * run.n_batches)
    weights = n_features * 256 + 2 * 256 * 256 + 256 * n_classes
    # Forward, gradient of the weights, gradient of the inputs: the last not for the first layer.
    operations = 2 * batch_size * n_nets * (3 * weights - n_features * 256)
    h, w = (rng.normal(size=(m, 256)).astype(np.float32) for m in (batch_size, 256))
    h @ w
    started = time.process_time()
    for _ in range(500):
        h @ w
    numpy_rate = 500 * 2 * batch_size * 256 * 256 / (time.process_time() - started) / 1e9
    rate = operations / seconds / 1e9
    print(
        f"{n_nets} nets side by side, batches of {batch_size}: {rate:.0f} GFLOP/s, "
        f"{rate / numpy_rate:.0%} of NumPy's {numpy_rate:.0f}"
    )
    return {"batch_size": batch_size, "gflops": rate, "numpy_gflops": numpy_rate}


def rows(n):
    """Return encoded rows of a synthetic table of 30 numbers and 5 classes, and their targets."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 30))
    logits = X @ rng.normal(size=(30, 5))
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    inputs = NetInputs().fit(X, p, np.random.RandomState(0))
    X, targets = inputs.transform(X), pack_targets(p, p.argmax(1))
    cut = n * 9 // 10
    return inputs.layout, (X[:cut], targets[:cut]), (X[cut:], targets[cut:])


def student_net(layout, train, valid, epochs, device):
    """Fit a `StudentNet`, with callbacks, early stopping and history."""
    net = StudentNet(
        module__layout=layout,
        module__n_classes=5,
        max_epochs=epochs,
        batch_size=BATCH,
        device=device,
        mixed_precision=False,
        train_split=predefined_split(Dataset(*valid)),
        **{f"criterion__{name}": value for name, value in LOSS.items()},
    )
    net.fit(*train)


def plain_skorch(layout, train, valid, epochs, device):
    """Fit a plain skorch net."""
    net = NeuralNet(
        StudentMLP,
        DistillationLoss,
        module__layout=layout,
        module__n_classes=5,
        optimizer=torch.optim.AdamW,
        lr=2e-3,
        max_epochs=epochs,
        batch_size=BATCH,
        iterator_train__shuffle=True,
        device=device,
        train_split=predefined_split(Dataset(*valid)),
        verbose=0,
        **{f"criterion__{name}": value for name, value in LOSS.items()},
    )
    net.fit(*train)


def torch_loop(layout, train, valid, epochs, device):
    """Run a plain torch loop."""
    X, y = (torch.as_tensor(part, device=device) for part in train)
    X_valid, y_valid = (torch.as_tensor(part, device=device) for part in valid)
    module = StudentMLP(layout, 5).to(device)
    criterion = DistillationLoss(**LOSS)
    optimizer = torch.optim.AdamW(module.parameters(), lr=2e-3, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for _ in range(epochs):
        module.train()
        criterion.train()
        for batch in torch.randperm(len(X), device=device).split(BATCH):
            optimizer.zero_grad()
            loss = criterion(module(X[batch]), y[batch])
            loss.backward()
            optimizer.step()
        schedule.step()
        module.eval()
        criterion.eval()
        with torch.inference_mode():
            criterion(module(X_valid), y_valid).item()


if __name__ == "__main__":
    main()
