"""What lies on the disk: sealed as AWS seals it, and shown to whoever asks for the disk."""
