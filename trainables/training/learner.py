"""A model in training: one step, one epoch.

No window, no reports, no validation: loop.py. Generators are functions of seed, epoch and rank
(trainables/seeding.py) and the learning rate one of the step, so neither is ever saved.
"""

from __future__ import annotations

import copy

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils import clip_grad_norm_

from joulefront.trial import TrialContext
from trainables.seeding import stream
from trainables.training.batches import Batch, epoch_order
from trainables.training.config import TrainingConfig
from trainables.training.losses import loss_of
from trainables.training.model import Model
from trainables.training.optimisers import build_optimisers, parameters_of
from trainables.training.schedules import rate_factor
from trainables.training.scoring import autocast


class Learner:
    """Trains one model on one side.

    Args:
        config: Hyperparameters.
        model: On the device of `side`.
        side: All training samples.
        trial: Its seed gives the order of samples and the model's draws. With a world size above 1
            a process group must be initialised, and its ranks share each step.
    """

    def __init__(
        self, config: TrainingConfig, model: Model, side: Batch, trial: TrialContext
    ) -> None:
        self.config, self.model, self.side = config, model, side
        self.seed, self.rank, self.world_size = trial.seed, trial.rank, trial.world_size
        self.device = side.labels.device
        self.trained: nn.Module = model
        if self.world_size > 1:  # a rank may see no image, or no score, in a step
            self.trained = DistributedDataParallel(model, find_unused_parameters=True)
        self.optimisers = build_optimisers(model, config)
        self.loss = loss_of(config, torch.bincount(side.labels, minlength=model.classes))

    def train_epoch(self, epoch: int) -> float:
        """Pass over the side once.

        Args:
            epoch: From 0; decides the order, all draws and the learning rate.

        Returns:
            Mean loss in nats over the samples of all ranks, without the model's penalty.
        """
        self.trained.train()
        ranks = {"rank": self.rank, "world_size": self.world_size}
        order = epoch_order(len(self.side), seed=self.seed, epoch=epoch, **ranks)
        batches = torch.split(order, self.config.batch_size)
        noise = stream(self.seed, "noise", epoch, self.rank, device=self.device)
        sums = torch.zeros(2, device=self.device)  # loss, samples
        for place, rows in enumerate(batches):
            self._set_rate(epoch * len(batches) + place, self.config.epochs * len(batches))
            loss = self._step(self.side.take(rows), noise)
            sums += torch.stack([loss * len(rows), loss.new_tensor(len(rows))])
        if self.world_size > 1:
            dist.all_reduce(sums)
            for buffer in self.model.buffers():  # what was learned beside the gradients: rank 0's
                dist.broadcast(buffer, src=0)
        return float(sums[0] / sums[1])

    def warm_up(self) -> None:
        """Take one step on a throw-away copy, so that first-time costs lie behind."""
        twin = copy.copy(self)
        twin.model = twin.trained = copy.deepcopy(self.model).train()
        twin.optimisers = build_optimisers(twin.model, self.config)
        rows = range(min(len(self.side), self.config.batch_size))
        twin._step(self.side.take(rows), stream(self.seed, "warm-up", device=self.device))

    def _set_rate(self, step: int, steps: int) -> None:
        """Set the rate of the loop's own optimiser."""
        config = self.config
        factor = rate_factor(step, steps, config.schedule, config.warmup_share)
        for group in self.optimisers[0].param_groups:
            group["lr"] = config.learning_rate * factor

    def _step(self, batch: Batch, noise: torch.Generator) -> Tensor:
        """Take one step; returns the () loss, detached."""
        with autocast(self.device, self.config.precision):
            output = self.trained(batch, noise)
        loss = self.loss(output.logits.float(), batch.labels)
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)
        (loss + output.penalty).backward()
        if self.config.clip_norm:
            clip_grad_norm_(parameters_of(self.optimisers[0]), self.config.clip_norm)
        for optimiser in self.optimisers:
            optimiser.step()
        return loss.detach()
