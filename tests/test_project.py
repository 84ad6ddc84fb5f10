"""What the project says of itself: its dependencies, their pins, its top level, its files."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import joulefront

ROOT = Path(__file__).resolve().parent.parent

IMPORT_NAMES = {
    "nvidia-ml-py": "pynvml",
    "pillow": "PIL",
    "pyyaml": "yaml",
    "scikit-learn": "sklearn",
}


def checkout() -> Iterator[Path]:
    """The project's files, found without git: nothing that tools, users or studies put there."""
    pending = [ROOT]
    while pending:
        for path in sorted(pending.pop().iterdir()):
            hidden = path.name.startswith(".") and path.name not in {".ci", ".gitignore"}
            made = path.name in {"__pycache__", "build", "dist"} or path == ROOT / "results"
            if hidden or made or is_virtual_environment(path):
                continue
            if path.is_dir():
                pending.append(path)
            elif not path.name.endswith(".pyc"):
                yield path


def is_virtual_environment(path: Path) -> bool:
    return (path / "pyvenv.cfg").is_file()


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def required() -> set[str]:
    """Names of all direct dependencies, those of the extras included."""
    asked = list(project()["dependencies"])
    for extra in project()["optional-dependencies"].values():
        asked += extra
    return {canonical(re.split(r"[\[<>=!~; ]", requirement)[0]) for requirement in asked}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_third_party_imports_are_declared() -> None:
    declared = {IMPORT_NAMES.get(name, name.replace("-", "_")) for name in required()}
    known = declared | set(sys.stdlib_module_names) | {"joulefront", "trainables", "_typeshed"}
    files = [*(ROOT / "platform").rglob("*.py"), *(ROOT / "trainables").rglob("*.py")]
    unknown = {
        f"{path.relative_to(ROOT)}: {package}"
        for path in files
        for package in imported_packages(path) - known
    }
    assert unknown == set()


def imported_packages(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(str(node.module))
    return {name.partition(".")[0] for name in names}


def test_the_top_level_holds_only_what_was_agreed() -> None:
    agreed = {
        *("CHANGELOG.md", "LICENSE", "README.md", "pyproject.toml"),
        *("cluster", "platform", "studies", "tests", "trainables"),
    }
    ignored = [pattern.strip("/") for pattern in ignore_patterns()]
    seen = {
        path.name
        for path in ROOT.iterdir()
        if not path.name.startswith(".")
        and not is_virtual_environment(path)
        and not any(fnmatch(path.name, pattern) for pattern in ignored)
    }
    assert seen == agreed
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def ignore_patterns() -> list[str]:
    lines = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    return [line for line in lines if not line.startswith("#")]


def test_git_ignores_no_source() -> None:
    anywhere = [pattern.strip("/") for pattern in ignore_patterns() if "/" not in pattern[:-1]]
    ignored = {
        f"{pattern} hides {path.relative_to(ROOT)}"
        for path in checkout()
        for part in path.relative_to(ROOT).parts
        for pattern in anywhere
        if fnmatch(part, pattern)
    }
    assert ignored == set()


def test_every_direct_dependency_is_pinned() -> None:
    lines = (ROOT / "cluster" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert all(re.fullmatch(r"[0-9][0-9a-z.]*", version) for version in pins.values())
    assert required() - {canonical(name) for name in pins} == set()
    assert pins["torch"] == "2.13.0"


def test_every_direct_dependency_says_what_for() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    section = text[text.index("\n[project]") : text.index("\n[project.scripts]")]
    lists = re.findall(r"^(?!keywords)[\w-]+ = \[\n(.*?)^\]", section, re.DOTALL | re.MULTILINE)
    lines = [line for content in lists for line in content.splitlines()]
    named = [re.match(r'\s+"([\w-]+)', line) for line in lines]
    assert {canonical(found[1]) for found in named if found} == required()
    assert [line for line in lines if not re.search(r'",\s+# \S', line)] == []


def test_version_is_one() -> None:
    assert project()["version"] == joulefront.__version__
    assert f"## [{joulefront.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_no_file_names_this_machine_or_a_package_index() -> None:
    here = re.compile(
        r"(?<![\w.}>])/(work|root)/|/tmp/[v]/|pypi\.(org|python)|pythonhosted\.|anaconda\.org"
    )
    found = []
    for path in checkout():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in here.finditer(text)]
    assert found == []
