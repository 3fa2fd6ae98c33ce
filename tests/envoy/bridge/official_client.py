"""The bridge, asked by the official Python client of Upstash. official_client.rs starts it."""

import os
import unittest

from upstash_redis import Redis
from upstash_redis.errors import UpstashError

URL, TOKEN = os.environ["BRIDGE_URL"], os.environ["BRIDGE_TOKEN"]
SCRIPT = "return {KEYS[1], ARGV[1], redis.call('SET', KEYS[1], ARGV[2]), redis.call('GET', KEYS[1]), 42, false}"
KEY = "tollgate:official"


class Official(unittest.TestCase):
    # Its default asks for base64.
    def redis(self, token=TOKEN, encoding="base64"):
        redis = Redis(url=URL, token=token, rest_encoding=encoding, rest_retries=0)
        self.addCleanup(redis.close)
        return redis

    def test_ping(self):
        for encoding in ["base64", None]:
            with self.subTest(encoding):
                self.assertEqual(self.redis(encoding=encoding).ping(), "PONG")
                self.assertEqual(self.redis(encoding=encoding).ping("héllo"), "héllo")

    def test_eval(self):
        for encoding in ["base64", None]:
            with self.subTest(encoding):
                reply = self.redis(encoding=encoding).eval(SCRIPT, keys=[KEY], args=["ünï", 1795314370064528])
                self.assertEqual(reply, [KEY, "ünï", "OK", "1795314370064528", 42, None])

    def test_evalsha_falls_back_to_eval(self):
        redis = self.redis()
        with self.assertRaisesRegex(UpstashError, "^NOSCRIPT "):
            redis.evalsha("e0e1f9fabfc9d4800c877a703b823ac0578ff8db", keys=[KEY], args=[1])
        self.assertEqual(redis.eval("return 500", keys=[KEY]), 500)
        self.assertEqual(redis.evalsha("98fe65896b61b785c5ed328a5a0a1421f4f1490c", keys=[KEY]), 500)

    def test_pipeline(self):
        pipeline = self.redis().pipeline()
        pipeline.ping()
        pipeline.eval("return {1, 'two'}")
        self.assertEqual(pipeline.exec(), ["PONG", [1, "two"]])

    def test_errors(self):
        with self.assertRaisesRegex(UpstashError, "^WRONGPASS "):
            self.redis(token="wrong").ping()
        with self.assertRaisesRegex(UpstashError, "^NOPERM "):
            self.redis().flushall()
        with self.assertRaisesRegex(UpstashError, "^NOPERM "):
            self.redis().eval("return 1", keys=["other:key"])


if __name__ == "__main__":
    unittest.main()
