"""What checks of compliance ask of the database, and what they came to."""
