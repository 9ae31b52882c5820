"""A class: the server that learners join, and what its instructor sees. No AWS, no notebook.

`python3 workshop.py class` starts it in an environment of its own, so nothing here imports
`workshop_lib`; what both have to agree on is read from the course's files (`outline.py`).
"""
