from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from joulefront.bench.energy.strays import strays_of

_LISTEN = (
    "from joulefront.bench.energy.strays import listen; from pathlib import Path; import sys\n"
)
_TRY = """
heard = listen(Path(sys.argv[1]))
try:
    {}
except OSError:
    pass
print(len(heard))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "strays"),
    [
        ("open(sys.argv[1] + '/mine', 'w')", 0),
        ("open(sys.argv[1] + '/../theirs', 'w')", 1),
        ("open('/proc/self/stat')", 0),
        ("Path(sys.argv[1], 'folder').mkdir()", 0),
        ("Path(sys.argv[1], '..', 'folder').mkdir()", 1),
        ("Path(sys.argv[1]).rename('/tmp/elsewhere')", 1),
        ("import socket; socket.create_connection(('127.0.0.1', 9))", 1),
        ("import socket; socket.socket(socket.AF_UNIX).bind('\\0joulefront-test')", 0),
        ("import subprocess; subprocess.run(['true'])", 1),
    ],
)
def test_what_leaves_the_folder_is_heard(tmp_path: Path, code: str, strays: int) -> None:
    study = tmp_path / "study"
    study.mkdir()
    command = [sys.executable, "-B", "-c", _LISTEN + _TRY.format(code), str(study)]
    heard = subprocess.check_output(command, text=True)
    assert int(heard) == strays
    assert list(tmp_path.iterdir()) == [study]


def test_the_meter_stays_in_its_study() -> None:
    assert strays_of("meter") == []


@pytest.mark.slow
def test_codecarbons_online_tracker_does_not() -> None:
    heard = strays_of("online_tracker")
    assert any(call.startswith("socket.getaddrinfo") for call in heard)
    assert any("emissions.csv" in call for call in heard)
