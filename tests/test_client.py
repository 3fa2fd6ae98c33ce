"""examples/client.py against answers made up here, with no time passing."""

import http.server
import importlib.util
import pathlib
import threading
import unittest

PATH = pathlib.Path(__file__).parent.parent / "examples" / "client.py"
SPEC = importlib.util.spec_from_file_location("client", PATH)
client = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(client)

OK = (200, {"RateLimit": '"rpm";r=5;t=20'})


class Parsing(unittest.TestCase):
    def test_remaining(self):
        for header, expected in [
            ('"rpm";r=5;t=20', (5, 20, "request")),
            ('"a";r=7;t=1, "b";r=2;t=9', (2, 9, "request")),
            ('"at-once";r=3', (3, None, "request")),
            ('"a, \\"b\\"; r=9" ; r=4 ; t=2', (4, 2, "request")),
            ('"rpm";pk=:Zm9v:;r=0;t=60', (0, 60, "request")),
            ('"tpm";r=1479;t=53;qu="tokens"', (1479, 53, "token")),
            ('"otpm";qu="output_tokens";r=1;t=2', (1, 2, "output token")),
            ('"at-once";r=3;qu="concurrent-requests"', (3, None, "request")),
            ('"rpm";q=10;w=40', None),
            ("", None),
            (None, None),
            ("r=5;t=20", None),
            ('"rpm";r=1.5', None),
        ]:
            with self.subTest(header):
                self.assertEqual(client.remaining(header), expected)

    def test_sentence(self):
        self.assertEqual(client.sentence(5, 20), "You can send 5 more requests in the next 20 seconds.")
        self.assertEqual(client.sentence(1, 1), "You can send 1 more request in the next 1 second.")
        self.assertEqual(client.sentence(0, None), "You can send 0 more requests.")
        self.assertEqual(client.sentence(9, 2, "token"), "You can use 9 more tokens in the next 2 seconds.")
        self.assertEqual(client.sentence(0, 1, "input token"), "You have no input token left; all are back in 1 second.")

    def test_retry_after(self):
        for value, expected in [("4", 4), ("Fri, 07 Nov 2025 09:00:00 GMT", None), ("-1", None), ("", None)]:
            with self.subTest(value):
                self.assertEqual(client.retry_after({"Retry-After": value}), expected)


class Sending(unittest.TestCase):
    """One server for a list of answers, given in turn, the last one for ever."""

    def send(self, *answers, tries=4):
        answers = list(answers)

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                if answer is None:
                    self.close_connection = True
                    return
                self.send_response(answer[0])
                for name, value in answer[1].items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_):
                pass

        waits, lines = [], []
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
            url = f"http://127.0.0.1:{server.server_port}"
            sender = client.Client(url, "alice", tries=tries, sleep=waits.append, say=lines.append)
            answered = sender.send("Hello")
            server.shutdown()
        return answered, waits, lines

    def test_says_what_is_left(self):
        answered, waits, lines = self.send(OK)
        self.assertTrue(answered)
        self.assertEqual(waits, [])
        self.assertEqual(lines, ["200 You can send 5 more requests in the next 20 seconds."])

    def test_waits_as_long_as_it_is_told(self):
        answered, waits, _ = self.send((429, {"Retry-After": "4"}), OK)
        self.assertTrue(answered)
        self.assertEqual(waits, [4])

    def test_gives_up_where_waiting_does_not_help(self):
        for headers in [{}, {"Retry-After": "86400", "x-should-retry": "false"}]:
            with self.subTest(headers):
                answered, waits, _ = self.send((429, headers), OK)
                self.assertFalse(answered)
                self.assertEqual(waits, [])

    def test_survives_lost_connections_with_growing_pauses(self):
        answered, waits, _ = self.send(None, None, (503, {}), OK)
        self.assertTrue(answered)
        self.assertEqual(len(waits), 3)
        for wait, pause in zip(waits, [0.5, 1, 2]):
            self.assertTrue(pause / 2 <= wait <= pause * 1.5, waits)

    def test_is_bounded(self):
        answered, waits, _ = self.send(None)
        self.assertFalse(answered)
        self.assertEqual(len(waits), 3)

    def test_a_bad_request_is_not_repeated(self):
        answered, waits, _ = self.send((400, {}), OK)
        self.assertFalse(answered)
        self.assertEqual(waits, [])


if __name__ == "__main__":
    unittest.main()
