"""Live checks of this instance, the controls that they bear on, and what is reported of both."""
