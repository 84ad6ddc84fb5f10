"""A model and its two optimisers: one step, one epoch, and what is saved of them.

The gate's level has plain SGD with momentum, everything else Adam (SMMT, Table I): see gate.py. A
saved folder holds model.pt and training.pt, which load with `weights_only`, config.json and
preprocessing.json. Generators are functions of seed and epoch (trainables/seeding.py), so they are
not saved.

Shapes: `B` samples.
"""

from __future__ import annotations

import copy
import dataclasses
import json
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel
from torch.optim import SGD, Adam

from trainables.cohorts import Preprocessing
from trainables.seeding import stream
from trainables.smmt.batch import Batch, InputShape
from trainables.smmt.config import Config
from trainables.smmt.model import SMMT
from trainables.smmt.scoring import autocast


class Learner:
    """Trains one SMMT.

    Args:
        config: Hyperparameters.
        shape: Of the inputs.
        seed: Of the weights, the order of samples, the gate's draws and the masks.
        device: Where it trains.
        rank: Of this process.
        world_size: Processes that share each step; above 1 a process group must be initialised.
    """

    def __init__(
        self,
        config: Config,
        shape: InputShape,
        *,
        seed: int,
        device: torch.device,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self.config, self.seed, self.device = config, seed, device
        self.rank, self.world_size = rank, world_size
        self.model = SMMT(config, shape, stream(seed, "weights")).to(device)
        self.trained: nn.Module = self.model
        if world_size > 1:  # a rank may see no image, or no score, in a step
            self.trained = DistributedDataParallel(self.model, find_unused_parameters=True)
        self.optimisers = _optimisers(self.model, config)

    def train_epoch(self, batch: Batch, epoch: int) -> float:
        """Pass over the whole side once.

        Args:
            batch: The training side.
            epoch: From 0; decides the order and all draws.

        Returns:
            Mean cross-entropy in nats over the samples of all ranks, without the penalty.
        """
        self.trained.train()
        noise = stream(self.seed, "noise", epoch, self.rank, device=self.device)
        sums = torch.zeros(2, device=self.device)  # cross-entropy, samples
        for rows in torch.split(self._order(len(batch), epoch), self.config.batch_size):
            loss = self._step(batch.take(rows), noise)
            sums += torch.stack([loss * len(rows), loss.new_tensor(len(rows))])
        if self.world_size > 1:
            dist.all_reduce(sums)
        return float(sums[0] / sums[1])

    def warm_up(self, batch: Batch) -> None:
        """Take one step on a throw-away copy, so that first-time costs lie behind."""
        twin = copy.copy(self)
        twin.model = twin.trained = copy.deepcopy(self.model).train()
        twin.optimisers = _optimisers(twin.model, self.config)
        rows = torch.arange(min(len(batch), self.config.batch_size))
        twin._step(batch.take(rows), stream(self.seed, "warm-up", device=self.device))

    def save(self, folder: Path, *, epochs_done: int, preprocessing: Preprocessing) -> None:
        """Write what `restore` and `load_model` read."""
        training = {
            "epochs_done": epochs_done,
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
        }
        torch.save(self.model.state_dict(), folder / "model.pt")
        torch.save(training, folder / "training.pt")
        _write_json(folder / "config.json", dataclasses.asdict(self.config))
        _write_json(folder / "preprocessing.json", preprocessing.to_dict())

    def restore(self, folder: Path | None) -> int:
        """Go on from a folder.

        Returns:
            Epochs that it has behind it; 0 without a folder.
        """
        if folder is None:
            return 0
        self.model.load_state_dict(_load(folder / "model.pt", self.device))
        training = _load(folder / "training.pt", self.device)
        for optimiser, state in zip(self.optimisers, training["optimisers"], strict=True):
            optimiser.load_state_dict(state)
        return int(training["epochs_done"])

    def _order(self, samples: int, epoch: int) -> Tensor:
        """Shuffle, and give each rank equally many: the first samples come twice if need be."""
        order = torch.randperm(samples, generator=stream(self.seed, "order", epoch))
        order = torch.cat([order, order[: -samples % self.world_size]])
        return order[self.rank :: self.world_size]

    def _step(self, batch: Batch, noise: torch.Generator) -> Tensor:
        """Take one step on B samples; returns () cross-entropy, detached."""
        with autocast(self.device):
            output = self.trained(batch, noise)
        loss = cross_entropy(output.logits.float(), batch.labels)
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)
        (loss + self.config.sparsity_penalty * output.expected_share).backward()
        for optimiser in self.optimisers:
            optimiser.step()
        return loss.detach()


def load_model(folder: Path) -> tuple[SMMT, Preprocessing]:
    """Rebuild a saved model for evaluation, on the CPU.

    Args:
        folder: What `Learner.save` wrote.
    """
    config = Config(**json.loads((folder / "config.json").read_text()))
    preprocessing = Preprocessing.from_dict(json.loads((folder / "preprocessing.json").read_text()))
    weights = _load(folder / "model.pt", torch.device("cpu"))
    patches = weights.get("tokenisers.image.row", torch.empty(0)).shape[0]
    shape = InputShape.of(preprocessing, image_size=patches * config.patch_size)
    model = SMMT(config, shape, stream(0, "weights"))
    model.load_state_dict(weights)
    return model.eval(), preprocessing


def _optimisers(model: SMMT, config: Config) -> list[torch.optim.Optimizer]:
    found: list[torch.optim.Optimizer] = [
        Adam(model.weights(), lr=config.learning_rate, fused=True)
    ]
    if levels := model.levels():
        found.append(SGD(levels, lr=config.gate_learning_rate, momentum=config.gate_momentum))
    return found


def _load(path: Path, device: torch.device) -> dict[str, Tensor]:
    found: dict[str, Tensor] = torch.load(path, map_location=device, weights_only=True)
    return found


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
