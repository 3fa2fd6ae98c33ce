"""OpenAI's and Anthropic's own Python clients, and what is left of their budgets.

The keys are made up, one for each question. sdk.rs starts it.
"""

import json
import os
import time
import unittest
import urllib.request

import anthropic
import openai

URL = os.environ["GATEWAY_URL"]
BUDGET = 2000
TEXT = "A tollgate lets each client pass in turn."
MESSAGES = [{"role": "user", "content": "Hi"}]


def left(key):
    """What the gateway says is left."""
    request = urllib.request.Request(f"{URL}/status", headers={"x-api-key": key})
    with urllib.request.urlopen(request) as page:
        return json.load(page)["limits"][0]["remaining"]


class Settled(unittest.TestCase):
    """Each way of asking costs what its model has reported."""

    def settles(self, key, tokens):
        for _ in range(500):
            if left(key) == BUDGET - tokens:
                return
            time.sleep(0.02)
        self.assertEqual(left(key), BUDGET - tokens)

    def openai(self, key):
        return openai.OpenAI(api_key=key, base_url=f"{URL}/v1", max_retries=0)

    def anthropic(self, key):
        return anthropic.Anthropic(api_key=key, base_url=URL, max_retries=0)

    def test_openai(self):
        client = self.openai("openai")
        answer = client.chat.completions.create(model="demo", messages=MESSAGES)
        self.assertEqual(answer.choices[0].message.content, TEXT)
        self.settles("openai", answer.usage.total_tokens)

    def test_openai_stream_that_asks_for_its_usage(self):
        client = self.openai("openai-asks")
        stream = client.chat.completions.create(
            model="demo",
            messages=MESSAGES,
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = list(stream)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        self.assertEqual(text, TEXT)
        self.settles("openai-asks", chunks[-1].usage.total_tokens)

    def test_openai_stream_that_is_asked_for_its_usage(self):
        """The gateway adds what the client did not ask for."""
        client = self.openai("openai-asked")
        stream = client.chat.completions.create(model="demo", messages=MESSAGES, stream=True)
        chunks = list(stream)
        self.settles("openai-asked", chunks[-1].usage.total_tokens)

    def test_openai_embeddings(self):
        client = self.openai("embeddings")
        answer = client.embeddings.create(model="demo", input=["a", "b"], encoding_format="float")
        self.settles("embeddings", answer.usage.total_tokens)

    def test_openai_is_told_and_refused(self):
        client = self.openai("openai-refused")
        told = client.chat.completions.with_raw_response.create(model="demo", messages=MESSAGES)
        self.assertEqual(told.headers["x-ratelimit-limit-tokens"], str(BUDGET))
        remaining = int(told.headers["x-ratelimit-remaining-tokens"])
        self.assertLess(remaining, BUDGET)
        self.assertNotIn("x-ratelimit-limit-requests", told.headers)
        used = told.parse().usage.total_tokens
        self.settles("openai-refused", used)
        long = [{"role": "user", "content": "x" * 8000}]
        with self.assertRaises(openai.RateLimitError) as raised:
            client.chat.completions.create(model="demo", messages=long)
        self.assertEqual(raised.exception.type, "tokens")
        self.assertEqual(raised.exception.code, "rate_limit_exceeded")
        headers = raised.exception.response.headers
        self.assertEqual(headers["x-ratelimit-remaining-tokens"], str(BUDGET - used))
        self.settles("openai-refused", used)

    def test_anthropic(self):
        client = self.anthropic("anthropic")
        answer = client.messages.create(model="demo", max_tokens=100, messages=MESSAGES)
        self.assertEqual(answer.content[0].text, TEXT)
        usage = answer.usage
        self.settles("anthropic", usage.input_tokens + usage.output_tokens)

    def test_anthropic_stream(self):
        client = self.anthropic("anthropic-stream")
        with client.messages.stream(model="demo", max_tokens=100, messages=MESSAGES) as stream:
            self.assertEqual("".join(stream.text_stream), TEXT)
            usage = stream.get_final_message().usage
        self.settles("anthropic-stream", usage.input_tokens + usage.output_tokens)

    def test_anthropic_is_told_and_refused(self):
        client = self.anthropic("anthropic-refused")
        told = client.messages.with_raw_response.create(
            model="demo", max_tokens=100, messages=MESSAGES
        )
        self.assertEqual(told.headers["anthropic-ratelimit-tokens-limit"], str(BUDGET))
        usage = told.parse().usage
        self.settles("anthropic-refused", usage.input_tokens + usage.output_tokens)
        with self.assertRaises(anthropic.RateLimitError) as raised:
            client.messages.create(model="demo", max_tokens=1990, messages=MESSAGES)
        self.assertEqual(raised.exception.body["error"]["type"], "rate_limit_error")


if __name__ == "__main__":
    unittest.main()
