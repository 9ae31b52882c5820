"""The services of AWS, a package each, and the registry of them.

A package's `__init__` defines what the service is to the wire; its `service` answers calls; what a
call needs permission for stands in `permissions`, and what it does in a file per subject.
"""
