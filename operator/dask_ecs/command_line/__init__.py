"""The commands that look: at what would be done, at what is, and at what it takes."""
