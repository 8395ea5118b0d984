"""`legato conformance`: what a client can see of a server's wire, held against what is documented.

Every check is one point that has broken somebody's client behind some gateway.
"""
