"""Files that hold a model: containers and number formats."""
