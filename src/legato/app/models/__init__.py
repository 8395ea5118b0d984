"""Deployments, routes and routers as a worker serves them, swapped whole when one changes."""
