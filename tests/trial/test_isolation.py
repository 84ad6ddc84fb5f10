from __future__ import annotations

import os
import random

import numpy as np
import pytest

from joulefront.trial.isolation import isolated


def leave_a_mess() -> None:
    import torch

    os.environ["JOULEFRONT_MESS"] = "1"
    os.chdir("/")
    random.seed(99)
    np.random.seed(99)
    torch.manual_seed(99)
    torch.set_num_threads(3)
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)


def draws() -> tuple[float, float, float]:
    import torch

    return random.random(), float(np.random.rand()), float(torch.rand(()))


def test_a_reused_process_starts_like_a_fresh_one():
    torch = pytest.importorskip("torch")
    before = (os.getcwd(), torch.get_num_threads())
    try:
        with isolated(seed=5, threads=1):
            fresh = draws()
            leave_a_mess()
        assert "JOULEFRONT_MESS" not in os.environ and os.getcwd() == before[0]
        with isolated(seed=5, threads=1):
            assert draws() == fresh
            assert torch.get_num_threads() == 1
            assert torch.get_default_dtype() == torch.float32 and torch.is_grad_enabled()
    finally:
        torch.set_num_threads(before[1])
