from __future__ import annotations

from joulefront.search import propose
from joulefront.testing.samplers import SPACE, synthetic_history


def ask(history):
    return propose(SPACE, 2, sampler="gp", seed=0, index=50, history=history)


def test_thread_count_neither_changes_a_proposal_nor_is_changed_by_it():
    import torch

    history = synthetic_history(24)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = ask(history)
        torch.set_num_threads(4)
        assert ask(history) == one
        assert torch.get_num_threads() == 4
    finally:
        torch.set_num_threads(before)


def test_torch_random_state_and_default_type_are_left_alone():
    import torch

    torch.manual_seed(3)
    state = torch.get_rng_state()
    ask(synthetic_history(14))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_default_dtype() == torch.float32


def test_it_is_random_until_ten_are_complete():
    startup = synthetic_history(11)  # one of them failed, ten are complete
    random = ask(())
    assert ask(startup[:10]).params == random.params
    assert ask(startup).params != random.params
