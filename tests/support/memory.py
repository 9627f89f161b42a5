"""
What is alive: walks through all objects of the process.
"""

from __future__ import annotations

import gc
import socket
import sys


def untraced(work, value):
    """
    What *work* makes of *value*, without the measuring of coverage, which makes long loops longer.
    """
    tracing = sys.gettrace()
    sys.settrace(None)
    try:
        return work(value)
    finally:
        sys.settrace(tracing)


def living(kind):
    """
    The objects of a *kind* that the collector knows.
    """
    return untraced(instances_of, kind)


def instances_of(kind):
    # By their types: Django's settings answer for their class by being read.
    return [thing for thing in gc.get_objects() if issubclass(type(thing), kind)]


def open_sockets():
    """
    The sockets that nobody has closed.
    """
    return [each for each in living(socket.socket) if each.fileno() >= 0]
