"""
Steps of the network, driven as each shell drives them.
"""

from __future__ import annotations

from careof._network.waits import async_drive, drive


def driven(shell, steps):
    """
    What *steps* return, with the waits of *shell*.
    """
    return shell.call(drive if shell.name == "sync" else async_drive, steps)


def waited(shell, wait):
    """
    Whether what *wait* waits for came in time, as *shell* waits.
    """
    return shell.call(wait.block if shell.name == "sync" else wait.suspend)
