"""What a request costs through Legato, beside its peers and the physical limit, in one run."""
