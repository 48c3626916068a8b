"""Who runs the tasks: worker processes, and the supervisor that keeps them alive."""
