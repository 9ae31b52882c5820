"""AWS in this process: a sandbox that says no where AWS says no, with moto as its store.

A request arrives by `transport`, passes the `gateway`, and one of the `services` answers it.
ARCHITECTURE.md follows one through all the packages.
"""

# `workshop_lib.sandbox` is a pytest plugin as well, and brings a fixture.
pytest_plugins = ["workshop_lib.sandbox.pytest_plugin"]
