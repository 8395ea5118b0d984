"""`legato privacy`: what is held about people."""
