"""Load of deployments: who is busy, who is near a limit of rate. Pure."""
