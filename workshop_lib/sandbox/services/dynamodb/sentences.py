"""How DynamoDB's refusals begin; the rest stands with each rule, and its source in the test."""

INVALID = "One or more parameter values were invalid: "
ENVELOPE = "1 validation error detected: "
