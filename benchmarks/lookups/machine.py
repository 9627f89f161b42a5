"""
The machine: its cores, its open files, and the event loops that are installed.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import math
import os
import pathlib
import platform
import sys
import time
from collections.abc import Callable

CLIENT_CORE, SERVER_CORE = 0, 1


def pin(number: int) -> None:
    """
    Keep this process on one core, where the system has a way to.
    """
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[number % len(cores)]})


def raise_file_limit() -> None:
    """
    Allow as many open files as this user may have: a thousand connections are some.
    """
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def age_the_heap() -> None:
    """
    Bring the allocator to where it is in a process that has run for a while.

    asyncio receives into 256 KiB at a time.  glibc gets that much from the
    kernel and gives it back, each time, until a larger block was freed once; a
    raw exchange then takes half.  Whether and when that happens is chance.
    """
    bytes(16 * 1024 * 1024)


def cpu_seconds() -> float:
    """
    CPU that this process has used: its own and the kernel's for it.
    """
    return time.process_time()


def mebibytes(field: str) -> float:
    """
    What the system says of this process: ``VmHWM``, its peak, or ``VmRSS``, now.

    The peak that ``getrusage`` gives is that of its parent, where that was larger.
    """
    with contextlib.suppress(OSError):  # a system that does not say so
        status = pathlib.Path("/proc/self/status").read_text()
        return int(status.partition(f"{field}:")[2].split()[0]) / 1024
    return math.nan


def is_installed(module: str) -> bool:
    """
    Whether *module* can be imported.
    """
    return importlib.util.find_spec(module) is not None


def event_loop(name: str) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """
    What makes event loops of *name*, ``asyncio`` or ``uvloop``; None if not installed.
    """
    if name == "asyncio":
        return asyncio.new_event_loop
    if not is_installed(name):
        return None
    import uvloop

    return uvloop.new_event_loop


def described() -> str:
    """
    This machine in one line, without its name.
    """
    cores = os.cpu_count()
    system = f"{platform.system()} {platform.release().partition('-')[0]}"
    return f"Python {sys.version.split()[0]}, {system}, {platform.machine()}, {cores} cores"
