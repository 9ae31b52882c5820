"""The only way to moto, which keeps the sandbox's state. What moto calls a thing stays in here."""
