"""A stranger's study is opened by every reading command: nothing in it is run or gets out of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from joulefront.errors import StudyError
from joulefront.store import StudyStore, save_checkpoint

ESCAPE = "\x1b]0;owned\x07\x1b[2J\u202e"
SCRIPT = "</script><script>alert(1)</script>"
PICKLE = b"cos\nsystem\n(S'touch owned'\ntR."  # runs a command when it is unpickled
WATCH = """
import sys
home, arguments = sys.argv[1], sys.argv[2:]
done = []
def watch(event, given):
    if event in {"os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "pickle.find_class"}:
        done.append((event, str(given)))
    if event in {"import", "exec", "compile"} and home in str(given):
        done.append((event, str(given)))
    if event in {"socket.connect", "socket.bind", "socket.getaddrinfo"}:
        done.append((event, str(given)))
    if event == "open" and given[1] and set("wax+") & set(str(given[1])) and home in str(given[0]):
        done.append((event, str(given)))
from joulefront.cli import main
import joulefront.results, joulefront.store
sys.addaudithook(watch)
sys.argv = ["study", *arguments]
code = 0
try:
    main()
except SystemExit as end:
    code = end.code
print(done, file=sys.stderr)
sys.exit(code)
"""


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A study whose every text is an attack, with code and pickles where readers may look."""
    path = tmp_path / "hostile"
    spec = {
        "name": "hostile",
        "trainable": f"{path / 'evil.py'}:train",
        "space": {"kind": {"choice": [ESCAPE, SCRIPT]}},
        "objectives": [{"metric": "accuracy", "direction": "maximise"}],
        "budget": {"trials": 4},
    }
    store = StudyStore.create(path, {"name": "hostile", "spec": spec, "data": {"x": ESCAPE}})
    for name in ("evil.py", "__init__.py", "sitecustomize.py", "joulefront.py", "pandas.py"):
        (path / name).write_text("raise SystemExit('run')\ndef train(config, trial): pass\n")
    with store.writer() as writer:
        ids = ["c0000-f0-s0", "../../outside", f"c{ESCAPE}", "/etc/hostname"]
        for number, trial_id in enumerate(ids):
            row = {"time": 1.0 + number, "trial_id": trial_id, "attempt": 1, "kind": "end"}
            row |= {"config_id": f"c000{number}", "fold": 0, "seed": 0, "role": "search"}
            row |= {"state": "failed" if number else "complete", "accuracy": 0.5 + number / 10}
            row |= {"params.kind": SCRIPT if number % 2 else ESCAPE, "failure": ESCAPE + SCRIPT}
            writer.append("trials", [row])
            charge = {"time": 2.0, "trial_id": trial_id, "attempt": 1, "host": ESCAPE}
            charge |= {"device": "host", "component": "cpu", "provenance": f"{ESCAPE}modelled"}
            writer.append("energy", [charge | {"joules": 1.0}])
            event = {"time": 2.0, "trial_id": trial_id, "attempt": 1, "kind": "trial_failed"}
            details = {"failure": ESCAPE, "traceback": PICKLE.decode(), "retry": False}
            writer.append("events", [event | {"details": json.dumps(details)}])
    (path / "logs").mkdir()
    (path / "logs" / "c0000-f0-s0.log").write_text(f"hello {ESCAPE}\n")
    (path / "logs" / "c0000-f0-s0.rank1.log").symlink_to("/etc/passwd")
    made = tmp_path / "made"
    made.mkdir()
    for name in ("model.pt", f"a{ESCAPE}.pkl"):
        (made / name).write_bytes(PICKLE)
    (made / "config.json").write_text("[" * 100_000)
    save_checkpoint(path, "c0000-f0-s0", 1, 1, made)
    return path


@pytest.mark.parametrize(
    "command",
    [
        ["status"],
        ["front"],
        ["energy"],
        ["doctor"],
        ["logs", "c0000-f0-s0"],
        ["model", "c0000-f0-s0", "--out", "out"],
        ["export", "--table", "events", "--format", "arrow"],
        ["reproduce", "c0000-f0-s0"],
    ],
    ids=lambda command: command[0],
)
def test_reading_runs_nothing_and_prints_nothing_raw(
    hostile: Path, tmp_path: Path, command: list[str]
) -> None:
    name, *others = command
    done = subprocess.run(
        [sys.executable, "-c", WATCH, str(hostile), name, str(hostile), *others],
        capture_output=True,
        cwd=tmp_path,
    )
    told = done.stderr.decode().splitlines()
    assert told[-1] == "[]", told
    assert done.returncode == (2 if name == "reproduce" else 0), told
    if name != "export":  # whose bytes are for programs
        assert b"\x1b" not in done.stdout + done.stderr
        assert b"root:" not in done.stdout
    if name == "reproduce":
        assert "code must not come from the directory of a study" in told[0]
    assert not list(tmp_path.rglob("owned"))
    assert {path.name for path in tmp_path.iterdir()} <= {"hostile", "made", "out"}


@pytest.mark.parametrize("trial_id", ["../../outside", "/etc/hostname", "c*", ""])
def test_ids_cannot_leave_the_study(hostile: Path, tmp_path: Path, trial_id: str) -> None:
    from joulefront.cli.logs import logs
    from joulefront.cli.model import model

    with pytest.raises(StudyError):
        logs(hostile, trial_id)
    with pytest.raises(StudyError):
        model(hostile, trial_id, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_page_holds_no_script_of_a_stranger(hostile: Path, tmp_path: Path) -> None:
    from joulefront.results import Study, write_front_page

    write_front_page(Study.open(hostile), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "alert(1)" not in page.replace(r"\u003cscript\u003ealert(1)", "").replace(
        "&lt;script&gt;alert(1)", ""
    )


def test_a_segment_with_a_pickled_type_is_read_as_plain_bytes(hostile: Path) -> None:
    folder = hostile / "segments" / "trials"
    metadata = {
        "ARROW:extension:name": "arrow.py_extension_type",
        "ARROW:extension:metadata": PICKLE,
    }
    schema = pa.schema([pa.field("x", pa.binary(), metadata=metadata)])
    with pa.ipc.new_stream(str(folder / "stranger-0.arrows"), schema) as writer:
        writer.write_batch(pa.record_batch([pa.array([b"x"])], schema=schema))
    assert StudyStore.open(hostile).read("trials").num_rows >= 4
    assert not Path("owned").exists()
