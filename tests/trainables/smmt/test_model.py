from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from trainables.attention import ATTENTIONS, load_attention
from trainables.seeding import stream
from trainables.smmt import Config
from trainables.smmt.batch import MODALITIES, InputShape
from trainables.smmt.model import SMMT, initialise
from trainables.training.optimisers import build_optimisers, parameters_of

CHOICES = [
    {"attention": attention, "masking": masking, "sparsity_gate": gate, "sparsity_penalty": gate}
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
    (output.logits.square().sum() + output.penalty).backward()
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
    model = getattr(make_model(sparsity_penalty=0.5), mode)()
    empty = replace(batch, present=torch.zeros_like(batch.present))
    output = model(empty, stream(0, "noise"))
    output.logits.sum().backward()
    assert torch.isfinite(output.logits).all()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
    assert output.penalty == 0.5
    assert output.counts == ((0, 0),)


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
    model = make_model(gate_openness=0.8, sparsity_penalty=0.5).train()
    output = model(batch, stream(0, "noise"))
    assert output.penalty.item() == pytest.approx(0.5 * 0.8)
    ((kept, offered),) = output.counts
    assert 0.7 < kept / offered < 0.9


def test_the_price_of_a_pattern_is_the_mean_over_the_layers_that_have_one(
    make_model, batch
) -> None:
    values = {"attention": "lspg", "block_size": 4, "attention_penalty": 0.5, "layers": 2}
    model = make_model(**values, sparsity_gate=False).train()
    layers = [layer for name in MODALITIES for layer in model.attentions(name)]
    with torch.no_grad():
        for place, layer in enumerate(layers):
            layer.level.fill_(-place)
    penalty = model(batch, stream(0, "noise")).penalty
    shares = [layer.expected_share.item() for layer in layers]
    assert penalty.item() == pytest.approx(0.5 * sum(shares) / len(layers))
    penalty.backward()
    assert all(layer.level.grad > 0 for layer in model.attentions("image"))


def test_a_modality_that_nobody_has_leaves_no_old_share_behind(make_model, batch) -> None:
    model = make_model(attention="lspg", block_size=4, attention_penalty=0.5).train()
    model(batch, stream(0, "noise")).penalty.backward()
    present = batch.present & torch.tensor([True, True, False])
    penalty = model(replace(batch, present=present), stream(0, "noise")).penalty
    shares = [model.attentions(name)[0].expected_share.item() for name in MODALITIES[:2]]
    assert penalty.item() == pytest.approx(0.5 * sum(shares) / 2)
    penalty.backward()


@pytest.mark.parametrize("name", sorted(ATTENTIONS))
def test_an_attentions_own_values_are_drawn_by_itself(name, make_model, monkeypatch) -> None:
    def own(layer) -> list[torch.Tensor]:
        linear = {id(p) for part in (layer.qkv, layer.out) for p in part.parameters()}
        values = [*layer.parameters(), *layer.buffers()]
        return [value for value in values if id(value) not in linear]

    @torch.no_grad()
    def draw(layer, generator) -> None:
        for value in own(layer):
            value.fill_(torch.randint(7, 8, (), generator=generator))

    model = make_model(attention=name)
    monkeypatch.setattr(load_attention(name), "draw", draw)
    initialise(model, stream(1, "weights"))
    for layer in (layer for modality in MODALITIES for layer in model.attentions(modality)):
        assert all((value == 7).all() for value in own(layer))
        assert not (layer.qkv.weight == 7).any()


def test_the_levels_alone_are_left_to_sgd(make_model) -> None:
    for values, count in (
        ({}, 1),
        ({"sparsity_gate": False}, 0),
        ({"attention": "lspg"}, 4),
        ({"attention": "lspg", "sparsity_gate": False, "layers": 2}, 6),
    ):
        model = make_model(**values)
        loops, *own = build_optimisers(model, model.config)
        assert len(model.levels()) == count
        assert [len(parameters_of(optimiser)) for optimiser in own] == [count][: len(own)]
        assert len(own) == (count > 0)
        assert len(parameters_of(loops)) == len(list(model.parameters())) - count


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
