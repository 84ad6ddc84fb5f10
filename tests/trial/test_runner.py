from __future__ import annotations

import dataclasses
import os

import pytest

from joulefront.energy import power_model
from joulefront.energy.host import Host
from joulefront.energy.node_class import node_class
from joulefront.errors import TrainableError
from joulefront.trial import Assignment, Place, run_trial
from joulefront.trial.cores import Cores
from joulefront.trial.logs import log_name
from joulefront.trial.messages import Closing, Message


class Sink:
    def __init__(self) -> None:
        self.messages: list[Message] = []

    def send(self, message: Message) -> None:
        self.messages.append(message)


def assignment(source, text: str, **changes) -> Assignment:
    source.write_text(text)
    return Assignment(
        **{
            "trainable": f"{source}:train",
            "trial_id": "c0000-f0-s0",
            "config_id": "c0000",
            "power_model": power_model().to_dict(),
            "objectives": ("accuracy",),
        }
        | changes
    )


HEAD = """
from dataclasses import dataclass

@dataclass(frozen=True, kw_only=True)
class Config:
    width: int = 8

def train(config, trial):
"""


def test_a_trial_ends_with_one_closing_message(tmp_path):
    sink = Sink()
    body = "    print('hello')\n    trial.report({'accuracy': 0.5})\n"
    task = assignment(tmp_path / "ok.py", HEAD + body, store=str(tmp_path / "study"))
    run_trial(task, Place(), sink)
    assert [type(message).__name__ for message in sink.messages] == ["Report", "Closing"]
    assert "hello" in (tmp_path / "study" / log_name("c0000-f0-s0")).read_text()


def test_the_closing_message_comes_when_the_log_is_whole_and_the_process_as_before(tmp_path):
    seen: list[tuple[str, bool]] = []

    class Looking(Sink):
        def send(self, message: Message) -> None:
            super().send(message)
            if isinstance(message, Closing):
                text = (tmp_path / "study" / log_name("c0000-f0-s0")).read_text()
                seen.append((text, "JOULEFRONT_LEFT_BEHIND" in os.environ))

    body = "    import os\n    print('hello')\n    os.environ['JOULEFRONT_LEFT_BEHIND'] = 'yes'\n"
    task = assignment(tmp_path / "ok.py", HEAD + body, store=str(tmp_path / "study"))
    run_trial(task, Place(), Looking())
    assert seen == [("hello\n", False)]


def test_what_it_raises_is_in_the_closing_message_and_in_the_log(tmp_path):
    sink = Sink()
    body = "    raise ValueError('no such slice')\n"
    task = assignment(tmp_path / "bad.py", HEAD + body, store=str(tmp_path / "study"))
    with pytest.raises(ValueError, match="no such slice"):
        run_trial(task, Place(), sink)
    (closing,) = sink.messages
    assert isinstance(closing, Closing) and closing.state == "failed" and closing.retryable
    assert closing.failure == "ValueError: no such slice"
    assert "Traceback" in (tmp_path / "study" / log_name("c0000-f0-s0")).read_text()


def test_a_rank_of_a_group_only_raises(tmp_path):
    sink = Sink()
    task = assignment(tmp_path / "rank.py", HEAD + "    raise ValueError('x')\n")
    with pytest.raises(ValueError):
        run_trial(task, Place(world_size=2), sink)
    assert sink.messages == []


def test_values_the_config_refuses_are_named(tmp_path):
    task = assignment(tmp_path / "c.py", HEAD + "    pass\n", parameters={"depth": 3})
    with pytest.raises(Exception, match=r"must accept the study's values.*depth"):
        run_trial(task, Place(), Sink())


def test_epochs_count_on_from_a_checkpoint(tmp_path):
    sink = Sink()
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    body = (
        "    assert trial.restored_checkpoint() is not None\n    trial.report({'accuracy': 1.0})\n"
    )
    task = assignment(tmp_path / "r.py", HEAD + body, checkpoint=str(folder), checkpoint_epoch=3)
    run_trial(task, Place(), sink)
    assert sink.messages[0].epoch == 4


def test_energy_on_a_share_of_a_gpu_is_refused_for_good(tmp_path):
    sink = Sink()
    energies = ("accuracy", "energy_joules")
    body = "    trial.report({'accuracy': 1.0})\n"
    task = assignment(tmp_path / "g.py", HEAD + body, objectives=energies)
    place = Place(gpu_shares={"MIG-a": 0.5})
    with pytest.raises(TrainableError, match=r"whole GPUs; given: 0\.5 of MIG-a"):
        run_trial(task, place, sink)
    (closing,) = sink.messages
    assert not closing.retryable
    run_trial(dataclasses.replace(task, allow_shared_gpu=True), place, sink)
    run_trial(dataclasses.replace(task, objectives=("accuracy",)), place, sink)
    assert [message.state for message in sink.messages[2::2]] == ["complete", "complete"]


def test_the_studys_power_model_is_for_machines_of_its_class(tmp_path):
    def joules(kind: str) -> float:
        sink = Sink()
        body = "    sum(range(3_000_000))\n"
        model = {"joules_per_cpu_second": 1e6}
        task = assignment(
            tmp_path / "p.py",
            HEAD + body,
            power_model=power_model().to_dict() | model,
            node_class=kind,
        )
        run_trial(task, Place(), sink)
        (closing,) = sink.messages
        assert closing.node_class == node_class()
        return next(row.joules for row in closing.charges if row.component == "cpu")

    assert joules("") > 1000 and joules(node_class()) > 1000
    assert 0 < joules("another machine") < 1000


def test_the_hosts_meter_is_told_how_an_attempt_ends_however_it_does(tmp_path):
    class Heard(Host):
        def __init__(self) -> None:
            self.told: list[str] = []

        def register(self, registration):
            self.told.append(f"{registration.key} on {registration.core_ids}")

        def closed(self, window):
            self.told.append("closed")

    host = Heard()
    task = assignment(tmp_path / "stop.py", HEAD + "    raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        run_trial(task, Place(cores=Cores(ids=(3,))), Sink(), host)
    assert host.told == ["c0000-f0-s0/1/0 on (3,)", "closed"]
