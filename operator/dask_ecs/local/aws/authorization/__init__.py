"""Whether a caller may do what it asks for: who it is, what its request demands, and what its policies say."""
