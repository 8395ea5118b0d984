"""The semantic cache's part in the gateway: what may be looked up, what may be kept, and checks."""
