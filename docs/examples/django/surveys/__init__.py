"""
An application that sends surveys and knows nobody's address.
"""

from __future__ import annotations
