"""
Commands of this application.
"""

from __future__ import annotations
