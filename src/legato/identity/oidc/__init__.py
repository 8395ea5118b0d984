"""Signing in by an OpenID provider: authorization code with PKCE, and roles from its claims."""
