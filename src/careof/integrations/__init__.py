"""
careof inside other software, one module for each; importing one needs its extra.
"""

from __future__ import annotations
