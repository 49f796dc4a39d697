from fastapi import ServiceHandler


class ChatWebsocket(ServiceHandler):
    pass
