"""The rows of the report, one file for what is measured in one go."""
