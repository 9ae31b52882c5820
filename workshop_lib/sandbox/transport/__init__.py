"""How a request arrives: from botocore in this kernel, or over HTTP on loopback. Nothing leaves."""
