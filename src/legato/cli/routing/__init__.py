"""Models, routes, the cache, replay and the twin."""
