"""What makes encryption visible: compare, trace, attempt, refused, why. They look, at what they are
given or at what passes botocore, and know nothing of the sandbox.
"""
