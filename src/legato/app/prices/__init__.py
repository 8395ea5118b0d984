"""What deployments charge, looked up and from the price book."""
