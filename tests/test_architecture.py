"""The rules of the house: who imports whom, what an import loads, what a package offers."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

import joulefront

ROOT = Path(__file__).resolve().parent.parent
PLATFORM = ROOT / "platform" / "joulefront"
TRAINABLES = ROOT / "trainables"

# Part of the platform -> the parts that it may import, besides itself.
ALLOWED = {
    "__init__": {"launch", "results"},  # lazily
    "bench": {
        *("energy", "errors", "front", "launch", "search", "spec", "stopping", "store"),
        *("testing", "trial"),
    },
    "cli": {"bench", "energy", "errors", "launch", "results", "spec", "store"},
    "energy": {"errors", "spec"},
    "errors": set(),
    "front": {"errors", "spec"},
    "launch": {"energy", "errors", "front", "search", "spec", "stopping", "store", "trial"},
    "results": {"energy", "errors", "front", "spec", "store"},
    "search": {"errors", "front", "spec"},
    "spec": {"errors"},
    "stopping": {"errors", "front", "spec"},
    "store": {"errors", "spec"},
    "testing": {
        *("energy", "errors", "front", "launch", "search", "spec", "stopping", "store"),
        "trial",
    },
    "trial": {"energy", "errors", "spec", "store"},
}
# Modules that take long to import, and that the study file does not need.
HEAVY = {
    *("joulefront.results", "numpy", "optuna", "pandas", "plotly"),
    *("pyarrow", "ray", "rich", "torch"),
}
RAY_IN = ("bench/", "launch/", "trial/_")


def python_files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def imports(tree: ast.AST) -> Iterator[tuple[int, str, str]]:
    """Line, module and name of each import, those inside functions and TYPE_CHECKING included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, ""
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            for alias in node.names:
                yield node.lineno, str(node.module), alias.name


def imports_of(path: Path) -> list[tuple[int, str, str]]:
    return list(imports(ast.parse(path.read_text(encoding="utf-8"))))


def part_of(module: str, name: str) -> str | None:
    """The part of the platform that an import means; None for other packages and __version__."""
    top, _, rest = module.partition(".")
    if top != "joulefront" or (module == top and name == "__version__"):
        return None
    part = rest.partition(".")[0] or name
    return part if part in ALLOWED else "__init__"


def python(code: str, **variables: str) -> str:
    """Run code in a fresh interpreter that starts in the repository's root."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# Directions of imports


def test_every_part_of_the_platform_has_its_place() -> None:
    parts = {path.stem for path in PLATFORM.glob("*.py")}
    parts |= {path.parent.name for path in PLATFORM.glob("*/__init__.py")}
    assert parts == ALLOWED.keys()


def test_platform_imports_point_one_way() -> None:
    wrong = []
    for path in python_files(PLATFORM):
        part = path.relative_to(PLATFORM).parts[0].removesuffix(".py")
        for line, module, name in imports_of(path):
            imported = part_of(module, name)
            if imported not in (None, part) and imported not in ALLOWED[part]:
                wrong.append(f"{path.relative_to(ROOT)}:{line}: {part} imports {imported}")
    assert wrong == []


def test_platform_never_imports_trainables() -> None:
    assert [path for path in python_files(PLATFORM) if "trainables" in top_level(path)] == []


def test_ray_stays_where_it_belongs() -> None:
    users = {
        str(path.relative_to(PLATFORM))
        for path in python_files(PLATFORM)
        if "ray" in top_level(path)
    }
    users |= {
        str(path.relative_to(ROOT)) for path in python_files(TRAINABLES) if "ray" in top_level(path)
    }
    assert [user for user in sorted(users) if not user.startswith(RAY_IN)] == []


def test_trainables_see_two_packages_of_the_platform() -> None:
    seen = {
        module
        for path in python_files(TRAINABLES)
        for _, module, _ in imports_of(path)
        if module.split(".")[0] == "joulefront"
    }
    assert seen <= {"joulefront.bench", "joulefront.trial"}


def test_notebooks_see_results_only() -> None:
    seen = set()
    for path in sorted((ROOT / "studies").rglob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                code = re.sub(r"^\s*[%!].*$", "", "".join(cell["source"]), flags=re.MULTILINE)
                seen |= {module for _, module, _ in imports(ast.parse(code))}
    ours = {module for module in seen if module.split(".")[0] in {"joulefront", "trainables"}}
    assert ours == {"joulefront.results"}


def top_level(path: Path) -> set[str]:
    return {module.partition(".")[0] for _, module, _ in imports_of(path)}


# What an import loads


@pytest.mark.parametrize(
    "module",
    ["joulefront", "joulefront.launch", "joulefront.results", "joulefront.trial"],
)
def test_importing_loads_neither_ray_nor_torch(module: str) -> None:
    code = f"import sys, {module}; print(sorted({{'ray', 'torch'}} & sys.modules.keys()))"
    assert python(code) == "[]"


def test_the_spec_is_light() -> None:
    assert (
        python(f"import sys, joulefront.spec; print(sorted({HEAVY!r} & sys.modules.keys()))")
        == "[]"
    )


@pytest.mark.parametrize("arguments", [["--help"], ["check", "studies/quickstart.yaml"]])
def test_the_command_starts_light(arguments: list[str]) -> None:
    code = (
        "import sys; from joulefront.cli import main\n"
        f"sys.argv = ['study', *{arguments!r}]\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        f"print(sorted({HEAVY!r} & sys.modules.keys()))"
    )
    assert python(code).splitlines()[-1] == "[]"


def test_lazy_names_of_the_package() -> None:
    from joulefront.launch import launch_study
    from joulefront.results import Study

    assert (joulefront.Study, joulefront.launch_study) == (Study, launch_study)
    with pytest.raises(AttributeError, match="no attribute 'study'"):
        joulefront.study  # noqa: B018


# Nothing shadows the standard library's `platform`


def test_platform_is_a_source_root_and_no_package() -> None:
    assert not (ROOT / "platform" / "__init__.py").exists()
    assert [path.name for path in (ROOT / "platform").iterdir() if path.is_file()] == []


@pytest.mark.parametrize("variables", [{}, {"PYTHONPATH": "."}, {"PYTHONPATH": "platform"}])
def test_the_standard_librarys_platform_wins(variables: dict[str, str]) -> None:
    code = (
        "import platform, os; assert platform.system(); print(os.path.basename(platform.__file__))"
    )
    assert python(code, **variables) == "platform.py"


def test_test_folders_are_no_packages() -> None:
    folders = [path for path in (ROOT / "tests").rglob("*") if path.is_dir()]
    assert "platform" not in {path.name for path in folders}
    assert list((ROOT / "tests").rglob("__init__.py")) == []


# What modules and packages say of themselves


@pytest.mark.parametrize("folder", [PLATFORM, TRAINABLES], ids=lambda folder: folder.name)
def test_every_module_says_what_it_is(folder: Path) -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in python_files(folder)
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []


def packages() -> list[str]:
    roots = {PLATFORM: PLATFORM.parent, TRAINABLES: ROOT}
    return sorted(
        ".".join(path.parent.relative_to(base).parts)
        for folder, base in roots.items()
        for path in folder.rglob("__init__.py")
    )


@pytest.mark.parametrize("name", packages())
def test_all_is_sorted_and_importable(name: str) -> None:
    package = import_module(name)
    names = getattr(package, "__all__", [])
    assert names == sorted(names, key=_constants_classes_functions)
    assert [name for name in names if not hasattr(package, name)] == []
    public = {name for name in vars(package) if not name.startswith("_")}
    offered = {n for n in public if getattr(vars(package)[n], "__module__", "").startswith(name)}
    assert offered <= set(names)


def _constants_classes_functions(name: str) -> tuple[int, str]:
    """The order of ruff's RUF022."""
    kind = 0 if name.isupper() else 1 if name[0].isupper() else 2
    return kind, name


def registries() -> dict[str, dict[str, str]]:
    from joulefront.bench import BENCHES
    from joulefront.search import SAMPLERS
    from trainables.attention import ATTENTIONS
    from trainables.cohorts import COHORTS

    return {
        "attentions": ATTENTIONS,
        "benches": BENCHES,
        "cohorts": COHORTS,
        "samplers": SAMPLERS,
    }


@pytest.mark.parametrize(
    ("registry", "name"), [(key, name) for key, entries in registries().items() for name in entries]
)
def test_registries_resolve(registry: str, name: str) -> None:
    module, _, attribute = registries()[registry][name].partition(":")
    assert hasattr(import_module(module), attribute)


def test_the_study_file_knows_what_is_registered() -> None:
    from joulefront.spec import SAMPLERS
    from trainables.smmt import Config

    known = registries()
    assert set(SAMPLERS) == known["samplers"].keys()
    assert set(get_args(get_type_hints(Config)["attention"])) == known["attentions"].keys()
