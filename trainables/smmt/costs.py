"""What a trained SMMT costs, measured on samples it was not trained on, after the energy window."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from joulefront.trial import TrialContext
from trainables.attention.blocks import BlockAttention
from trainables.flops import count_flops
from trainables.probe import count_parameters, median_seconds, peak_memory_bytes, wait_for
from trainables.smmt.batch import Batch
from trainables.smmt.learner import Learner
from trainables.smmt.model import SMMT

SAMPLES = 16  # samples that operations are counted, latency is timed and energy is measured on
INFERENCE_SECONDS = {"cpu": 0.3, "cuda": 2.0}  # a GPU's energy counter advances every 0.1 s


def measure_costs(learner: Learner, batch: Batch) -> dict[str, float | int]:
    """Probe the model; none of the probes changes it.

    Args:
        learner: The trained model.
        batch: Validation side, since costs may be objectives; its first samples are used.

    Returns:
        parameters; flops_per_sample of a forward pass; latency_seconds of one sample, median;
        peak_memory_bytes of a training step; clusters_effective.
    """
    model = learner.model.eval()
    probed = _probed(batch)
    singles = [partial(_forward, model, probed.take([row])) for row in range(len(probed))]
    return {
        "parameters": count_parameters(model),
        "flops_per_sample": count_flops(partial(_forward, model, probed)) / len(probed),
        "latency_seconds": median_seconds(singles, learner.device),
        "peak_memory_bytes": peak_memory_bytes(partial(learner.warm_up, batch), learner.device),
        "clusters_effective": effective_clusters(model, probed),
    }


def measure_inference(learner: Learner, batch: Batch, trial: TrialContext) -> None:
    """Have the trial measure the energy of a forward pass over the probed samples at once.

    Repeated for about `INFERENCE_SECONDS`, after the passes that have told how long one takes.

    Args:
        learner: The trained model.
        batch: As in `measure_costs`.
        trial: Whose `inference_energy_joules_per_sample` it becomes.
    """
    probed = _probed(batch)
    forward = partial(_forward, learner.model.eval(), probed)
    seconds = median_seconds([forward], learner.device)
    passes = math.ceil(INFERENCE_SECONDS[learner.device.type] / seconds)
    with trial.inference(passes * len(probed)):
        for _ in range(passes):
            forward()
        wait_for(learner.device)


def effective_clusters(model: SMMT, batch: Batch) -> float:
    """Return the mean number of clusters that hold a token.

    Averaged over layers and over samples that have the last modality of the cascade, which is the
    image where there are images. Dense attention has 1; NaN if no sample has that modality.
    """
    counts: list[float] = []
    last = list(model.blocks)[-1]
    hooks = [
        module.register_forward_pre_hook(_counting(counts))
        for module in model.blocks[last].modules()
        if isinstance(module, BlockAttention)
    ]
    _forward(model, batch)
    for hook in hooks:
        hook.remove()
    return statistics.fmean(counts) if counts else float("nan")


def _counting(counts: list[float]) -> Callable[[nn.Module, tuple[Tensor, tuple[int, ...]]], None]:
    def count(module: nn.Module, inputs: tuple[Tensor, tuple[int, ...]]) -> None:
        rows, lengths = inputs
        if isinstance(module, BlockAttention) and len(rows):
            counts.append(module.plan(rows, lengths).blocks / sum(n > 0 for n in lengths))

    return count


def _probed(batch: Batch) -> Batch:
    return batch.take(range(min(SAMPLES, len(batch))))


@torch.no_grad()
def _forward(model: SMMT, batch: Batch) -> None:
    model(batch)
