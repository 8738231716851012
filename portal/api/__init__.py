"""API v1 of what crosses rooms: statements, manifests and jobs."""
