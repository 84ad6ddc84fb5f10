"""What the README says can be done is done: its sample, its tree, its commands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from joulefront.cli.app import app

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
INSTALL = "pip install -c cluster/constraints.txt -e ."
INSTALL_TESTS = "pip install -c cluster/constraints.txt -e '.[test]'"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """The sample trainable and its study file, as the README gives them."""
    code = next(block for block in blocks("python") if "def train(" in block)
    (tmp_path / "mine.py").write_text(code, encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(blocks("yaml")[0], encoding="utf-8")
    return tmp_path


def study(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", "from joulefront.cli import main; main()", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_sample_trainable_is_checked_and_runs(sample: Path) -> None:
    assert "ok: 1 parameter, 2 objectives, 20 trials" in study(sample, "check", "mine.yaml")
    printed = study(sample, "try", "mine.yaml")
    losses = [float(loss) for loss in re.findall(r"^epoch \d: loss=(\S+)", printed, re.MULTILINE)]
    assert len(losses) == 3
    assert losses == sorted(losses, reverse=True)
    assert re.search(r"^energy: cpu \S+ J \(modelled\)", printed, re.MULTILINE)
    assert sorted(path.name for path in sample.iterdir() if path.is_file()) == [
        "mine.py",
        "mine.yaml",
    ]


def test_the_two_commands_are_those_that_ci_runs() -> None:
    assert f"\n    {INSTALL} && study launch studies/mask_sweep.yaml\n" in README
    assert f"\n    {INSTALL_TESTS} && pytest\n" in README
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    checks = re.search(r"## Check the code\n\n((?:    .*\n)+)", README)
    assert checks is not None
    steps = [line.strip() for line in checks[1].splitlines()]
    ran = [line.strip() for line in script.splitlines() if line.strip().startswith("step ")]
    assert ran == [f"step {command}" for command in (INSTALL_TESTS, *steps)]


def test_every_command_has_its_row() -> None:
    rows = re.findall(r"^\| `study (\w+)", README, re.MULTILINE)
    assert sorted(rows) == sorted(str(command.name) for command in app.registered_commands)


def test_the_tree_is_that_of_the_checkout() -> None:
    entries = tree(next(block for block in blocks("") if block.startswith("README.md")))
    assert [path for path in entries if not (ROOT / path).exists()] == []
    assert [words for words in entries.values() if not 0 < len(words.split()) <= 8] == []
    for folder in ("platform/joulefront", "trainables"):
        inside = {
            f"{folder}/{path.name}"
            for path in (ROOT / folder).iterdir()
            if not path.name.startswith(("_", ".")) and path.name != "py.typed"
        }
        assert inside == {path for path in entries if path.rpartition("/")[0] == folder}


def tree(block: str) -> dict[str, str]:
    """Path -> annotation of a drawn tree."""
    entries: dict[str, str] = {}
    parents: list[str] = []
    for line in block.splitlines():
        drawn = re.fullmatch(r"([│├└─ ]*)(\S+) +(.+)", line)
        assert drawn is not None, line
        depth = len(drawn[1]) // 4
        parents[depth:] = [drawn[2].rstrip("/")]
        entries["/".join(parents)] = drawn[3]
    return entries


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", README)
    headings = {
        re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", README, re.MULTILINE)
    }
    assert [path for path, _ in targets if path and not (ROOT / path).exists()] == []
    assert [anchor for _, anchor in targets if anchor and anchor not in headings] == []
