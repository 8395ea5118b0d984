"""Every model provider behind one interface; one folder per wire format."""
