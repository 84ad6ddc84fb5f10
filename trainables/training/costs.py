"""What a trained model costs, probed on samples it was not trained on, behind the window."""

from __future__ import annotations

import math
from functools import partial

import torch

from joulefront.trial import TrialContext
from trainables.flops import count_flops
from trainables.probe import count_parameters, median_seconds, peak_memory_bytes, wait_for
from trainables.training.batches import Batch
from trainables.training.learner import Learner
from trainables.training.scoring import autocast

SAMPLES = 16  # samples that operations are counted, latency is timed and energy is measured on
INFERENCE_SECONDS = {"cpu": 0.3, "cuda": 2.0}  # a GPU's energy counter advances every 0.1 s


def measure_costs(learner: Learner, batch: Batch) -> dict[str, float]:
    """Probe the model in the precision it was trained in; none of the probes changes it.

    Args:
        learner: The trained model.
        batch: Validation side, since costs may be objectives; its first samples are used.

    Returns:
        parameters; flops_per_sample of a forward pass; latency_seconds of one sample, median;
        peak_memory_bytes of a training step; what the model's own `costs` say.
    """
    probed = _probed(learner, batch)
    singles = [partial(_forward, learner, probed.take([row])) for row in range(len(probed))]
    with torch.no_grad():
        own = learner.model.costs(probed)
    return {
        "parameters": count_parameters(learner.model),
        "flops_per_sample": count_flops(partial(_forward, learner, probed)) / len(probed),
        "latency_seconds": median_seconds(singles, learner.device),
        "peak_memory_bytes": peak_memory_bytes(learner.warm_up, learner.device),
        **own,
    }


def measure_inference(learner: Learner, batch: Batch, trial: TrialContext) -> None:
    """Have the trial measure the energy of a forward pass over the probed samples at once.

    Repeated for about `INFERENCE_SECONDS`, after the passes that have told how long one takes.

    Args:
        learner: The trained model.
        batch: As in `measure_costs`.
        trial: Whose `inference_energy_joules_per_sample` it becomes.
    """
    probed = _probed(learner, batch)
    forward = partial(_forward, learner, probed)
    seconds = median_seconds([forward], learner.device)
    passes = math.ceil(INFERENCE_SECONDS[learner.device.type] / seconds)
    with trial.inference(passes * len(probed)):
        for _ in range(passes):
            forward()
        wait_for(learner.device)


def _probed(learner: Learner, batch: Batch) -> Batch:
    learner.model.eval()
    return batch.take(range(min(SAMPLES, len(batch))))


@torch.no_grad()
def _forward(learner: Learner, batch: Batch) -> None:
    with autocast(learner.device, learner.config.precision):
        learner.model(batch)
