from boss import Noreply, Ok, ServiceHandler, Stop


class Room(ServiceHandler[int]):
    pass


class ChatWebsocket(Room):
    pass
