"""May they? Policies of every kind, checked and evaluated; nothing here knows a service."""
