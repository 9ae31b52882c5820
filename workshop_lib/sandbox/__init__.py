"""AWS in this process: a sandbox that says no where AWS says no, with moto as its store.

A request arrives by `transport`, passes the `gateway`, and one of the `services` answers it.
ARCHITECTURE.md follows one through all the packages.
"""
