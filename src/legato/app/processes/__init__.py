"""The supervisor and the processes it forks."""
