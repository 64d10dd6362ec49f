"""Waits for the sockets of many lines on one thread: one selector for a whole city of connections."""

import selectors
import socket

from simulators.publish import Line


class Lines:
    """The lines that are watched. Their callbacks come out of `wait`, and may unwatch and close any of them."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._sockets: dict[Line, socket.socket] = {}

    def watch(self, line: Line) -> None:
        """Keep the selector in step with the line's socket: paho opens, closes and fills it as it likes. To be called
        once the line is open, and after publishing."""
        current, watched = line.socket, self._sockets.get(line)
        if watched is not None and watched is not current:
            self.unwatch(line)
            watched = None
        if current is None:
            return
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if line.wants_write else 0)
        if watched is None:
            self._selector.register(current, events, line)
            self._sockets[line] = current
        elif self._selector.get_key(current).events != events:
            self._selector.modify(current, events, line)

    def unwatch(self, line: Line) -> None:
        """Forget a line; nothing happens where it is not watched."""
        watched = self._sockets.pop(line, None)
        if watched is not None:
            self._selector.unregister(watched)

    def wait(self, timeout_s: float) -> None:
        """Until a socket is ready, but not longer than this; then read and write what is."""
        for key, events in self._selector.select(timeout_s):
            line: Line = key.data
            if line in self._sockets and events & selectors.EVENT_READ:
                line.read()
            if line in self._sockets and events & selectors.EVENT_WRITE:
                line.write()
            if line in self._sockets:
                self.watch(line)

    def close(self) -> None:
        """Forget all lines. Closing them is their owner's."""
        self._sockets.clear()
        self._selector.close()
