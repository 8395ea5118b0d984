"""What a configuration must fulfil across its parts, and an instance that passed."""
