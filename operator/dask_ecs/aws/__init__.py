"""AWS, one file per thing; each idempotent, filling and executing the types of plan."""
