"""A study file that is right gives its spec; one that is wrong gives one line that tells where."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from joulefront.errors import SpecError
from joulefront.spec import (
    Budget,
    Choice,
    Constraint,
    Energy,
    Float,
    Int,
    Objective,
    Plateau,
    Power,
    Replicates,
    Search,
    Stopping,
    StudySpec,
    check_study,
    load_study,
)

Write = Callable[..., Path]


def test_example_is_read_whole(write_study: Write) -> None:
    assert check_study(write_study()) == StudySpec(
        name="example",
        trainable="example_trainable:train",
        data={"cohort": "synthetic_ad"},
        fixed={"epochs": 4},
        space={
            "clusters": Int(1, 32, log=True),
            "masking_ratio": Float(0.0, 0.8),
            "masking": Choice(("element", "modality")),
        },
        objectives=(
            Objective("balanced_accuracy", "maximise"),
            Objective("energy_joules", "minimise"),
        ),
        budget=Budget(trials=24),
    )


def test_every_section(write_study: Write) -> None:
    sections = """\
constraints: [sensitivity >= 0.5, "peak_memory_bytes<=4e9"]
search:
  sampler: tpe
  seed: 3
  concurrent: null
  warm_start:
  enqueue: [{clusters: 8, masking_ratio: 0}, {masking: modality}]
replicates: {folds: 5, seeds: 2, allocate: front, share: 0.25}
stopping: {rule: successive_halving, min_epochs: 3, reduction: 2}
per_trial: {workers: 2, cpus: 2, gpus: 1, max_failures: 0}
energy:
  country: TWN
  grams_per_kwh: 502
  quality: strict
  allow_shared_gpu: true
  normalise: reference
  power: {joules_per_cpu_second: 5}
budget:
  trials: 3
  hours: 1
  energy_wh: 2e1
  emissions_grams: 5
  plateau: {gain: 0.005, watt_hours: 2}
  strict: true
"""
    spec = load_study(write_study(("budget: {trials: 24}\n", sections)))
    points = ({"clusters": 8, "masking_ratio": 0.0}, {"masking": "modality"})
    assert spec.search == Search(sampler="tpe", seed=3, enqueue=points)
    assert type(spec.search.enqueue[0]["masking_ratio"]) is float
    assert spec.constraints == (
        Constraint("sensitivity", ">=", 0.5),
        Constraint("peak_memory_bytes", "<=", 4e9),
    )
    assert spec.budget == Budget(
        trials=3,
        hours=1.0,
        energy_wh=20.0,
        emissions_grams=5.0,
        plateau=Plateau(gain=0.005, watt_hours=2.0),
        strict=True,
    )
    assert type(spec.budget.hours) is float
    assert spec.replicates == Replicates(folds=5, seeds=2, allocate="front", share=0.25)
    assert spec.stopping == Stopping(rule="successive_halving", min_epochs=3, reduction=2)
    assert spec.per_trial.gpus == 1 and spec.energy == Energy(
        country="TWN",
        grams_per_kwh=502.0,
        quality="strict",
        allow_shared_gpu=True,
        normalise="reference",
        power=Power(joules_per_cpu_second=5.0),
    )
    assert StudySpec.from_dict(spec.to_dict()) == spec


def test_empty_optional_section_is_its_default(write_study: Write) -> None:
    spec = load_study(
        write_study(("data: {cohort: synthetic_ad}", "data:\nenergy:\nsearch: {}\nconstraints:"))
    )
    assert spec.data == {} and spec.search == Search() and spec.energy.country is None


MISTAKES = [
    # replaced, by, line, path, words
    ("name: example", "name: 7", 2, "name", ["must be text", "given: 7"]),
    ("name: example", "name: ../up", 2, "name", ["folder's name", "'../up'"]),
    ("name: example", "name: 'a b'", 2, "name", ["folder's name"]),
    ("name: example\n", "", 2, "name", ["must be given"]),
    ("trials: 24", "trials: '24'", 16, "budget.trials", ["an integer or null", "'24'"]),
    ("trials: 24", "trials: true", 16, "budget.trials", ["integer", "given: true"]),
    ("trials: 24", "trials: 2.0", 16, "budget.trials", ["integer", "given: 2.0"]),
    ("trials: 24", "trials: 0", 16, "budget.trials", ["at least 1", "given: 0"]),
    ("trials: 24", "trails: 24", 16, "budget.trails", ["unknown key", "name: trials"]),
    ("{trials: 24}", "{}", 16, "budget", ["at least one of trials, hours, energy_wh"]),
    ("{trials: 24}", "{hours: 0}", 16, "budget.hours", ["above 0"]),
    ("{trials: 24}", "24", 16, "budget", ["must be a mapping"]),
    ("{trials: 24}", "{hours: .inf}", 16, "budget.hours", ["a number", "'.inf'"]),
    ("budget:", "bugdet:", 16, "bugdet", ["unknown key", "name: budget"]),
    ("budget: {trials: 24}\n", "", 2, "budget", ["must be given"]),
    ("[1, 32]", "[32, 1]", 9, "space.clusters.int", ["low must not be above high", "[32, 1]"]),
    ("[1, 32]", "[0, 32]", 9, "space.clusters.int", ["above 0 where log", "[0, 32]"]),
    ("[1, 32]", "[1.0, 32]", 9, "space.clusters.int", ["integer", "given: 1.0"]),
    ("[1, 32]", "[1]", 9, "space.clusters.int", ["[low, high]", "[1]"]),
    ("[1, 32]", "[1, 1e30]", 9, "space.clusters.int", ["integer", "1e+30"]),
    ("log: true", "log: 1", 10, "space.clusters.log", ["true or false", "given: 1"]),
    ("log: true", "logg: true", 10, "space.clusters.logg", ["unknown key", "name: log"]),
    ("log: true", "step: 3", 10, "space.clusters.step", ["whole number of steps"]),
    ("log: true", "step: 0", 10, "space.clusters.step", ["above 0"]),
    ("log: true", "choice: [1]", 8, "space.clusters", ["exactly one of", "int and choice"]),
    ("int: [1, 32]", "ints: [1, 32]", 9, "space.clusters.ints", ["unknown key", "name: int"]),
    ("{float: [0, 0.8]}", "0.5", 11, "space.masking_ratio", ["must be {int", "into fixed"]),
    ("[0, 0.8]", "['1e-5', 0.8]", 11, "space.masking_ratio.float", ["a number", "'1e-5'"]),
    ("[0, 0.8]", "[false, 0.8]", 11, "space.masking_ratio.float", ["a number", "given: false"]),
    ("[element, modality]", "[]", 12, "space.masking.choice", ["at least one option"]),
    ("[element, modality]", "[a, b, a]", 12, "space.masking.choice.2", ["differ", "'a' again"]),
    ("[element, modality]", "[1, true]", 12, "space.masking.choice.1", ["differ"]),
    ("[element, modality]", "[[1]]", 12, "space.masking.choice", ["a list of text or"]),
    ("[element, modality]", "element", 12, "space.masking.choice", ["a list of text or"]),
    (", direction: maximise", "", 14, "objectives.0.direction", ["must be given"]),
    ("maximise", "maximize", 14, "objectives.0.direction", ["one of", "name: maximise"]),
    ("maximise", "max", 14, "objectives.0.direction", ["name: maximise"]),
    ("balanced_accuracy", "energy_joules", 15, "objectives.1.metric", ["one objective only"]),
    ("energy_joules", "energy_ram_joules", 15, "objectives.1.metric", ["speed, not energy"]),
    ("energy_joules", "energy_idle_joules", 15, "objectives.1.metric", ["speed, not energy"]),
    ("energy_joules", "energy_total_joules", 15, "objectives.1.metric", ["memory is in it"]),
    ("energy_joules", "energy_setup_joules", 15, "objectives.1.metric", ["study's bill"]),
    ("energy_joules", "energy_retried_joules", 15, "objectives.1.metric", ["take energy_joules"]),
    ("energy_joules", "emissions_grams", 15, "objectives.1.metric", ["energy.country"]),
    ("balanced_accuracy", "test_accuracy", 14, "objectives.0.metric", ["test fold", "'accuracy'"]),
    ("metric: balanced", "metrik: balanced", 14, "objectives.0.metrik", ["name: metric"]),
    ("  epochs: 4", "  epochs: 4\n  epochs: 5", 7, "fixed.epochs", ["a key must stand once"]),
    ("  epochs: 4", "  masking: element", 6, "fixed.masking", ["not in both"]),
    ("  epochs: 4", "  1: 4", 6, "fixed.1", ["keys must be text"]),
    ("  epochs: 4", "  epochs: 1e999", 6, "fixed.epochs", ["valid float"]),
    ("  epochs: 4", "  epochs: !!python/name:os.system x", 6, "fixed.epochs", ["without a tag"]),
    ("  epochs: 4", "  epochs: [4", 7, "(top)", ["must be YAML"]),
    ("  epochs: 4", "  epochs: !!int four", 6, "fixed.epochs", ["valid int"]),
    ("  epochs: 4", "  epochs: &a [*a]", 1, "(top)", ["nested so deeply", "inside itself"]),
    ("{cohort: synthetic_ad}", "{root: no/such}", 4, "data.root", ["must exist", "'no/such'"]),
    ("example_trainable:train", "example_trainable", 3, "trainable", ["module:function"]),
    ("{trials: 24}", "{plateau: {trials: 3}}", 16, "budget.plateau.gain", ["must be given"]),
    ("{trials: 24}", "{plateau: {gain: 0.1}}", 16, "budget.plateau", ["exactly one of", "none"]),
    ("{trials: 24}", "{plateau: 3}", 16, "budget.plateau", ["must be a mapping"]),
    ("{trials: 24}", "{emissions_grams: 2}", 16, "budget.emissions_grams", ["energy.country"]),
    ("{trials: 24}", "{trials: 2, strict: true}", 16, "budget.strict", ["come with hours, energy"]),
    ("log: true", "when: masking", 10, "space.clusters.when", ["must be a mapping (choice"]),
    ("log: true", "when: {}", 10, "space.clusters.when", ["must be a mapping (choice"]),
    (
        "log: true",
        "when: {masking: []}",
        10,
        "space.clusters.when.masking",
        ["at least one option"],
    ),
    ("log: true", "when: {maskin: a}", 10, "space.clusters.when.maskin", ["valid name: masking"]),
    ("log: true", "when: {epochs: 4}", 10, "space.clusters.when.epochs", ["which is fixed"]),
    (
        "log: true",
        "when: {masking_ratio: 0}",
        10,
        "space.clusters.when.masking_ratio",
        ["must be a choice of the space; given: a range"],
    ),
    (
        "log: true",
        "when:\n      masking: [element, modalty]",
        11,
        "space.clusters.when.masking",
        ["an option of masking; given: 'modalty'; nearest valid name: modality"],
    ),
    (
        "modality]}",
        "modality], when: {masking: element}}",
        12,
        "space.masking.when",
        ["must not depend on itself; given: masking on masking"],
    ),
]


@pytest.mark.parametrize(("old", "new", "line", "path", "words"), MISTAKES)
def test_mistake_in_the_file(
    write_study: Write, old: str, new: str, line: int, path: str, words: list[str]
) -> None:
    with pytest.raises(SpecError) as caught:
        load_study(write_study((old, new)))
    message = str(caught.value)
    assert message.startswith(f"study.yaml:{line}: {path}: ")
    assert all(word in message for word in words), message
    assert "\n" not in message


ADDED_MISTAKES = [
    ("constraints: [recall > 0.5]", "constraints.0", "given: 'recall > 0.5'; as in sensitivity >="),
    ("constraints: recall >= 0.5", "constraints", "must be a list of conditions, as in"),
    ("constraints: [test_auc >= 0.5]", "constraints.0", "never sees the test fold"),
    (
        "constraints: [a >= 1, a>=2]",
        "constraints.1",
        "stand once with >=; given: a >= 1 and a >= 2",
    ),
    ("constraints: [emissions_grams <= 2]", "constraints.0", "must come with energy.country"),
    ("search: {warm_start: [a]}", "search.warm_start.0", "a study's directory; given: no a/study"),
    ("search: {warm_start: a}", "search.warm_start", "must be a list of studies' directories"),
    ("search: {warm_start: [a, a]}", "search.warm_start.1", "a study's directory, each once"),
    ("search: {enqueue: {clusters: 1}}", "search.enqueue", "must be a list of points"),
    ("search: {enqueue: [8]}", "search.enqueue.0", "must be a mapping"),
    ("search: {enqueue: [{}]}", "search.enqueue.0", "at least one parameter"),
    ("search: {enqueue: [{maskin: a}]}", "search.enqueue.0.maskin", "nearest valid name: masking"),
    ("search: {enqueue: [{epochs: 4}]}", "search.enqueue.0.epochs", "epochs, which is fixed"),
    (
        "search: {enqueue: [{clusters: 1}, {clusters: 64}]}",
        "search.enqueue.1.clusters",
        "must lie in the space's clusters; given: 64; it is int [1, 32], log True",
    ),
    ("search: {sampler: tpee}", "search.sampler", "nearest valid name: tpe"),
    ("search: {seed: -1}", "search.seed", "at least 0"),
    ("search: {concurrent: 0}", "search.concurrent", "at least 1"),
    ("search: {concurrent: two}", "search.concurrent", "an integer or null; given: 'two'"),
    ("stopping: {rule: dominatd}", "stopping.rule", "nearest valid name: dominated"),
    ("stopping: {min_epochs: 0}", "stopping.min_epochs", "at least 1"),
    ("stopping: {reduction: 1}", "stopping.reduction", "at least 2"),
    ("replicates: {allocate: front}", "replicates.folds", "must leave a second evaluation"),
    ("replicates: {share: 0.5}", "replicates.share", "absent unless allocate is front"),
    ("replicates: {folds: 2, allocate: front, share: 1}", "replicates.share", "must be below 1"),
    ("replicates: {allocate: al}", "replicates.allocate", "nearest valid name: all"),
    ("replicates: {folds: 0}", "replicates.folds", "at least 1"),
    ("per_trial: {timeout_minutes: 0}", "per_trial.timeout_minutes", "above 0"),
    ("per_trial: {cpus: 0.5}", "per_trial.cpus", "must be an integer; given: 0.5"),
    ("per_trial: {gpus: 0.5}", "per_trial.gpus", "given: 0.5; energy.allow_shared_gpu"),
    ("per_trial: {gpus: 1.5}", "per_trial.gpus", "must be whole GPUs, or a share of one below 1"),
    ("per_trial: {gpus: -1}", "per_trial.gpus", "at least 0"),
    ("per_trial: {workers: -1}", "per_trial.workers", "at least 0"),
    ("energy: {country: tw}", "energy.country", "three capital letters"),
    ("energy: {grams_per_kwh: 0}", "energy.grams_per_kwh", "above 0"),
    ("energy: {quality: strickt}", "energy.quality", "nearest valid name: strict"),
    ("energy: {normalise: ref}", "energy.normalise", "nearest valid name: reference"),
    ("energy: {allow_shared_gpu: 1}", "energy.allow_shared_gpu", "true or false"),
    ("energy: {power: 3}", "energy.power", "must be a mapping"),
    ("energy: {power: {tdp: 3}}", "energy.power.tdp", "unknown key"),
    (
        "energy: {power: {ram_watts_per_gib: -1}}",
        "energy.power.ram_watts_per_gib",
        "must be above 0; given: -1",
    ),
    ("serach: {seed: 1}", "serach", "nearest valid name: search"),
]


@pytest.mark.parametrize(("section", "path", "words"), ADDED_MISTAKES)
def test_mistake_in_an_optional_section(
    write_study: Write, section: str, path: str, words: str
) -> None:
    with pytest.raises(SpecError, match=re.escape(words)) as caught:
        load_study(write_study(("budget:", f"{section}\nbudget:")))
    assert str(caught.value).startswith(f"study.yaml:16: {path}: ")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "must be a mapping"),
        (b"- a", "must be a mapping"),
        (b"a: \xff", "UTF-8"),
        (b"a: 1\n---\nb: 2", "must be YAML"),
        (b"a: \x00", "must be YAML"),
        (b"[" * 100_000, "nested so deeply"),
        (b"a: " + b"1" * 5000, "valid int"),
        (b"a: 1\n" * 40_000, "at most 128 KiB"),
        (b"\tname: x", "must be YAML"),
    ],
)
def test_not_a_study_file(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "study.yaml"
    file.write_bytes(content)
    with pytest.raises(SpecError, match=words) as caught:
        load_study(file)
    assert "\n" not in str(caught.value)


def test_aliases_cannot_exhaust_memory(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    file = tmp_path / "study.yaml"
    file.write_text("\n".join(lines))
    with pytest.raises(SpecError, match="aliases included"):
        load_study(file)


def test_alias_is_its_value(write_study: Write) -> None:
    spec = load_study(write_study(("epochs: 4", "epochs: &e 4\n  also: *e")))
    assert spec.fixed == {"epochs": 4, "also": 4}


def test_absent_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="must exist"):
        load_study(tmp_path / "absent.yaml")
    with pytest.raises(SpecError, match="readable"):
        load_study(tmp_path)


def test_existing_data_root(write_study: Write, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    file = write_study(("{cohort: synthetic_ad}", "{root: here}"))
    assert load_study(file).data == {"root": "here"}
    assert load_study(file, [f"data.root={tmp_path}"]).data == {"root": str(tmp_path)}


def test_a_condition_is_one_option_or_several(write_study: Write) -> None:
    when = "log: true\n    when: {masking: [element]}"
    for override in ([], ["space.clusters.when.masking=element"]):
        spec = load_study(write_study(("log: true", when)), override)
        assert spec.space["clusters"] == Int(1, 32, log=True, when={"masking": "element"})
        assert spec.to_dict()["space"]["clusters"]["when"] == {"masking": "element"}


def test_an_enqueued_value_needs_its_parents_beside_it(write_study: Write) -> None:
    file = write_study(
        ("log: true", "when: {masking: [element]}"),
        ("budget:", "search:\n  enqueue:\n    - {masking: element}\n    - clusters: 8\nbudget:"),
    )
    with pytest.raises(SpecError) as caught:
        load_study(file)
    assert str(caught.value) == (
        "study.yaml:19: search.enqueue.1.clusters: must stand beside masking: 'element': clusters"
        " is not there otherwise; given: no masking"
    )
    with pytest.raises(SpecError, match="given: masking: 'modality'"):
        load_study(file, ["search.enqueue=[{clusters: 8, masking: modality}]"])
    point = {"masking": "element", "clusters": 8}
    assert load_study(file, [f"search.enqueue=[{point}]"]).search.enqueue == (point,)


def test_studies_to_start_from_must_be_there(write_study: Write, tmp_path: Path) -> None:
    (tmp_path / "earlier").mkdir()
    (tmp_path / "earlier" / "study.json").write_text("{}")
    spec = load_study(write_study(), ["search.warm_start=[earlier]"])
    assert spec.search.warm_start == ("earlier",)
    written = spec.to_dict()
    written["search"]["warm_start"] = ["moved/away"]
    assert StudySpec.from_dict(written).search.warm_start == ("moved/away",)


def test_overrides_replace_and_add(write_study: Write) -> None:
    spec = load_study(
        write_study(),
        [
            "budget.trials=3",
            "budget.trials=6",
            "search.concurrent=1",
            "space.clusters.int=[1, 8]",
            "space.masking_ratio={float: [0.1, 1e-0]}",
            "fixed.text=a=b",
            "fixed.label=",
        ],
    )
    assert spec.budget == Budget(trials=6)
    assert spec.search.concurrent == 1
    assert spec.space["clusters"] == Int(1, 8, log=True)
    assert spec.space["masking_ratio"] == Float(0.1, 1.0)
    assert spec.fixed == {"epochs": 4, "text": "a=b", "label": None}


@pytest.mark.parametrize(
    ("override", "path", "words"),
    [
        ("budget.trials", "budget.trials", "dotted.path=value"),
        ("=3", "(top)", "dotted.path=value"),
        ("budget..trials=3", "budget..trials", "dotted.path=value"),
        ("budget.trials=many", "budget.trials", "an integer or null"),
        ("budget.trails=3", "budget.trails", "nearest valid name: trials"),
        ("bugdet.trials=3", "bugdet", "nearest valid name: budget"),
        ("name.first=3", "name.first", "name must be a mapping"),
        ("objectives.0.metric=a", "objectives.0", "objectives must be a mapping"),
        ("search={seed: [}", "search", "must be YAML"),
        ("space.clusters.int=[8, 1]", "space.clusters.int", "low must not be above high"),
        ("space.masking.when={clusters: 1}", "space.masking.when.clusters", "must be a choice"),
        ("data.root=/no/such/folder", "data.root", "must exist"),
    ],
)
def test_mistake_on_the_command_line(
    write_study: Write, override: str, path: str, words: str
) -> None:
    with pytest.raises(SpecError) as caught:
        load_study(write_study(), [override])
    assert re.match(rf"--set(:1)?: {re.escape(path)}: ", str(caught.value))
    assert words in str(caught.value)
