"""`legato demo`: the whole of Legato at work in a minute, on this machine alone.

command    the options
run        the order of events: read this first
settings   the configuration it writes, premium the tier behind it, place its folder
server     the control plane as a child process
prompts    what is asked, callers by which SDK, traffic in which order
figures    what the ledger and the traces say of it, view how that is shown
"""
