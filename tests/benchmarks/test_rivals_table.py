"""The tables that bench_rivals.py makes of its JSON."""

import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import bench_rivals

COSTS = {"cpu_s": 1.0, "wall_s": 1.0, "us_one_row": 1.0, "us_in_1000": 1.0, "kilobytes": 1.0}


def run_of(rival, seed, log_loss=None, *, data="wine", **changes):
    """One run, as the JSON has it."""
    model = {"log_loss": log_loss, "accuracy": 0.5, **COSTS}
    run = {"data": data, "seed": seed, "rival": rival, "rows": 200, "time_limit": 10}
    return {**run, "models": {rival: model}, **changes}


def row_of(model, text):
    """The cells of a model in the first table."""
    line = next(line for line in text.splitlines() if line.startswith(f"| {model} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_rival_is_compared_with_the_student_on_the_seeds_that_both_have():
    runs = [
        run_of("skdistill", 0, 0.2),
        run_of("skdistill", 1, 0.9),
        run_of("CatBoost", 0, 0.3),
        run_of("TabM-D", 2, 0.3),
    ]

    text = bench_rivals.table({"runs": runs}, 200, 10)

    assert row_of("CatBoost", text)[-1] == "1 of 1"
    assert row_of("TabM-D", text)[-1] == ""


def test_runs_on_a_gpu_have_losses_but_no_costs():
    runs = [run_of("CatBoost", 0, 0.3), run_of("TabM-D", 0, 0.2, device="cuda")]

    losses, costs = bench_rivals.table({"runs": runs}, 200, 10).split("Cost, ")

    assert "| TabM-D | 0.2000" in losses
    assert "CatBoost" in costs
    assert "TabM-D" not in costs


def test_what_failed_is_named_under_the_tables():
    runs = [
        run_of("CatBoost", 0, 0.3),
        run_of("tabm", 0, data="letter", models={}, error="MemoryError: too large"),
        run_of("GBM", 1, models={"GBM": {"error": "gave no model within the time limit"}}),
    ]

    text = bench_rivals.table({"runs": runs}, 200, 10)

    assert "- tabm on letter, seed 0: MemoryError: too large" in text
    assert "- GBM on wine, seed 1: gave no model within the time limit" in text


def test_tables_without_a_failure_do_not_speak_of_failures():
    assert "Failed" not in bench_rivals.table({"runs": [run_of("CatBoost", 0, 0.3)]}, 200, 10)


def test_the_default_sets_are_the_bundled_ones_and_those_with_classes(monkeypatch, tmp_path):
    targets = {"adult": ["a", "b"], "letter": [1, 2], "ames": [0.5, 1.5], "mq2008": [0, 1]}
    for name, target in targets.items():
        pd.DataFrame({"x": [1, 2], "target": target}).to_parquet(tmp_path / f"{name}.parquet")
    monkeypatch.setattr(bench_rivals, "DATA", tmp_path)

    assert bench_rivals.data_names() == ["adult", "breast_cancer", "digits", "letter", "wine"]
