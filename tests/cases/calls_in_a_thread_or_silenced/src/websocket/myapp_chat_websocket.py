import asyncio
import time

from boss import Noreply, ServiceHandler


class ChatWebsocket(ServiceHandler[int]):
    async def handle_info(self, info, state):
        await asyncio.to_thread(time.sleep, 1)
        time.sleep(0.001)  # bossgen: ignore[BG501]
        return Noreply(state)
