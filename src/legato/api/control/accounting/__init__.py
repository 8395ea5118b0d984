"""The books as REST."""
