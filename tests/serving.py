"""A web server in a thread: files of a folder, and what servers do when something is wrong."""

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Handler(SimpleHTTPRequestHandler):
    """Serves its folder; the first part of some paths names a fault."""

    def log_message(self, *words: object) -> None:
        """What is asked is no output of a test."""

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, body: bool) -> None:
        fault = self.path.split("/")[1]
        if fault in ("500", "403"):
            self.send_error(int(fault))
        elif fault == "private" and self.headers.get("Authorization") != basic("shop", "sesame"):
            self.send_error(401)
        elif fault == "signed":
            self.send_response(302)
            self.send_header("Location", "/500/x.csv?X-Amz-Signature=sesame")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif fault in ("short", "nameless"):
            self.odd(fault, body)
        else:
            super().do_GET() if body else super().do_HEAD()

    def odd(self, fault: str, body: bool) -> None:
        """An answer that ends too early, or says nothing of the version it is."""
        self.send_response(200)
        self.send_header("Content-Type", "text/csv")
        self.send_header("Content-Length", "1000000" if fault == "short" else "16")
        self.end_headers()
        if body:
            self.wfile.write(b"id,title\nP1,Pan\n")
            self.close_connection = True


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a server of a folder, without a slash at its end."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
