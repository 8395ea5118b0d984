"""A Legato detector that asks Microsoft Presidio."""
