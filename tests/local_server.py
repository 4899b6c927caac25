"""A server on this machine for what the app downloads: it sends what a test gave it, or not all of that."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Serve = Callable[..., str]


@contextlib.contextmanager
def serving() -> Iterator[Serve]:
    """Yield a function that serves bytes under a ``name`` and returns their address.

    The last ``cut`` bytes are announced and never sent.
    """
    pages: dict[str, tuple[bytes, int]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content, cut = pages[self.path]
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            with contextlib.suppress(OSError):  # the other end has gone
                self.wfile.write(content[: len(content) - cut])

        def log_message(self, *_words: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def serve(content: bytes, name: str = "", cut: int = 0) -> str:
            path = f"/{name or len(pages)}"
            pages[path] = content, cut
            return f"http://127.0.0.1:{server.server_port}{path}"

        yield serve
        server.shutdown()
