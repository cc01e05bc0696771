"""What the operator does in how much time, with how many calls, CPU and memory: `make bench`."""
