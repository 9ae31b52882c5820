"""Stand-ins for the four compiled packages that only Pyodide's CDN has, for tests. Never shipped.

In the browser a stand-in holds no numbers and no keys: each object stands for one on the tests'
own server, which has the real package of the very version, and each operation is a request there.
So the lessons compute with the real thing, and all around it (Pyodide, the loading by hash, the
course) is as a learner has it. What this leaves untried is the four wheels themselves.
"""

RUST = "cryptography.hazmat.bindings._rust"
"""The compiled module of cryptography; all else of it is Python, and runs in the browser."""
