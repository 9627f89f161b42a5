"""
``python -m careof``: what can be done at a shell.
"""

from __future__ import annotations

import sys

from careof._commands.command_line import main

sys.exit(main(sys.argv[1:], is_last=True))
