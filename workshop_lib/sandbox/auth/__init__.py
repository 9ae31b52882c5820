"""Who asks: signatures, the callers they belong to, and the request as policies see it."""
