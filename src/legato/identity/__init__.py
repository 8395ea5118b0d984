"""Who people and machines are: passwords, sessions, tokens, providers of identity."""
