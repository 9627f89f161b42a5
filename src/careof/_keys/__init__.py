"""
The host's keys, and the keys that are made of them.
"""
