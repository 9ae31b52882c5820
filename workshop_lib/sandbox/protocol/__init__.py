"""The wire: requests and responses, which operation a request is, and how errors are written."""
