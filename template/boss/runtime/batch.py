# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""Some messages for many clients: each framed once, and all joined once."""


class Batch:
    """What is sent to a group in one turn; see the module."""

    __slots__ = ("frames", "joined", "messages", "number")

    def __init__(self) -> None:
        self.messages: list[str | bytes] = []
        self.frames: list[bytes] = []  # one for each message
        self.number = 0  # of messages,
        self.joined = b""  # and all frames in one piece, once sealed

    def add(self, message: str | bytes, data: bytes) -> None:
        """Append `message`, whose frame is `data`."""
        self.messages.append(message)
        self.frames.append(data)

    def copy(self) -> "Batch":
        """A batch of the same messages, to be continued in another way."""
        batch = Batch()
        batch.messages = self.messages.copy()
        batch.frames = self.frames.copy()
        return batch

    def seal(self) -> None:
        """Count and join what is in it; nothing is added any more."""
        self.number = len(self.frames)
        self.joined = self.frames[0] if self.number == 1 else b"".join(self.frames)
