"""
The room with sockets: where a call may go, how long it may take, and how it is made.
"""
