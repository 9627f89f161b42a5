"""
From a contact and an invitation to a receipt.
"""
