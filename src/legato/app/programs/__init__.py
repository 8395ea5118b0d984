"""Child processes and the model servers among them."""
