"""The neural_memory room."""
