from __future__ import annotations

import torch

from trainables.flops import count_flops
from trainables.seeding import stream
from trainables.smmt.gate import TokenGate
from trainables.smmt.tokens import ImageTokeniser


def tokens() -> torch.Tensor:
    return torch.randn(3, 50, 8, generator=stream(1, "tokens"))


def gate_with_directions(openness: float) -> TokenGate:
    gate = TokenGate(8, openness)
    with torch.no_grad():
        gate.direction.normal_(0, 3, generator=stream(1, "direction"))
    return gate


def test_the_share_is_what_is_kept_on_average() -> None:
    gate, noise = gate_with_directions(0.6).train(), stream(0, "noise")
    kept = [gate(tokens(), noise).kept.float().mean() for _ in range(400)]
    expected = gate(tokens(), noise).share
    assert abs(torch.stack(kept).mean() - expected) < 0.01


def test_evaluation_is_deterministic_and_keeps_the_best() -> None:
    gate = gate_with_directions(0.4).eval()
    decision = gate(tokens(), None)
    scores = gate.scores(tokens())
    assert torch.equal(decision.kept, gate(tokens(), None).kept)
    for row, kept in zip(scores, decision.kept, strict=True):
        assert kept.sum() == row.sigmoid().sum().round()
        assert row[kept].min() >= row[~kept].max()


def test_at_least_one_token_is_always_kept() -> None:
    gate = TokenGate(8, 1e-6)
    assert (gate.train()(tokens(), stream(0, "noise")).kept.sum(1) == 1).all()
    assert (gate.eval()(tokens(), None).kept.sum(1) == 1).all()


def test_the_penalty_moves_level_and_direction_but_not_the_stem() -> None:
    gate = gate_with_directions(0.7).train()
    content = tokens().requires_grad_()
    gate(content, stream(0, "noise")).share.backward()
    assert gate.level.grad.item() > 0.05
    assert gate.direction.grad.norm() > 0
    assert content.grad is None


def test_a_token_that_helps_raises_its_own_probability() -> None:
    gate = TokenGate(8, 0.5).train()
    content = tokens()
    decision = gate(content, stream(0, "noise"))
    worth = gate.scores(content).detach() * 0 + content[..., 0]  # more of feature 0 is better
    (-(decision.weight * worth * decision.kept).sum()).backward()
    assert gate.direction.grad[0] < 0  # descent raises the score of tokens with feature 0


def test_dropped_tokens_are_gone_and_kept_ones_whole() -> None:
    gate = TokenGate(16, 0.3).eval()
    tokeniser = ImageTokeniser(1, 16, 4, 16, gate)
    for parameter in (tokeniser.row, tokeniser.column, tokeniser.plane):
        torch.nn.init.zeros_(parameter)
    images, present = torch.randn(2, 1, 16, 16), torch.tensor([True, True])
    with torch.no_grad():
        found = tokeniser(images, present, None)
        content = tokeniser.stem(images).flatten(2).transpose(1, 2)
        kept = gate(content, None).kept
    assert found.tokens.lengths == (5, 5)
    assert found.offered == 32
    torch.testing.assert_close(found.tokens.rows, content[kept])


def test_the_work_after_the_gate_falls_with_its_level(make_model, batch) -> None:
    model = make_model(attention="dense").train()
    counts = []
    for level in (20.0, 0.0, -20.0):
        with torch.no_grad():
            model.tokenisers["image"].gate.level.fill_(level)
        counts.append(count_flops(lambda: model(batch, stream(0, "noise")).logits.sum().backward()))
    assert counts[0] > 1.5 * counts[1] > 2 * counts[2]
