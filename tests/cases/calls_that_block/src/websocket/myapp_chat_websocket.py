import time

import requests
from boss import Noreply, ServiceHandler


class ChatWebsocket(ServiceHandler[int]):
    def handle_join(self, service_url, websocket, state):
        time.sleep(1)
        return Noreply(state)

    async def handle_info(self, info, state):
        page = requests.get("https://example.org")
        with open("page.html", "w") as file:
            file.write(page.text)
        return Noreply(state)
