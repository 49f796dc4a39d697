"""Chicago Boss's WebSocket services for FastAPI."""

__version__ = "0.1.0"
