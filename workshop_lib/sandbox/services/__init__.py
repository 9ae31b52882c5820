"""The services of AWS, a package each."""
