"""From a planned trial to what its worker is told."""

from __future__ import annotations

from joulefront.launch.plan import Configuration, TrialPlan
from joulefront.spec import StudySpec
from joulefront.trial import Assignment


def assignment_of(trial: TrialPlan, configuration: Configuration, spec: StudySpec) -> Assignment:
    """Return what a worker is told, without store, power model and checkpoint."""
    return Assignment(
        trainable=spec.trainable,
        trial_id=trial.trial_id,
        config_id=trial.config_id,
        attempt=trial.attempt,
        role=trial.role,
        fold=trial.fold,
        seed=trial.seed,
        parameters=dict(spec.fixed) | dict(configuration.parameters),
        data=spec.data,
        objectives=tuple(objective.metric for objective in spec.objectives),
        workers=spec.per_trial.workers,
        cpus=spec.per_trial.cpus,
        gpus=spec.per_trial.gpus,
        allow_shared_gpu=spec.energy.allow_shared_gpu,
    )
