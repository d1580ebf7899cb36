"""The broad room."""
