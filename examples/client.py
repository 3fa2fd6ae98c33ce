#!/usr/bin/env python3
"""A client that behaves: it reads what it has left, and waits when it is told to.

    python3 examples/client.py --requests 12 --key alice

The parts worth copying are `remaining`, which reads the RateLimit header
(draft-ietf-httpapi-ratelimit-headers), and `Client.send`, which decides what an answer
asks for: go on, wait as long as `Retry-After` says, try again after a growing pause, or
give up. It ends with status 0 if all requests were answered with success.
"""

import argparse
import http.client
import json
import random
import re
import sys
import time
import urllib.error
import urllib.request

# One item of the list: a quoted name, then its parameters.
ITEM = re.compile(r'"((?:[^"\\]|\\.)*)"((?:\s*;\s*[a-z*][a-z0-9_.*-]*=[^;,]+)*)')
TRANSIENT = {502, 503, 504}


def remaining(header):
    """`"rpm";r=5;t=20` -> (5, 20, "request"), the smallest r of several; None where there is none."""
    found = []
    for _, parameters in ITEM.findall(header or ""):
        values = dict(re.findall(r"([a-z]+)=(\d+)(?![\d.])", parameters))
        # Of a language model's tokens: "tokens", "input_tokens" or "output_tokens".
        tokens = re.search(r';\s*qu="([a-z]+_)?tokens"', parameters)
        unit = f"{tokens[1] or ''}token".replace("_", " ") if tokens else "request"
        if "r" in values:
            found.append((int(values["r"]), int(values["t"]) if "t" in values else None, unit))
    return min(found, key=lambda item: item[0]) if found else None


def sentence(left, seconds, unit="request"):
    """What the three mean, in words."""
    if left == 0 and seconds is not None:
        return f"You have no {unit} left; all are back in {seconds} second{'' if seconds == 1 else 's'}."
    verb = "send" if unit == "request" else "use"
    more = f"{left} more {unit}{'' if left == 1 else 's'}"
    if seconds is None:
        return f"You can {verb} {more}."
    return f"You can {verb} {more} in the next {seconds} second{'' if seconds == 1 else 's'}."


def retry_after(headers):
    """Seconds to wait, or None where there is no sense in waiting.

    `Retry-After` may also be a date (RFC 9110, 10.2.3); Tollgate sends seconds.
    """
    value = headers.get("Retry-After", "").strip()
    return int(value) if re.fullmatch(r"\d{1,9}", value) else None


class Client:
    """Sends to one URL under one key, with at most `tries` tries for each request."""

    def __init__(self, url, key, tries=6, sleep=time.sleep, say=print):
        self.url = url.rstrip("/") + "/v1/chat/completions"
        self.headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
        self.tries, self.sleep, self.say = tries, sleep, say

    def post(self, text):
        """(status, headers) of one try; raises OSError or HTTPException where there is none."""
        body = json.dumps({"model": "demo", "messages": [{"role": "user", "content": text}]})
        request = urllib.request.Request(self.url, body.encode(), self.headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                response.read()
                return response.status, response.headers
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers

    def send(self, text):
        """True once the request has been answered with success, False if it never was."""
        pause = 0.5
        for attempt in range(1, self.tries + 1):
            wait, why = pause * random.uniform(0.5, 1.5), None
            try:
                status, headers = self.post(text)
            except (OSError, http.client.HTTPException) as error:  # refused, reset, cut, late
                why = f"no answer ({getattr(error, 'reason', error)})"
            else:
                if status < 300:
                    left = remaining(headers.get("RateLimit"))
                    self.say(f"{status} " + (sentence(*left) if left else "No limit in the answer."))
                    return True
                why = f"{status}"
                if status == 429:
                    wait = retry_after(headers)
                    if wait is None or headers.get("x-should-retry", "").lower() == "false":
                        self.say(f"429 Waiting would not help soon (Retry-After: {wait}).")
                        return False
                elif status not in TRANSIENT:
                    self.say(f"{status} That is no matter of waiting.")
                    return False
            if attempt < self.tries:
                self.say(f"{why}: waiting {wait:.3g} s.")
                self.sleep(wait)
                pause = min(pause * 2, 8.0)
        self.say(f"Given up after {self.tries} tries.")
        return False


def main():
    parser = argparse.ArgumentParser(description="Sends requests as fast as it is allowed to.")
    parser.add_argument("--url", default="http://127.0.0.1:10000", help="where Envoy listens")
    parser.add_argument("--key", default="alice", help="the API key, sent as a bearer token")
    parser.add_argument("--requests", type=int, default=12, help="how many to send")
    args = parser.parse_args()
    client = Client(args.url, args.key, say=lambda line: print(line, flush=True))
    answered = sum(client.send(f"Hello {number}") for number in range(args.requests))
    print(f"{answered} of {args.requests} requests were answered.")
    return 0 if answered == args.requests else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
