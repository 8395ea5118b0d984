"""What commands and the control API work with: stores, opened and put together."""
