"""What OpenAI's and Anthropic's Python clients do with each header of a denial, as
docs/client-libraries.md says, against answers made up here and with no time passing.

    python3 tests/test_client_libraries.py      prints the columns of the page

asks those that `make setup` has installed, or others that PYTHONPATH leads to.
"""

import collections
import http.server
import os
import pathlib
import sys
import threading
import unittest
from unittest import mock

ROOT = pathlib.Path(__file__).parent.parent
sys.path.append(str(ROOT / ".tools" / "sdk"))

import anthropic  # noqa: E402
import openai  # noqa: E402

PAGE = ROOT / "docs" / "client-libraries.md"
# The answers of the page's table, in its words and order.
ANSWERS = [
    {"Retry-After": "2", "Retry-After-Ms": "1500"},
    {"Retry-After": "2"},
    {"Retry-After": "59", "Retry-After-Ms": "59000"},
    {"Retry-After": "60", "Retry-After-Ms": "60000"},
    {"Retry-After": "61"},
    {"Retry-After": "120"},
    {"Retry-After": "121"},
    {"Retry-After": "86400"},
    {"Retry-After": "2592000"},
    {"Retry-After": "86400", "x-should-retry": "false"},
    {"x-should-retry": "false"},
    {},
    {
        "RateLimit": '"rpm";r=0;t=30',
        "X-RateLimit-Reset": "30",
        "x-ratelimit-reset-requests": "30s",
        "anthropic-ratelimit-requests-reset": "2030-01-01T00:00:30Z",
        "x-envoy-ratelimited": "true",
    },
]


class Gateway(http.server.ThreadingHTTPServer):
    """Answers 429, with the headers it is given, and counts."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Denial)
        self.headers, self.requests = {}, 0
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Denial(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.server.requests += 1
        self.send_response(429)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def openai_asks(url, retries):
    with openai.OpenAI(base_url=url, api_key="key", max_retries=retries) as client:
        client.chat.completions.create(model="demo", messages=[{"role": "user", "content": "Hi"}])


def anthropic_asks(url, retries):
    with anthropic.Anthropic(base_url=url, api_key="key", max_retries=retries) as client:
        client.messages.create(model="demo", max_tokens=9, messages=[{"role": "user", "content": "Hi"}])


CLIENTS = {
    f"openai {openai.__version__}": (openai_asks, openai.RateLimitError),
    f"anthropic {anthropic.__version__}": (anthropic_asks, anthropic.RateLimitError),
}


def does(gateway, ask, error):
    """What the client does with the gateway's answer, in the words of the page."""
    before, slept = gateway.requests, []
    # The gateway's threads do not sleep.
    with mock.patch("time.sleep", slept.append):
        try:
            ask(gateway.url, 1)
        except error:
            pass
    asked = gateway.requests - before
    if not slept:
        assert asked == 1, asked
        return "gives up"
    assert (asked, len(slept)) == (2, 1), (asked, slept)
    # Its own pause: half a second, less up to a quarter of it, or so.
    return "own pause" if 0.3 <= slept[0] <= 1.0 else f"{slept[0]:.10g} s"


def shown(headers):
    """An answer as the page spells it."""
    return ", ".join(f"`{name}: {value}`" for name, value in headers.items()) or "none of them"


def columns():
    gateway = Gateway()
    table = collections.defaultdict(dict)
    # Both read settings of their own from the environment: whoever runs this may have some.
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "ANTHROPIC_"))}
    with mock.patch.dict(os.environ, {**ours, "NO_PROXY": "127.0.0.1"}, clear=True):
        for headers in ANSWERS:
            gateway.headers = headers
            for name, (ask, error) in CLIENTS.items():
                table[name][shown(headers)] = does(gateway, ask, error)
    gateway.shutdown()
    gateway.server_close()
    return dict(table)


def page_columns():
    """The first table of the page: column by name, cell by answer."""
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    names = cells[0][1:]
    body = [row for row in cells[2:] if len(row) == len(cells[0])]
    return {name: {row[0]: row[index] for row in body} for index, name in enumerate(names, 1)}


class Page(unittest.TestCase):
    maxDiff = None

    def test_the_page_says_what_the_clients_do(self):
        page = page_columns()
        for name, column in columns().items():
            with self.subTest(name):
                self.assertEqual(page.get(name), column)


if __name__ == "__main__":
    for name, column in columns().items():
        print(name)
        for answer, deed in column.items():
            print(f"    {deed:12} {answer}")
