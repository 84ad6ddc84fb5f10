from __future__ import annotations

import os
import random
import subprocess
import sys

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


def test_torch_that_is_imported_later_starts_no_differently():
    pytest.importorskip("torch")
    script = (
        "import random, sys\n"
        "from joulefront.trial.isolation import isolated\n"
        "assert 'torch' not in sys.modules\n"
        "for _ in range(2):\n"
        "    with isolated(seed=5, threads=1):\n"
        "        import torch\n"
        "        print(random.random(), float(torch.rand(())), torch.get_num_threads())\n"
        "assert not any('joulefront' in type(f).__module__ for f in sys.meta_path)\n"
    )
    printed = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert printed[0] == printed[1] and printed[0].endswith(" 1")
