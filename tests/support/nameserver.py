"""
What names resolve to, in place of the system's resolver.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading


class NameServer:
    """
    Answers for names of ours; addresses go to the system, which asks nobody about them.

    Args:
        monkeypatch: The fixture, which puts the system's resolver back.

    Attributes:
        asked: The names that were looked up, in their order.
    """

    def __init__(self, monkeypatch):
        self.asked = []
        self._answers = {}
        self._lock = threading.Lock()
        self._system = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self._getaddrinfo)

    def answers(self, name, *answers):
        """
        What *name* resolves to, one answer after another; the last one stays.

        An answer is a list of addresses, or an exception.
        """
        self._answers[name] = list(answers)

    def _getaddrinfo(self, host, port, *arguments, **options):
        with contextlib.suppress(ValueError):
            ipaddress.ip_address(host)
            return self._system(host, port, *arguments, **options)
        with self._lock:
            self.asked.append(host)
            answers = self._answers.get(host, [socket.gaierror(-2, "Name or service not known")])
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return [_entry(address, port) for address in answer]


def _entry(address, port):
    stream = (socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
    if ":" not in address:
        return (socket.AF_INET, *stream, (address, port or 0))
    # As glibc has it: the zone in the text and, as a number, behind it.
    return (socket.AF_INET6, *stream, (address, port or 0, 0, 2 if "%" in address else 0))
