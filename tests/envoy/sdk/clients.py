"""OpenAI's and Anthropic's own Python clients, refused by Tollgate. mod.rs starts it.

The keys are made up, one for each question. Limit `soon` regains a request in two seconds,
limit `late`, for those who send `x-demo: late`, in 100; both let two pass at once.
"""

import asyncio
import contextlib
import itertools
import math
import os
import re
import threading
import time
import unittest
import urllib.request
from unittest import mock

import anthropic
import anyio
import openai

URL, ADMIN = os.environ["GATEWAY_URL"], os.environ["ADMIN_URL"]
# Whether denials have the body and the headers of the client's own API, or the default ones.
OWN = os.environ["FEEDBACK"] == "own"
TEXT = "A tollgate lets each client pass in turn."
SENTENCE = r"Client exceeded sending requests. Please try again after \d+ seconds?\."
MESSAGES = [{"role": "user", "content": "Hi"}]
KEYS = itertools.count()
TOLD = 0.4


def counted(limit):
    """How many requests this limit has let pass and denied so far, says Envoy.

    The filter tells it on a tick.
    """
    threading.Event().wait(TOLD)
    with urllib.request.urlopen(f"{ADMIN}/stats?filter=tollgate.limit.{limit}") as page:
        found = dict(re.findall(r"\.(allowed|denied): (\d+)", page.read().decode()))
    return int(found["allowed"]), int(found["denied"])


@contextlib.contextmanager
def sleeping(really=True):
    """Lists the seconds that a client means to wait before it tries again."""
    slept, sleep, async_sleep = [], time.sleep, anyio.sleep

    def note(seconds):
        slept.append(seconds)
        sleep(seconds if really else 0)

    async def async_note(seconds):
        slept.append(seconds)
        await async_sleep(seconds if really else 0)

    with mock.patch("time.sleep", note), mock.patch("anyio.sleep", async_note):
        yield slept


class Caller:
    """One client of the API. What came back stands in `answers`, with the time it came."""

    def __init__(self, api, retries=0, late=False):
        self.api, self.answers = api, []
        self.options = {
            "api_key": f"key-{next(KEYS)}",
            "base_url": URL + api.base,
            "max_retries": retries,
            "default_headers": {"x-demo": "late"} if late else {},
        }

    def came(self, response):
        self.answers.append((time.monotonic(), response))

    async def came_too(self, response):
        self.came(response)

    def statuses(self):
        return [response.status_code for _, response in self.answers]

    def plain(self):
        with self.client() as client:
            return self.api.text(self.api.call(client))

    def streamed(self):
        with self.client() as client:
            return "".join(map(self.api.piece, self.api.call(client, stream=True)))

    def asynchronous(self):
        async def ask():
            http = self.api.module.DefaultAsyncHttpxClient(event_hooks={"response": [self.came_too]})
            async with self.api.AsyncClient(http_client=http, **self.options) as client:
                return self.api.text(await self.api.call(client))

        return asyncio.run(ask())

    def client(self):
        http = self.api.module.DefaultHttpxClient(event_hooks={"response": [self.came]})
        return self.api.Client(http_client=http, **self.options)

    def spend(self):
        """The two calls that pass at once; the next one is refused, if it comes soon."""
        for _ in range(2):
            assert self.plain() == TEXT
        self.answers.clear()


class OpenAi:
    module, base = openai, "/v1"
    Client, AsyncClient = openai.OpenAI, openai.AsyncOpenAI

    @staticmethod
    def call(client, **more):
        return client.chat.completions.create(model="demo", messages=MESSAGES, **more)

    @staticmethod
    def text(answer):
        return answer.choices[0].message.content

    @staticmethod
    def piece(event):
        return event.choices[0].delta.content or ""


class Anthropic:
    module, base = anthropic, ""
    Client, AsyncClient = anthropic.Anthropic, anthropic.AsyncAnthropic

    @staticmethod
    def call(client, **more):
        return client.messages.create(model="demo", max_tokens=100, messages=MESSAGES, **more)

    @staticmethod
    def text(answer):
        return answer.content[0].text

    @staticmethod
    def piece(event):
        return event.delta.text if event.type == "content_block_delta" else ""


class Obeying:
    """What both clients have in common."""

    def test_calls_pass(self):
        for way in [Caller.plain, Caller.streamed, Caller.asynchronous]:
            with self.subTest(way.__name__):
                caller = Caller(self.api)
                self.assertEqual(way(caller), TEXT)
                self.assertEqual(caller.statuses(), [200])

    def test_a_refused_call_raises_the_clients_own_error(self):
        for way in [Caller.plain, Caller.streamed, Caller.asynchronous]:
            with self.subTest(way.__name__):
                caller = Caller(self.api, late=True)
                caller.spend()
                with self.assertRaises(self.api.module.RateLimitError) as raised:
                    way(caller)
                self.assertEqual(caller.statuses(), [429])
                self.assertEqual(raised.exception.status_code, 429)
                self.is_as_the_body_says(raised.exception, raised.exception.response.json())

    def test_with_retries_it_waits_as_told_and_succeeds(self):
        for way in [Caller.plain, Caller.streamed, Caller.asynchronous]:
            with self.subTest(way.__name__):
                caller, slept, before = self.refused_once(way)
                (refused, denial), (passed, _) = caller.answers
                told = int(denial.headers["retry-after-ms"])
                self.assertEqual(slept, [told / 1000])
                self.assertIn(told, range(1, 2001))
                self.assertEqual(denial.headers["retry-after"], str(math.ceil(told / 1000)))
                self.assertGreaterEqual(passed - refused, told / 1000, "it came too early")
                now = counted("soon")
                self.assertEqual(now[0] - before[0], 1)
                self.assertEqual(now[1] - before[1], 1, "it was denied again")

    def refused_once(self, way):
        """The caller who was, how long it meant to wait, and the counters before."""
        for _ in range(20):
            caller = Caller(self.api, retries=2)
            caller.spend()
            before = counted("soon")
            with sleeping() as slept:
                self.assertEqual(way(caller), TEXT)
            # A machine so slow that a request had come back meanwhile proves nothing.
            if caller.statuses() != [200]:
                self.assertEqual(caller.statuses(), [429, 200])
                return caller, slept, before
        self.fail("this machine is too busy: three calls take two seconds, 20 times")

    def test_a_long_wait_is_not_begun(self):
        for way in [Caller.plain, Caller.streamed, Caller.asynchronous]:
            with self.subTest(way.__name__):
                caller = Caller(self.api, retries=2, late=True)
                caller.spend()
                before = counted("late")
                # Without the header both of them would wait for a minute and a half, and pass.
                with sleeping(really=False) as slept:
                    with self.assertRaises(self.api.module.RateLimitError) as raised:
                        way(caller)
                self.assertEqual(slept, [])
                headers = raised.exception.response.headers
                self.assertEqual(headers["x-should-retry"], "false")
                self.assertIn(int(headers["retry-after"]), range(61, 101))
                self.assertNotIn("retry-after-ms", headers)
                self.assertEqual(caller.statuses(), [429])
                now = counted("late")
                self.assertEqual((now[0] - before[0], now[1] - before[1]), (0, 1))


class OfOpenAi(Obeying, unittest.TestCase):
    api = OpenAi

    def is_as_the_body_says(self, error, body):
        if OWN:
            inner = body["error"]
            self.assertRegex(inner["message"], SENTENCE)
            self.assertEqual(error.body, inner)
            self.assertEqual((error.code, error.type), ("rate_limit_exceeded", "requests"))
            self.assertIn("param", inner)
            self.assertIsNone(error.param)
            self.assertEqual(str(error), f"Error code: 429 - {inner['message']}")
            for name in ["limit", "remaining", "reset"]:
                self.assertIn(f"x-ratelimit-{name}-requests", error.response.headers)
        else:
            # The sentence is there, but not where this client looks for one.
            self.assertRegex(body["detail"], SENTENCE)
            self.assertEqual(error.body, body)
            self.assertEqual((error.code, error.type), (None, body["type"]))
            self.assertEqual(str(error), "Error code: 429")

    def test_usage_comes_with_a_stream(self):
        with Caller(self.api).client() as client:
            events = list(self.api.call(client, stream=True, stream_options={"include_usage": True}))
        self.assertEqual(events[-1].usage.completion_tokens, 9)


class OfAnthropic(Obeying, unittest.TestCase):
    api = Anthropic

    def is_as_the_body_says(self, error, body):
        self.assertEqual(error.body, body)
        if OWN:
            self.assertEqual(body["type"], "error")
            self.assertRegex(body["error"]["message"], SENTENCE)
            self.assertEqual(error.api_message, body["error"]["message"])
            self.assertEqual(error.type, "rate_limit_error")
            for name in ["limit", "remaining", "reset"]:
                self.assertIn(f"anthropic-ratelimit-requests-{name}", error.response.headers)
        else:
            self.assertRegex(body["detail"], SENTENCE)
            self.assertEqual((error.type, error.api_message), (None, None))
        # All of the body, whatever it is.
        self.assertEqual(str(error), f"Error code: 429 - {body}")

    def test_usage_comes_with_a_stream(self):
        with Caller(self.api).client() as client:
            with client.messages.stream(model="demo", max_tokens=3, messages=MESSAGES) as stream:
                message = stream.get_final_message()
        self.assertEqual(message.content[0].text, "A tollgate")
        self.assertEqual(message.stop_reason, "max_tokens")
        self.assertEqual((message.usage.input_tokens, message.usage.output_tokens), (8, 3))


if __name__ == "__main__":
    unittest.main()
