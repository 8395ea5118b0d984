"""Copies of the audit log elsewhere: who may write to our database can't reach them."""
