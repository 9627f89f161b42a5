"""
What can be done at a shell, without a line of Python.
"""
