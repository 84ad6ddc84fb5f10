"""`study model STUDY TRIAL --out DIR`: a trial's model as files that load without this package.

The files are copied byte by byte from the trial's last checkpoint, whose checksums are verified
first. Nothing is unpickled: what a `model.pt` holds is for `torch.load(..., weights_only=True)`.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from joulefront.cli.options import StudyPlace, TrialId
from joulefront.cli.piping import write_text
from joulefront.errors import StoreWriteError, StudyError
from joulefront.spec.nearest import nearest

if TYPE_CHECKING:
    from joulefront.results import Study
    from joulefront.store import Checkpoint

_LARGEST_JSON = 2**20


def model(
    study: StudyPlace,
    trial: TrialId,
    out: Annotated[Path, typer.Option(help="New folder for the files.")],
) -> None:
    """Copy the weights, the configuration and the preprocessing of a trial."""
    from joulefront.results import Study
    from joulefront.store import fetched

    opened = Study.open(study)
    checkpoint = find_checkpoint(opened, trial)
    with fetched(checkpoint.uri) as folder:
        names = copy_files(folder, out)
    lines = [
        f"{trial}: attempt {checkpoint.attempt}, epoch {checkpoint.epoch},"
        f" state {_state(opened, trial)}; copied to {out}:"
    ]
    lines += [f"  {name}  {_content(out / name)}" for name in names]
    write_text("\n".join(lines))


def find_checkpoint(study: Study, trial_id: str) -> Checkpoint:
    """The verified last checkpoint of a trial.

    Raises:
        StudyError: There is no such trial, or it kept no checkpoint. The message names the
            nearest trial that has one.
    """
    from joulefront.store import checkpointed_trials, latest_checkpoint

    known = study.trials()["trial_id"].tolist()
    if trial_id not in known:
        raise StudyError(
            f"{study.path} must have the trial",
            given=trial_id,
            remedy=_suggestion(trial_id, known) or "the study has no trials yet",
        )
    checkpoint = latest_checkpoint(study.path, trial_id)
    if checkpoint is None:
        kept = set(checkpointed_trials(study.path))
        others = [name for name in known if name != trial_id and name in kept]
        raise StudyError(
            f"trial {trial_id} must have an undamaged checkpoint",
            given="a damaged one" if trial_id in kept else "none",
            remedy=_suggestion(trial_id, others)
            or "its trainable must give one to trial.report(metrics, checkpoint=...)",
        )
    return checkpoint


def copy_files(source: Path, out: Path) -> list[str]:
    """Copy a checkpoint's files into a folder that holds nothing yet; return their names.

    Raises:
        StudyError: `out` is a file, or a folder with something in it.
        StoreWriteError: It cannot be written.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise StudyError(
            f"{out} must be a new or empty folder",
            given="something is there",
            remedy="give another --out",
        )
    try:
        shutil.copytree(source, out, dirs_exist_ok=True)
    except (OSError, shutil.Error) as error:
        raise StoreWriteError(f"{out} must be writable", given=str(error)) from error
    return sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())


def _suggestion(trial_id: str, known: list[str]) -> str:
    if not known:
        return ""
    return f"nearest: {nearest(trial_id, known) or known[0]}"


def _state(study: Study, trial_id: str) -> str:
    trials = study.trials().set_index("trial_id")
    return str(trials.loc[trial_id, "state"])


def _content(path: Path) -> str:
    """Size of a file, and the keys of a JSON object of at most 1 MiB."""
    size = f"{path.stat().st_size} bytes"
    if path.suffix != ".json":
        return size
    if path.stat().st_size > _LARGEST_JSON:
        return size
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):  # whatever a stranger has put there
        return size
    return f"{size}: {', '.join(values)}" if isinstance(values, dict) else size
