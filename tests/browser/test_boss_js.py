"""`priv/static/boss.js`, in a browser whose WebSocket is a stand-in that does as it is told."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from bossgen import locate

# Time, chance and the network stand still until the test moves them.
STAND_INS = """
window.sockets = [];
window.timers = [];
window.WebSocket = class {
    constructor(url, protocols) {
        Object.assign(this, { url, protocols, sent: [], protocol: "" });
        sockets.push(this);
    }
    send(data) { this.sent.push(data); }
    close(code, reason) { this.asked = [code, reason]; }
    accept() { this.onopen({}); }
    drop(code = 1006, reason = "") { this.onclose({ code, reason }); }
};
window.setTimeout = (task, delay) => timers.push({ task, delay });
window.clearTimeout = number => { if (timers[number - 1]) timers[number - 1].task = () => {}; };
Math.random = () => 0.5;
window.fire = () => { const { task, delay } = timers.at(-1); task(); return delay; };
window.last = () => sockets.at(-1);
window.start = async options => {
    const { BossSocket } = await import("/boss.js");
    window.events = [];
    window.socket = new BossSocket("websocket/chat", options);
    socket.on("open", ({ again, protocol }) => events.push(["open", again, protocol]));
    socket.on("message", ({ data }) => events.push(["message", data]));
    socket.on("close", ({ code, meaning, retryIn }) => events.push(["close", code, meaning, retryIn]));
};
undefined;  // or the function would be called
"""


@pytest.fixture
def page(context: BrowserContext, faults: list[str]) -> Iterator[Page]:
    static = locate.template_root() / "project/template/priv/static"
    page = context.new_page()
    page.route(
        "https://example.test/**",
        lambda route: (
            route.fulfill(path=static / "boss.js", content_type="text/javascript")
            if route.request.url.endswith("/boss.js")
            else route.fulfill(body="<!doctype html>", content_type="text/html")
        ),
    )
    page.goto("https://example.test/below/page.html")
    page.evaluate(STAND_INS)
    yield page


def run(page: Page, script: str) -> Any:
    return page.evaluate(f"async () => {{ {script} }}")


def test_the_address_is_relative_to_the_page_and_secure_like_it(page: Page) -> None:
    assert run(
        page, "await start(); return [socket.url, last().url, socket.state]"
    ) == [
        "wss://example.test/below/websocket/chat",
        "wss://example.test/below/websocket/chat",
        "connecting",
    ]


def test_what_is_sent_too_early_waits_and_keeps_its_order(page: Page) -> None:
    assert run(
        page,
        """await start();
        const now = [socket.send("a"), socket.sendJSON({ b: 1 })];
        const waiting = socket.queued;
        last().accept();
        now.push(socket.send("c"));
        return [now, waiting, last().sent, socket.queued, socket.state];""",
    ) == [[False, False, True], 2, ["a", '{"b":1}', "c"], 0, "open"]


def test_what_the_open_listener_sends_comes_after_what_waited(page: Page) -> None:
    """The queue keeps the order of the calls: what was said earlier goes out earlier."""
    assert run(
        page,
        """await start();
        socket.on("open", () => socket.send("from the listener"));
        socket.send("early");
        last().accept();
        return last().sent;""",
    ) == ["early", "from the listener"]


def test_it_reconnects_with_full_jitter_up_to_the_longest_delay(page: Page) -> None:
    delays = run(
        page,
        """await start({ firstDelay: 100, longestDelay: 1000 });
        const delays = [];
        for (let round = 0; round < 6; round += 1) { last().drop(); delays.push(fire()); }
        return delays;""",
    )
    assert delays == [
        50,
        100,
        200,
        400,
        500,
        500,
    ]  # half of 100, 200, 400, 800, 1000, 1000


def test_a_connection_that_lasted_makes_the_next_delay_short_again(page: Page) -> None:
    assert run(
        page,
        """await start({ firstDelay: 100 });
        last().drop(); fire(); last().drop(); fire();
        last().accept(); last().drop(); const tooShort = fire();
        last().accept(); const lasted = fire(); last().drop();
        return [tooShort, lasted, fire()];""",
    ) == [200, 200, 50]


def test_it_says_whether_it_was_there_before(page: Page) -> None:
    assert run(
        page,
        """await start();
        last().accept(); last().drop(1012); fire(); last().accept();
        return events;""",
    ) == [
        ["open", False, ""],
        ["close", 1012, "the server restarts", 250],
        ["open", True, ""],
    ]


@pytest.mark.parametrize(
    ("code", "again"),
    [
        *((code, True) for code in (1001, 1006, 1011, 1012, 1013, 1014)),
        *((code, False) for code in (1000, 1002, 1005, 1007, 1008, 1009, 4000)),
    ],
)
def test_only_what_may_pass_is_tried_again(page: Page, code: int, again: bool) -> None:
    run(page, f"await start(); last().accept(); last().drop({code});")
    state, events, words = run(
        page,
        """const { CLOSE_CODES, meaning } = await import("/boss.js");
        return [socket.state, events.at(-1), meaning(events.at(-1)[1])];""",
    )
    assert state == ("waiting" if again else "closed")
    assert events[2] == words
    assert (events[3] is not None) == again


def test_the_page_may_decide_what_is_tried_again(page: Page) -> None:
    assert (
        run(
            page,
            """await start({ retry: ({ code }) => code === 4000 });
            last().drop(4000); fire(); last().drop(1006);
            return socket.state;""",
        )
        == "closed"
    )


def test_closed_by_the_page_it_stays_closed(page: Page) -> None:
    assert run(
        page,
        """await start();
        last().accept(); socket.close(3000, "enough");
        const asked = last().asked;
        last().drop(3000);
        let said = "";
        try { socket.send("x"); } catch (error) { said = error.name; }
        socket.close();
        return [asked, socket.state, events.at(-1), said, sockets.length];""",
    ) == [
        [3000, "enough"],
        "closed",
        ["close", 3000, "an unknown code", None],
        "InvalidStateError",
        1,
    ]


def test_closed_while_it_waits_it_tries_no_more(page: Page) -> None:
    assert run(
        page,
        """await start();
        last().drop(); socket.send("x"); socket.close(); fire();
        return [socket.state, socket.queued, sockets.length, events.at(-1)];""",
    ) == ["closed", 0, 1, ["close", 1000, "closed normally", None]]


def test_the_queue_has_an_end(page: Page) -> None:
    assert run(
        page,
        """await start({ queueLimit: 2 });
        socket.send("a"); socket.send("b");
        try { socket.send("c"); } catch (error) { return [error.name, socket.queued]; }""",
    ) == ["RangeError", 2]


def test_what_is_neither_text_nor_bytes_is_refused_at_the_sender(page: Page) -> None:
    assert run(
        page,
        """await start(); last().accept();
        const said = [];
        for (const data of [42, { a: 1 }, null, undefined]) {
            try { socket.send(data); } catch (error) { said.push(error.name); }
        }
        socket.send(new Uint8Array(2)); socket.send(new ArrayBuffer(2)); socket.send(new Blob());
        return [said, last().sent.length];""",
    ) == [["TypeError"] * 4, 3]


def test_messages_arrive_as_events_and_know_json(page: Page) -> None:
    assert run(
        page,
        """await start(); last().accept();
        const stop = socket.on("message", event => events.push(event.json()));
        last().onmessage({ data: '{"a": 1}' });
        stop();
        last().onmessage({ data: "plain" });
        return events.slice(1);""",
    ) == [["message", '{"a": 1}'], {"a": 1}, ["message", "plain"]]


def test_a_network_that_is_back_is_used_at_once(page: Page) -> None:
    assert run(
        page,
        """await start();
        last().drop();
        window.dispatchEvent(new Event("online"));
        const tries = [sockets.length, socket.state];
        socket.retryNow();
        return [...tries, sockets.length];""",
    ) == [2, "connecting", 2]


def test_a_server_that_does_not_answer_is_given_up(page: Page) -> None:
    assert run(
        page,
        "await start({ openTimeout: 1234 }); return [fire(), last().asked.length]",
    ) == [1234, 2]


def test_every_close_code_has_its_words(page: Page) -> None:
    words = run(page, 'return (await import("/boss.js")).CLOSE_CODES')
    assert {
        "1000",
        "1001",
        "1002",
        "1006",
        "1007",
        "1008",
        "1009",
        "1011",
        "1012",
    } <= set(words)
    assert len(set(words.values())) == len(words)


def test_it_is_one_file_that_needs_no_other() -> None:
    text = Path(
        locate.template_root() / "project/template/priv/static/boss.js"
    ).read_text()
    code = [line for line in text.splitlines() if not line.lstrip().startswith("*")]
    assert not [line for line in code if line.startswith("import ")]
