"""
What tokens cost, beside two other libraries: token requests, and CPU once one is there.

``python benchmarks/auth.py`` takes one to two minutes; ``--quick`` only shows
that it works.  All clients have one core, the server has another.
"""

from __future__ import annotations

import argparse

from auths import bursts, clients, costs
from auths.server import DELAY, running
from lookups.machine import CLIENT_CORE, described, is_installed, pin, raise_file_limit

CLIENTS = {
    "careof": (clients.careof_async, clients.careof_sync),
    "Authlib": (clients.authlib_async, clients.authlib_sync),
    "httpx_auth": (clients.httpx_auth_async, clients.httpx_auth_sync),
}
# What a column needs.
OPTIONAL = {"Authlib": "authlib", "httpx_auth": "httpx_auth"}

BURSTS = f"""
## Token requests of one burst

All callers ask at once and share one object; an answer of the token endpoint takes
{DELAY * 1000:.0f} ms.  careof is in its own resolvers here, with `NetworkPolicy.for_loopback()`:
in a foreign client its token requests go to public addresses only.  Authlib leaves the
first token to its callers: who finds none fetches it.
"""
COSTS = """
## What a token at hand costs a request

Nothing is sent: the transport has its answer at hand.  The bare header stands in
`headers=` of the client, which merges it into each request.
"""


def main() -> None:
    """
    Measure and print.
    """
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0].strip())
    parser.add_argument("--quick", action="store_true", help="only show that it works")
    is_quick = parser.parse_args().quick
    missing = [name for name, module in OPTIONAL.items() if not is_installed(module)]
    pin(CLIENT_CORE)
    raise_file_limit()
    print(described())
    if missing:
        print(f"Not installed, so left out: {', '.join(missing)}.")
    print(BURSTS)
    tasks, threads, short = (8, 4, 0.2) if is_quick else (200, 50, 1.0)
    present = {name: pair for name, pair in CLIENTS.items() if name not in missing}
    with running() as served:
        columns = bursts.columns(present, tasks=tasks, threads=threads)
        bursts.show(columns, served, short=short)
    print(COSTS)
    pace = costs.Pace(rounds=1, requests=20) if is_quick else costs.Pace(rounds=15, requests=1000)
    costs.show(missing, pace)


if __name__ == "__main__":
    main()
