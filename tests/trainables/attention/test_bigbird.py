from __future__ import annotations

import torch

from trainables.attention.bigbird import BigBirdAttention
from trainables.seeding import stream


def drawn(seed: int, random_blocks: int = 3) -> BigBirdAttention:
    layer = BigBirdAttention(16, 4, block=8, random_blocks=random_blocks)
    layer.draw(stream(seed, "weights"))
    return layer


def test_an_inner_block_sees_window_ends_and_r_others() -> None:
    pattern, fixed = drawn(1).pattern(20), drawn(1, random_blocks=0).pattern(20)
    assert pattern[[0, -1]].all()
    assert pattern[:, [0, -1]].all()
    assert fixed[7].nonzero().flatten().tolist() == [0, 6, 7, 8, 19]
    assert ((pattern & ~fixed)[1:-1].sum(1) == 3).all()
    assert (pattern | ~fixed).all()


def test_few_blocks_are_all_seen() -> None:
    assert drawn(1).pattern(5).all()


def test_layers_differ_and_a_saved_one_comes_back() -> None:
    generator = stream(1, "weights")
    first, second, restored = drawn(1), drawn(2), drawn(3)
    first.draw(generator)
    second.draw(generator)
    assert not torch.equal(first.pattern(20), second.pattern(20))
    restored.load_state_dict(second.state_dict())
    assert torch.equal(restored.pattern(20), second.pattern(20))
    assert not torch.equal(first.pattern(20)[:19, :19], first.pattern(19))


def test_pairs_grow_linearly(make_layer, make_rows) -> None:
    layer = make_layer("bigbird")
    few, many = (layer.work(make_rows((n,)), (n,)).pairs for n in (512, 2048))
    assert 4 <= many / few < 4.3
