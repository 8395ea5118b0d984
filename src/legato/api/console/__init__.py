"""The web console's files, as `make console` or the wheel put them beside the package."""
