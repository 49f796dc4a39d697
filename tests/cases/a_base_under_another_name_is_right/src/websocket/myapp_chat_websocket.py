import boss as b

Base = b.ServiceHandler[int]


class Room(Base):
    pass


class ChatWebsocket(Room):
    pass
