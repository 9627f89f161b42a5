"""
From a reference id to a contact: what to ask, whom, and what the answer means.
"""
