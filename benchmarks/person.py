"""One session at the app: a websocket client that speaks Streamlit's own protocol, and what it has seen.

It asks again for what moves as a browser does, and times what it asks for from the message to the end of the page's
run.
"""

import asyncio
import json
import time
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.error import HTTPError
from uuid import uuid4

from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import UploadedFileInfo
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

PATIENCE = 180.0  # seconds; what takes longer is lost
LOOK = 0.02  # seconds between two looks at what has arrived


@dataclass
class Seen:
    """What all people saw together; ``racing`` is how many wait for a race right now."""

    racing: int = 0
    arrivals: list[float] = field(default_factory=list)  # seconds, on a server that nobody has visited before
    pages: list[tuple[float, bool]] = field(default_factory=list)  # seconds, and whether many raced meanwhile
    sliders: list[tuple[float, bool]] = field(default_factory=list)
    races: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)  # seconds until a training gave its first step
    uploads: int = 0
    trainings: int = 0
    lost: int = 0
    wrong: int = 0
    complaints: Counter[str] = field(default_factory=Counter)
    memory: list[int] = field(default_factory=list)  # bytes


class Lost(Exception):  # noqa: N818 - it is what the benchmark counts
    """Something that was asked for did not come."""


class Person:
    """One session: a websocket that is listened to all the time."""

    def __init__(self, url: str, socket: ClientConnection, cookie: str, link: str, seen: Seen):
        self.seen = seen
        self._url, self._socket, self._cookie, self._link = url, socket, cookie, link
        self._address, self._page = "", ""
        self._pages: dict[str, str] = {}  # what the server calls each page, by its address
        self._elements: dict[tuple[int, ...], Element] = {}
        self._session = ""
        self._finished = asyncio.Event()
        self._polls: dict[str, asyncio.Task[None]] = {}
        self._upload_url: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    # ---- what comes ----

    async def listen(self) -> None:
        """Take in what the server sends, until it hangs up."""
        async for data in self._socket:
            assert isinstance(data, bytes)
            self._take(ForwardMsg.FromString(data))

    def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self._session = message.new_session.initialize.session_id or self._session
            if not message.metadata.run.fragment_ids:
                self._elements.clear()
                self.stop_polling()
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            self._elements[tuple(message.metadata.delta_path)] = message.delta.new_element
            self._hear(message.delta.new_element)
        elif kind == "navigation":
            self._pages = {page.url_pathname: page.page_script_hash for page in message.navigation.app_pages}
        elif kind == "auto_rerun":
            rerun = message.auto_rerun
            if earlier := self._polls.pop(rerun.fragment_id, None):
                earlier.cancel()
            self._polls[rerun.fragment_id] = asyncio.create_task(self._poll(rerun.fragment_id, rerun.interval))
        elif kind == "script_finished" and message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
            self._finished.set()
        elif kind == "file_urls_response":
            self._upload_url.set_result(message.file_urls_response.file_urls[0])

    def _hear(self, element: Element) -> None:
        kind = element.WhichOneof("type")
        if kind == "exception":
            self.seen.complaints[f"exception: {element.exception.message}"] += 1
        elif kind == "alert" and element.alert.format == Alert.ERROR:
            self.seen.complaints[element.alert.body] += 1

    async def _poll(self, fragment: str, interval: float) -> None:
        """Ask again and again for a fragment that moves, as a browser does."""
        while True:
            await asyncio.sleep(interval)
            message = BackMsg()
            message.rerun_script.query_string = self._address
            message.rerun_script.page_script_hash = self._pages.get(self._page, "")
            message.rerun_script.fragment_id = fragment
            message.rerun_script.is_auto_rerun = True
            await self._socket.send(message.SerializeToString())

    def stop_polling(self) -> None:
        for task in self._polls.values():
            task.cancel()
        self._polls.clear()

    # ---- what is asked for ----

    async def open(self, page: str) -> float:
        """Go to ``page``, the first time by a link with choices, and return the seconds until its run has ended."""
        self._page, self._address = page, "" if self._pages else self._link
        return await self._run(BackMsg())

    async def choose(self, key: str, title: str) -> float:
        """Choose what is called ``title`` of the row of buttons ``key``, as ``move`` does."""
        return await self.move(key, string_array_value=[title])

    async def move(self, key: str, **value: Any) -> float:
        """Give the widget called ``key`` a ``value`` and return the seconds until the page's run has ended."""
        message = BackMsg()
        state = message.rerun_script.widget_states.widgets.add()
        state.id = self._id_of(key)
        for name, given in value.items():
            if isinstance(given, list):
                getattr(state, name).data.extend(given)
            else:
                setattr(state, name, given)
        return await self._run(message)

    async def upload(self, key: str, name: str, data: bytes) -> None:
        """Put a file into the uploader called ``key``, over HTTP as a browser does, and wait for the page's run."""
        self._upload_url = asyncio.get_running_loop().create_future()
        request = BackMsg()
        request.file_urls_request.request_id = uuid4().hex
        request.file_urls_request.session_id = self._session
        request.file_urls_request.file_names.append(name)
        await self._socket.send(request.SerializeToString())
        urls = await asyncio.wait_for(self._upload_url, PATIENCE)
        await asyncio.to_thread(self._put, urls.upload_url, name, data)
        message = BackMsg()
        state = message.rerun_script.widget_states.widgets.add()
        state.id = self._id_of(key)
        info = UploadedFileInfo(name=name, size=len(data), file_id=urls.file_id, file_urls=urls)
        state.file_uploader_state_value.uploaded_file_info.append(info)
        await self._run(message)

    def _put(self, path: str, name: str, data: bytes) -> None:
        border = uuid4().hex
        head = f'--{border}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n\r\n'
        body = head.encode() + data + f"\r\n--{border}--\r\n".encode()
        headers = {
            "Content-Type": f"multipart/form-data; boundary={border}",
            "Cookie": self._cookie,
            "X-Xsrftoken": self._cookie.partition("=")[2],
        }
        request = urllib.request.Request(f"{self._url}{path}", body, headers, method="PUT")
        urllib.request.urlopen(request, timeout=PATIENCE).close()

    async def _run(self, message: BackMsg) -> float:
        self._finished.clear()
        message.rerun_script.query_string = self._address
        if self._page in self._pages:
            message.rerun_script.page_script_hash = self._pages[self._page]
        else:
            message.rerun_script.page_name = self._page
        start = time.perf_counter()
        await self._socket.send(message.SerializeToString())
        try:
            await asyncio.wait_for(self._finished.wait(), PATIENCE)
        except TimeoutError:
            raise Lost(f"the run of {self._page}") from None
        return time.perf_counter() - start

    # ---- what is on the page ----

    def _id_of(self, key: str) -> str:
        for element in self._elements.values():
            widget = getattr(element, element.WhichOneof("type") or "empty")
            if getattr(widget, "id", "").endswith(f"-{key}"):
                return str(widget.id)
        raise Lost(f"no widget {key} on {self._page}")

    def components(self) -> list[dict[str, Any]]:
        """Return the data of the components that are on the page."""
        shown = [one.bidi_component for one in self._elements.values() if one.HasField("bidi_component")]
        return [json.loads(component.json) for component in shown if component.json.startswith("{")]

    async def race_report(self) -> dict[str, Any]:
        """Wait for the race to end and return what its download holds."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            for element in list(self._elements.values()):
                if element.HasField("download_button"):
                    with suppress(HTTPError):  # the page has run again meanwhile, and its next button is on the way
                        return await asyncio.to_thread(fetched, self._url + element.download_button.url)
                if element.HasField("alert") and element.alert.format == Alert.ERROR:
                    raise Lost(element.alert.body)
            await asyncio.sleep(LOOK)
        raise Lost("a race")


def fetched(address: str) -> dict[str, Any]:
    """Return the JSON at ``address``."""
    with urllib.request.urlopen(address, timeout=PATIENCE) as answer:
        data: dict[str, Any] = json.load(answer)
    return data


@asynccontextmanager
async def session(url: str, link: str, seen: Seen) -> AsyncIterator[Person]:
    """Connect as a browser does: with its cookie, which an upload has to show again."""
    with await asyncio.to_thread(urllib.request.urlopen, f"{url}/_stcore/health") as answer:
        cookie = (answer.headers.get("Set-Cookie") or "").partition(";")[0]
    address = f"{url.replace('http', 'ws', 1)}/_stcore/stream"
    async with connect(address, max_size=None, ping_interval=None, additional_headers={"Cookie": cookie}) as socket:
        person = Person(url, socket, cookie, link, seen)
        listening = asyncio.create_task(person.listen())
        try:
            yield person
        finally:
            person.stop_polling()
            listening.cancel()
            with suppress(asyncio.CancelledError, ConnectionClosed):
                await listening
