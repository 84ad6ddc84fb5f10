"""Who can reach a Ray: what answers at an address, and what may listen at one.

Connects to no Ray and loads none. A token is looked for, never read.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from pathlib import Path
from urllib.parse import urlsplit

from joulefront.errors import StudyError


def check_address(address: str) -> None:
    """Knock at a named cluster, before anything is written: Ray would wait for a minute.

    Raises:
        StudyError: If nothing listens at a "host:port" address.
    """
    host, port = host_and_port(address)
    if port is None:
        return
    try:
        socket.create_connection((host, port), timeout=5).close()
    except OSError as error:
        raise StudyError(
            "a Ray cluster must answer at --address",
            given=f"{address}: {error.strerror or error}",
            remedy="check the address; `study launch` without --address takes a Ray of its own",
        ) from error


def has_token() -> bool:
    """Return whether the user has a Ray token, where Ray itself looks for one.

    Source: https://docs.ray.io/en/latest/ray-security/token-auth.html
    """
    if os.environ.get("RAY_AUTH_TOKEN"):
        return True
    file = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token")
    return file.is_file() and file.stat().st_size > 0


def check_listen(listen: str) -> None:
    """Refuse to be reached from other hosts without a token, or at an address of another host.

    Raises:
        StudyError: If there is no token, or `listen` is no IP address of this host.
    """
    if not has_token() or os.environ.get("RAY_AUTH_MODE", "token").lower() != "token":
        raise StudyError(
            "--listen must come with a token",
            given="no RAY_AUTH_TOKEN, or RAY_AUTH_MODE without it",
            remedy="make one with `ray get-auth-token --generate`; each host needs the same",
        )
    try:
        ip = ipaddress.ip_address(listen)
        family = socket.AF_INET6 if ip.version == 6 else socket.AF_INET
        if ip.is_unspecified:
            raise ValueError("every address at once")
        with socket.socket(family) as probe:
            probe.bind((listen, 0))
    except (OSError, ValueError) as error:
        raise StudyError(
            "--listen must be one IP address of this host",
            given=f"{listen}: {error}",
            remedy="take the one that the other hosts reach, such as 10.0.0.5",
        ) from error


def on_loopback(address: str | None) -> bool:
    """Return whether an address is one of this machine alone; None, a Ray of our own, is.

    "auto" is what RAY_ADDRESS says, as it is for Ray.
    """
    if address == "auto":
        address = os.environ.get("RAY_ADDRESS", address)
    if address is None:
        return True
    host, _ = host_and_port(address)
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_and_port(address: str) -> tuple[str, int | None]:
    """Return both parts of "host:port", of a URL, or of a bare host or IP address.

    Raises:
        StudyError: If what stands for the port is none.
    """
    if address.count(":") > 1 and "[" not in address and "://" not in address:
        return address, None
    parts = urlsplit(address if "://" in address else f"//{address}")
    try:
        return parts.hostname or "", parts.port
    except ValueError as error:
        raise StudyError("an address must be host:port", given=f"{address}: {error}") from error


def reach_notes(address: str) -> list[str]:
    """Say how a cluster at an address beyond this machine is open to others, a sentence each."""
    if on_loopback(address):
        return []
    notes = []
    if not has_token() or os.environ.get("RAY_AUTH_MODE", "token").lower() != "token":
        notes.append("cluster: without a token, whoever reaches its ports can run code on it")
    elif address.startswith("http://"):
        notes.append("cluster: the token travels unencrypted; an ssh tunnel would hide it")
    return notes
