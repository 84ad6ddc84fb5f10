"""Who listens where while a local study runs: every socket of its processes, as the kernel tells.

The study's trials are worker groups of two, which meet on a socket too. The mutant is a plain Ray
Train group of two on a local Ray.
"""

from __future__ import annotations

import ipaddress
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from joulefront.bench.faults.driver_kill import finish, study_file, study_process
from joulefront.bench.figures import Figure, Rows

_PLAIN = """
import time, ray
from ray import train
from ray.train.torch import TorchTrainer
ray.init(num_cpus=3, include_dashboard=False)
run = train.RunConfig(storage_path={folder!r})
two = train.ScalingConfig(num_workers=2)
TorchTrainer(lambda: time.sleep(1), scaling_config=two, run_config=run).fit()
"""


def observe(full: bool = False) -> list[dict[str, Any]]:
    """Look at the sockets of a study while its trials run.

    Returns:
        A row a listening socket, and one a variant that counts those beyond loopback.
    """
    with tempfile.TemporaryDirectory(prefix="joulefront-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        study_file(folder, trials=1, concurrent=1, per_trial={"cpus": 1, "workers": 2})
        process = study_process(folder, {})
        rows = _sockets("joulefront", process)
        finish(folder, process)
        plain = [sys.executable, "-c", _PLAIN.format(folder=name)]
        output = subprocess.DEVNULL
        rows += _sockets("ray_train", subprocess.Popen(plain, stdout=output, stderr=output))
    return [row | {"what": "ports"} for row in rows]


def _sockets(variant: str, process: subprocess.Popen[bytes]) -> list[dict[str, Any]]:
    """Watch a process and its descendants until it ends."""
    found: dict[tuple[str, int], str] = {}
    while process.poll() is None:
        found |= _listening(process.pid)
        time.sleep(0.1)
    beyond = [address for address, _ in found if not _is_loopback(address)]
    sockets = [
        {"variant": "raw", "of": variant, "address": address, "port": port, "process": name}
        for (address, port), name in sorted(found.items())
    ]
    return [*sockets, {"variant": variant, "open": len(beyond), "listening": len(found)}]


def _listening(pid: int) -> dict[tuple[str, int], str]:
    """Return address and port of each socket on which a process tree listens, and whose it is."""
    found = {}
    try:
        tree = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return {}
    for process in tree:
        try:
            for one in process.net_connections("inet"):
                if one.status == psutil.CONN_LISTEN:
                    found[one.laddr.ip, one.laddr.port] = process.name()
        except psutil.Error:
            continue
    return found


def _is_loopback(address: str) -> bool:
    ip = ipaddress.ip_address(address)
    mapped = getattr(ip, "ipv4_mapped", None)
    return (mapped or ip).is_loopback


def _open(rows: Rows, variant: str) -> float:
    """Return how many sockets listened beyond loopback."""
    found = [row for row in rows if (row["what"], row.get("variant")) == ("ports", variant)]
    return float(found[0]["open"]) if found and found[0]["listening"] else float("nan")


FIGURES: tuple[Figure[str], ...] = (
    Figure(
        "open_ports",
        "sockets beyond loopback on which a local study listens",
        (0, 0),
        _open,
        "joulefront",
        "a plain Ray Train group",
        "ray_train",
    ),
)
