"""
The TLS settings of every connection that careof opens.
"""

from __future__ import annotations

import functools
import ssl


@functools.cache
def default_context() -> ssl.SSLContext:
    """
    Certificates and host names verified against the system's authorities.

    Made on first use and shared: loading the authorities takes 26 ms.  Not
    ``create_default_context``, which writes the session keys to a file where
    the variable ``SSLKEYLOGFILE`` is set.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_default_certs()
    return context


def verifies(context: ssl.SSLContext) -> bool:
    """
    Whether *context* checks the certificate and that it is the host's.
    """
    return context.verify_mode == ssl.CERT_REQUIRED and context.check_hostname


def certified_name(host: str) -> str:
    """
    The name of *host* as a certificate has it.
    """
    # RFC 6066 §3: without the dot that ends an absolute name.
    return host.removesuffix(".")
