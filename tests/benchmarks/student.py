"""A student without a browser: one Streamlit session over its own websocket, that clicks through the guided tour.

Forty Chromiums do not fit on one machine, and what a class asks of the server is the same without them: the messages of
a click arrive, the page's messages leave. A student speaks Streamlit's protocol as the browser does: it says which
messages it keeps, and sends a slider's value for its fragment alone.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

LONGEST = 300.0  # seconds a student waits for a page
FINISHED = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)
OPEN_TOUR, REVEAL, NEXT, LAST, AGAIN, THRESHOLD = (
    "Guided tour: predict, then see",
    "Reveal",
    "Next",
    "What have we learned?",
    "Start over",
    "Predicted correct when the score is above",
)


@dataclass(frozen=True)
class Answer:
    """What one click took.

    Attributes
    ----------
    what : str
        The click: a button's label, "first page", "prediction" or "slider".
    began : float
        When it was made, in seconds of :func:`time.monotonic`.
    seconds : float
        Until the script had finished and everything had arrived.
    """

    what: str
    began: float
    seconds: float


@dataclass
class Student:
    """One session.

    Attributes
    ----------
    address : str
        The server's, such as ``http://127.0.0.1:8501``.
    number : int
        Decides its predictions and pauses.
    pause : float
        Mean seconds between an answer and the next click; each pause is between a third and five thirds of it.
    answers : list of Answer
        What its clicks took, so far.
    """

    address: str
    number: int
    pause: float
    answers: list[Answer] = field(default_factory=list)
    _page: str = ""
    _query: str = ""
    _kept: dict[str, bytes] = field(default_factory=dict)
    _seen: dict[str, tuple[object, str]] = field(default_factory=dict)  # what can be clicked, and its fragment

    async def visit(self, *, tour: bool = True) -> None:
        """Open the first page and go round the tour, again and again; without a tour, stay and do nothing.

        It ends by being cancelled.

        Raises
        ------
        RuntimeError
            Where a page shows an exception, or not what the tour promises.
        """
        chance = random.Random(self.number)
        address = self.address.replace("http", "ws", 1) + "/_stcore/stream"
        async with connect(address, subprotocols=["streamlit"], max_size=None, open_timeout=LONGEST) as socket:
            await self._send(socket, "first page", [])
            if not tour:
                await asyncio.Event().wait()
            await self._click(socket, OPEN_TOUR, chance)
            while True:
                await self._step(socket, chance)

    async def _step(self, socket: ClientConnection, chance: random.Random) -> None:
        """One card: predict, reveal, on the Thresholds page try three thresholds, go on; after the last, start over."""
        if AGAIN in self._seen:
            await self._click(socket, AGAIN, chance)
        if "question" in self._seen:
            radio, _ = self._seen["question"]
            prediction = WidgetState(id=radio.id, string_value=chance.choice(radio.options))
            await self._act(socket, "prediction", prediction, chance)
        await self._click(socket, REVEAL, chance)
        if THRESHOLD in self._seen:
            slider, fragment = self._seen[THRESHOLD]
            for _ in range(3):
                state = WidgetState(id=slider.id)
                state.double_array_value.data.append(round(chance.uniform(0.2, 0.8), 2))
                await self._act(socket, "slider", state, chance, fragment=fragment)
        await self._click(socket, NEXT if NEXT in self._seen else LAST, chance)

    async def _click(self, socket: ClientConnection, label: str, chance: random.Random) -> None:
        if label not in self._seen:
            raise RuntimeError(f"student {self.number} finds no button “{label}”, but {sorted(self._seen)}")
        button, _ = self._seen[label]
        await self._act(socket, label, WidgetState(id=button.id, trigger_value=True), chance)

    async def _act(
        self, socket: ClientConnection, what: str, state: WidgetState, chance: random.Random, *, fragment: str = ""
    ) -> None:
        """Think, then act."""
        await asyncio.sleep(self.pause * chance.uniform(1 / 3, 5 / 3))
        await self._send(socket, what, [state], fragment=fragment)

    async def _send(
        self, socket: ClientConnection, what: str, states: list[WidgetState], *, fragment: str = ""
    ) -> None:
        message = BackMsg()
        client = message.rerun_script
        client.query_string, client.page_script_hash, client.fragment_id = self._query, self._page, fragment
        client.widget_states.widgets.extend(states)
        client.cached_message_hashes.extend(self._kept)
        began = time.monotonic()
        await socket.send(message.SerializeToString())
        await asyncio.wait_for(self._until_finished(socket), LONGEST)
        self.answers.append(Answer(what, began, time.monotonic() - began))

    async def _until_finished(self, socket: ClientConnection) -> None:
        """Take messages in until the script has finished; one that leads to another page begins anew there."""
        while True:
            message = ForwardMsg.FromString(await socket.recv())
            if message.WhichOneof("type") == "ref_hash":
                place, message = message.metadata, ForwardMsg.FromString(self._kept[message.ref_hash])
                message.metadata.CopyFrom(place)
            elif message.metadata.cacheable and message.hash:
                self._kept[message.hash] = message.SerializeToString()
            match message.WhichOneof("type"):
                case "new_session" if not message.metadata.run.fragment_ids:
                    self._page = message.new_session.page_script_hash
                    self._seen.clear()
                case "page_info_changed":
                    self._query = message.page_info_changed.query_string
                case "delta" if message.delta.WhichOneof("type") == "new_element":
                    self._note(message)
                case "script_finished" if message.script_finished in FINISHED:
                    return

    def _note(self, message: ForwardMsg) -> None:
        """Remember what can be clicked."""
        element, fragment = message.delta.new_element, message.delta.fragment_id
        match element.WhichOneof("type"):
            case "button":
                self._seen.setdefault(element.button.label, (element.button, fragment))
            case "radio":
                self._seen["question"] = (element.radio, fragment)
            case "slider":
                self._seen[element.slider.label] = (element.slider, fragment)
            case "exception":
                raise RuntimeError(f"student {self.number} sees an exception: {element.exception.message}")
