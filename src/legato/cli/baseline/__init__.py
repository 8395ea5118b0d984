"""The world before: imports, a scan of code, the report, readiness."""
