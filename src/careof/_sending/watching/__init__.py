"""
How far a run is, for somebody who watches.
"""
