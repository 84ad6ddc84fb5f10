"""What `cluster/` says is what the command, the package and Ray understand."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from joulefront.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
CLUSTER = ROOT / "cluster"
README = (CLUSTER / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONSTRAINTS = (CLUSTER / "constraints.txt").read_text(encoding="utf-8")
RAY = re.search(r"^ray==(\S+)$", CONSTRAINTS, re.MULTILINE)[1]
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in sorted(CLUSTER.iterdir())}

# The fields of KubeRay 1.6: docs.ray.io/en/master/cluster/kubernetes/references/api.html
RAY_CLUSTER = {
    *("authOptions", "autoscalerOptions", "enableInTreeAutoscaling", "gcsFaultToleranceOptions"),
    *("headGroupSpec", "managedBy", "rayVersion", "suspend", "upgradeStrategy", "workerGroupSpecs"),
}
RAY_JOB = {
    *("activeDeadlineSeconds", "backoffLimit", "clusterSelector", "deletionStrategy", "entrypoint"),
    *("entrypointNumCpus", "entrypointNumGpus", "entrypointResources", "jobId", "managedBy"),
    *("metadata", "rayClusterSpec", "runtimeEnvYAML", "shutdownAfterJobFinishes"),
    *("submissionMode", "submitterConfig", "submitterPodTemplate", "suspend"),
    "ttlSecondsAfterFinished",
}
HEAD_GROUP = {"headService", "labels", "rayStartParams", "resources", "serviceType", "template"}
WORKER_GROUP = {
    *("groupName", "idleTimeoutSeconds", "labels", "maxReplicas", "minReplicas", "numOfHosts"),
    *("rayStartParams", "replicas", "resources", "scaleStrategy", "suspend", "template"),
}


def manifest(name: str) -> dict[str, Any]:
    return yaml.safe_load(TEXTS[name])


def commands(program: str) -> Iterator[list[str]]:
    """Every command line of a program in README, manifests and scripts, without its name."""
    joined = "\n".join(TEXTS.values()).replace("\\\n", " ").replace("`", "\n")
    texts = [joined, manifest("kuberay-job.yaml")["spec"]["entrypoint"]]
    aws = manifest("aws.yaml")
    texts += aws["head_start_ray_commands"] + aws["worker_start_ray_commands"]
    for line in "\n".join(texts).splitlines():
        words = line.strip().removeprefix("- ")
        if re.match(rf"(?:\w+=\S* |# *)*{program} [a-z-]+ \S", words) and "{" not in words:
            _, _, rest = words.partition(f"{program} ")
            yield [
                word for word in shlex.split(rest, comments=True) if word not in (">/dev/null", "&")
            ]


def ids(found: list[list[str]]) -> list[str]:
    return [" ".join(arguments)[:60] for arguments in found]


STUDY = [arguments for arguments in commands("study") if not arguments[0].endswith(":")]
RAY_COMMANDS = [arguments for arguments in commands("ray") if "$@" not in arguments]


@pytest.mark.parametrize("arguments", STUDY, ids=ids(STUDY))
def test_the_command_understands_what_is_written(arguments):
    command = typer.main.get_command(app)
    name, *rest = arguments
    rest = [word for word in rest if word != "$@"]
    command.commands[name].make_context(name, rest)


def test_every_way_has_its_commands():
    assert {arguments[0] for arguments in STUDY} >= {"launch", "submit", "status", "stop"}
    assert {arguments[0] for arguments in RAY_COMMANDS} >= {"start", "up", "down", "dashboard"}


@pytest.mark.parametrize("arguments", RAY_COMMANDS, ids=ids(RAY_COMMANDS))
def test_ray_understands_what_is_written(arguments):
    from ray.scripts.scripts import cli

    name, *rest = arguments
    cli.commands[name].make_context(name, [word.replace("<NUM>", "1") for word in rest])


def test_files_that_are_named_are_there():
    named = re.findall(r"\]\(([\w.-]+)\)", README)
    named += re.findall(r"(?<=cluster/)[\w.-]+\w", "\n".join(TEXTS.values()))
    assert set(named) >= {"aws.yaml", "Dockerfile", "kuberay-job.yaml", "slurm.sbatch"}
    assert [name for name in named if not (CLUSTER / name).exists()] == []
    studies = re.findall(r"studies/\w+\.yaml", "\n".join(TEXTS.values()))
    assert [name for name in studies if not (ROOT / name).exists()] == []


def test_versions_are_those_of_the_package():
    everything = "\n".join(text for name, text in TEXTS.items() if name != "constraints.txt")
    assert set(re.findall(r"joulefront:([\d.]+)", everything)) == {PROJECT["version"]}
    assert set(re.findall(r"joulefront-([\d.]+)-py3", everything)) == {PROJECT["version"]}
    assert set(re.findall(r"rayVersion: \"(\S+)\"", everything)) == {RAY}
    python = re.search(r"FROM python:([\d.]+)-slim", TEXTS["Dockerfile"])[1]
    assert f">={python}" == PROJECT["requires-python"]


def test_the_image_is_built_from_what_is_there():
    for line in TEXTS["Dockerfile"].splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            *sources, _ = line.split()[1:]
            assert [source for source in sources if not (ROOT / source).exists()] == []
    copied = {PROJECT["readme"], *PROJECT["license-files"], "pyproject.toml"}
    assert all(name in TEXTS["Dockerfile"] for name in copied)
    assert "cluster" in PROJECT["optional-dependencies"]
    stages = re.findall(r"^FROM \S+(?: AS (\w+))?$", TEXTS["Dockerfile"], re.MULTILINE)
    assert stages == ["wheel", ""] and "--from=wheel" in TEXTS["Dockerfile"]


def test_rays_schema_accepts_the_autoscaler_file():
    import jsonschema
    import ray

    schema = Path(ray.__file__).parent / "autoscaler" / "ray-schema.json"
    aws = manifest("aws.yaml")
    jsonschema.validate(aws, json.loads(schema.read_text(encoding="utf-8")))
    assert aws["head_node_type"] in aws["available_node_types"]
    spot = aws["available_node_types"]["spot"]["node_config"]
    assert spot["InstanceMarketOptions"] == {"MarketType": "spot"}


def test_rays_autoscaler_completes_the_file():
    from ray.autoscaler._private.util import prepare_config, validate_config

    prepared = prepare_config(manifest("aws.yaml"))
    validate_config(prepared)
    assert prepared["available_node_types"]["spot"]["max_workers"] == 8


@pytest.mark.parametrize("name", ["kuberay-cluster.yaml", "kuberay-job.yaml"])
def test_kuberay_knows_every_field(name):
    document = manifest(name)
    kind, spec = document["kind"], document["spec"]
    assert (document["apiVersion"], set(document)) == (
        "ray.io/v1",
        {"apiVersion", "kind", "metadata", "spec"},
    )
    if kind == "RayJob":
        assert set(spec) <= RAY_JOB
        spec = spec["rayClusterSpec"]
    assert set(spec) <= RAY_CLUSTER and set(spec["headGroupSpec"]) <= HEAD_GROUP
    assert spec["authOptions"] == {"mode": "token"}
    for group in [spec["headGroupSpec"], *spec["workerGroupSpecs"]]:
        assert group is spec["headGroupSpec"] or set(group) <= WORKER_GROUP
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())
        pod = group["template"]["spec"]
        mounted = {m["name"] for c in pod["containers"] for m in c.get("volumeMounts", [])}
        assert mounted == {volume["name"] for volume in pod.get("volumes", [])}
    (worker,) = spec["workerGroupSpecs"][0]["template"]["spec"]["containers"]
    assert worker["resources"]["limits"]["nvidia.com/gpu"] == "1"


def test_the_two_manifests_are_of_one_kind_of_cluster():
    cluster = manifest("kuberay-cluster.yaml")["spec"]["workerGroupSpecs"][0]["template"]
    job = manifest("kuberay-job.yaml")["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]["template"]
    assert cluster == job


def test_nothing_is_opened_and_no_head_is_without_a_token():
    assert [name for name, text in TEXTS.items() if "0.0.0.0" in text or "--ip=*" in text] == []
    for name in ("README.md", "aws.yaml"):
        text = re.sub(r">-\s+", "", TEXTS[name])
        for line in re.findall(r"^.*ray start --.*$", text, re.MULTILINE):
            assert "RAY_AUTH_MODE=token ray start" in line
    assert all("--dashboard-host=127.0.0.1" in a for a in RAY_COMMANDS if "--head" in a)
    assert "RAY_AUTH_MODE=token" in TEXTS["Dockerfile"]
    assert "RAY_AUTH_MODE=token" in TEXTS["slurm.sbatch"]


STUB = """#!/bin/bash
case "$(basename "$0")" in
    scontrol) printf 'n1\\nn2\\n' ;;
    srun) shift 3; node=${1#--nodelist=}; shift
          if [ "$1" = hostname ]; then echo "127.0.0.1 ::1"; exit; fi
          echo "$node: ${*:2}" >>"$CALLS"; exec sleep 60 ;;
    study) echo "study: $*" >>"$CALLS"
           trap 'echo stopped >>"$CALLS"; sleep 0.3; exit 130' TERM
           for _ in $(seq 100); do sleep 0.1; done ;;
esac
"""


@pytest.fixture
def slurm(tmp_path: Path) -> dict[str, str]:
    """A Slurm of two nodes that only writes down what it is asked for."""
    for name in ("scontrol", "srun", "study"):
        (tmp_path / name).write_text(STUB)
        (tmp_path / name).chmod(0o755)
    return os.environ | {
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "CALLS": str(tmp_path / "calls"),
        "SLURM_JOB_NODELIST": "n[1-2]",
        "SLURM_CPUS_ON_NODE": "4",
    }


def test_the_slurm_script_starts_a_head_workers_and_the_study_and_ends_it_in_time(slurm):
    calls = Path(slurm["CALLS"])
    port = 20000 + os.getpid() % 10000
    script = ["bash", str(CLUSTER / "slurm.sbatch"), "s.yaml", "/shared/s", "--set", "a.b=1"]
    slurm["SLURM_JOB_ID"] = str(os.getpid())
    with (
        socket.create_server(("127.0.0.1", port)),  # the head, which answers
        subprocess.Popen(script, env=slurm, start_new_session=True) as job,
    ):
        until = time.monotonic() + 10
        while "study:" not in (calls.read_text() if calls.exists() else ""):
            assert time.monotonic() < until
            time.sleep(0.05)
        time.sleep(0.2)
        os.kill(job.pid, signal.SIGTERM)
        code = job.wait(10)
        os.killpg(job.pid, signal.SIGKILL)  # the nodes, which Slurm would end
    said = calls.read_text().splitlines()
    started = "ray start"
    assert f"n1: {started} --head --node-ip-address=127.0.0.1 --port={port}" in "\n".join(said)
    assert f"n2: {started} --address=127.0.0.1:{port} --num-cpus=4 --block" in said
    launched = (
        f"study: launch s.yaml --store /shared/s --address 127.0.0.1:{port} --resume --set a.b=1"
    )
    assert launched in said
    assert said[-1] == "stopped" and code == 130
