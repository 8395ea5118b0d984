"""The digital twin: recorded traffic in a candidate world, on a virtual clock."""
