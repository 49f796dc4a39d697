"""What several handlers share: `from src.lib.rooms import Room`."""
