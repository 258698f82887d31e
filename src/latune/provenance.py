"""Where a number came from: the software and the machine that made it."""

from __future__ import annotations

import platform
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from latune.errors import LatuneError


def machine(device: Any = "cpu") -> dict[str, Any]:
    """Versions, processor and device, as plain data.

    >>> sorted(machine())[:3]
    ['commit', 'device', 'latune']
    """
    import torch

    from latune import __version__

    name = torch.cuda.get_device_name(device) if str(device).startswith("cuda") else processor()
    return {
        "latune": __version__,
        "commit": commit(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "device": name,
        "threads": torch.get_num_threads(),
    }


def check_device(device: Any) -> None:
    """Whether tensors can be made on a device.

    Raises:
        LatuneError: with the devices that this machine has.

    >>> check_device("cpu")
    """
    import torch

    try:
        usable = torch.device(device).type in ("cpu", "cuda") and torch.empty(0, device=device) is not None
    except (RuntimeError, AssertionError, TypeError):
        usable = False
    if not usable:
        found = [f"cuda:{i}" for i in range(torch.cuda.device_count())]
        raise LatuneError(f"The device '{device}' cannot be used. Here there is: {', '.join(['cpu', *found])}.")


@cache
def processor() -> str:
    """The processor's name."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


@cache
def commit() -> str:
    """The commit of the checkout that Latune runs from, with a plus where changed; empty where installed."""
    here = Path(__file__).resolve().parent
    try:

        def git(*words: str) -> str:
            return subprocess.run(
                ["git", "-C", str(here), *words], capture_output=True, text=True, check=True
            ).stdout.strip()

        if Path(git("rev-parse", "--show-toplevel")) / "src" / "latune" != here:
            return ""
        return git("rev-parse", "--short=12", "HEAD") + (
            "+" if git("status", "--porcelain", "--untracked-files=no", "src") else ""
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
