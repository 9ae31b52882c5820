"""The browser edition: JupyterLite with the lessons, as files for any web server.

`python3 workshop.py site` runs this package in `.venv-site`. Nothing of it is shipped.
"""
