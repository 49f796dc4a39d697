from boss import Noreply, Ok, ServiceHandler, Stop


class ChatWebsocket(ServiceHandler[int]):
    pass


class NewsWebsocket(ServiceHandler[int]):
    pass
