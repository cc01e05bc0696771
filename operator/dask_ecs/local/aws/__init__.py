"""An AWS on loopback whose ECS really runs tasks: every task is a process (or a simulated one) on its own address."""
