from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from trainables.seeding import stream
from trainables.smmt import Config
from trainables.smmt.batch import MODALITIES, InputShape
from trainables.smmt.model import SMMT

CHOICES = [
    {"attention": attention, "masking": masking, "sparsity_gate": gate}
    for attention in ("dense", "cluster")
    for masking in ("element", "modality", "none")
    for gate in (True, False)
]


@pytest.mark.parametrize("choice", CHOICES)
def test_every_parameter_learns(choice, make_model, batch) -> None:
    model = make_model(**choice).train()
    with torch.no_grad():  # all tokens alike give the gate's direction no gradient
        for name, parameter in model.named_parameters():
            if name.endswith("direction"):
                parameter.normal_(generator=stream(0, "direction"))
    output = model(batch, stream(0, "noise"))
    (output.logits.square().sum() + output.expected_share).backward()
    for name, parameter in model.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("attention", ["dense", "cluster"])
def test_missing_modalities_change_nobody_else_and_give_no_nan(
    attention, make_model, batch
) -> None:
    model = make_model(attention=attention, sparsity_gate=False).eval()
    present = batch.present.clone()
    present[0] = torch.tensor([False, True, True])
    present[1] = torch.tensor([False, False, True])
    present[2] = False
    with torch.no_grad():
        whole, holed = model(batch).logits, model(replace(batch, present=present)).logits
    assert torch.isfinite(holed).all()
    torch.testing.assert_close(whole[3:], holed[3:], atol=1e-5, rtol=1e-5)
    assert not torch.allclose(whole[:3], holed[:3])


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_a_batch_without_any_input_gives_finite_logits_and_gradients(
    mode, make_model, batch
) -> None:
    model = getattr(make_model(), mode)()
    empty = replace(batch, present=torch.zeros_like(batch.present))
    output = model(empty, stream(0, "noise"))
    output.logits.sum().backward()
    assert torch.isfinite(output.logits).all()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
    assert output.expected_share == 1
    assert output.offered == 0


def test_a_sample_is_scored_alone_as_in_a_batch(make_model, batch) -> None:
    model = make_model().eval()
    with torch.no_grad():
        together = model(batch).logits
        alone = torch.cat([model(batch.take([row])).logits for row in range(len(batch))])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("masking", ["element", "modality"])
def test_masking_is_for_training_only(masking, make_model, batch) -> None:
    model = make_model(masking=masking, masking_ratio=0.5, sparsity_gate=False)
    draws = [model.train()(batch, stream(seed, "noise")).logits for seed in (0, 1)]
    assert not torch.allclose(*draws)
    draws = [model.eval()(batch, stream(seed, "noise")).logits for seed in (0, 1)]
    assert torch.equal(*draws)


def test_without_a_penalty_the_gate_offers_its_openness(make_model, batch) -> None:
    output = make_model(gate_openness=0.8).train()(batch, stream(0, "noise"))
    assert output.expected_share.item() == pytest.approx(0.8)
    assert 0.7 < output.kept / output.offered < 0.9


@pytest.mark.parametrize("absent", MODALITIES)
def test_a_cohort_may_lack_a_modality(absent, shape, batch) -> None:
    lacking = {"categorical": {"levels": ()}, "numeric": {"numeric": 0}, "image": {"planes": 0}}
    smaller: InputShape = shape._replace(**lacking[absent])
    model = SMMT(Config(width=16, layers=1), smaller, stream(0, "weights")).eval()
    assert absent not in model.blocks
    assert torch.isfinite(model(batch).logits).all()


def test_weights_are_a_function_of_the_generator_and_draw_nothing_else(make_model) -> None:
    first = make_model().state_dict()
    torch.manual_seed(123)
    second = make_model().state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_bfloat16_autocast_runs_in_both_directions(make_model, batch) -> None:
    model = make_model().train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = model(batch, stream(0, "noise"))
    output.logits.float().sum().backward()
    assert torch.isfinite(output.logits).all()
