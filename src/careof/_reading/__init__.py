"""
Reading what a stranger answered: strict JSON, and paths into it.  All pure.
"""
