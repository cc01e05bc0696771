"""What a container is: a process of this machine, or a simulated one."""
