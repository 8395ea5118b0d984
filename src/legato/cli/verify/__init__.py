"""`legato verify`: small real calls through the gateway's own adapters.

A check that fails is the provider's, the key's or the adapter's fault; none is tried again.
"""
