"""
What ``import careof`` costs over ``import httpx``, in fresh processes, CPU time.

Prints medians of one run and ratios; the target is 40 ms over httpx on a
machine where httpx takes 115 ms.
"""

from __future__ import annotations

import statistics
import subprocess
import sys

RUNS = 21
IMPORTS = {
    "httpx": ("", "httpx"),
    "careof, over httpx": ("import httpx", "careof"),
    "careof.auth, over httpx": ("import httpx", "careof.auth"),
    "attrs, over httpx": ("import httpx", "attrs"),
}


def cost(before: str, module: str) -> float:
    """
    Median milliseconds of CPU for importing *module*, after *before* was run.
    """
    program = (
        f"import time\n{before}\nbegun = time.process_time()\nimport {module}\n"
        "print(time.process_time() - begun)"
    )
    times = [
        float(subprocess.check_output([sys.executable, "-c", program], text=True))  # noqa: S603
        for _ in range(RUNS)
    ]
    return statistics.median(times) * 1000


def main() -> None:
    """
    Measure and print.
    """
    costs = {name: cost(*what) for name, what in IMPORTS.items()}
    for name, milliseconds in costs.items():
        print(f"{name:<26} {milliseconds:6.1f} ms  {milliseconds / costs['httpx']:5.2f} x httpx")


if __name__ == "__main__":
    main()
