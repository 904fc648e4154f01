"""What the application promises, asked for at the addresses in APP_URLS and, as it comes, STREAMED_URL."""

import hashlib
import json
import os
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

URLS = os.environ.get("APP_URLS", "").split()
STREAMED_URL = os.environ.get("STREAMED_URL", "")
FILE = bytes(range(256))


class StayHere(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def call(url, path, data=None, headers=None):
    request = urllib.request.Request(f"{url}{path}", data=data, headers=headers or {})
    try:
        with urllib.request.build_opener(StayHere).open(request) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


@unittest.skipUnless(URLS, "APP_URLS says where the application is")
class AppTest(unittest.TestCase):
    def test_a_form_is_signed(self):
        form = urllib.parse.urlencode({"name": "Zo<ë>"}).encode()
        for url in URLS:
            status, headers, _ = call(url, "/sign", form, {"Cookie": "visits=2"})
            self.assertEqual((status, headers["location"]), (303, "./"), url)
            name, visits = (cookie.partition(";")[0] for cookie in headers.get_all("set-cookie"))
            self.assertEqual(visits, "visits=3", url)
            status, headers, body = call(url, "/", None, {"Cookie": name})
            self.assertEqual((status, headers["content-type"]), (200, "text/html; charset=utf-8"), url)
            self.assertIn("Welcome back, Zo&lt;ë&gt;!", body.decode(), url)

    def test_paths_queries_cookies_and_who_asks_arrive(self):
        sent = {"Cookie": "a=1; b=2", "x-amzn-request-context": "forged"}
        for url in URLS:
            seen = json.loads(call(url, "/seen/a%20b/%C3%A4?x=1&x=2&y=%26", None, sent)[2])
            self.assertEqual((seen["rest"], seen["query"]), ("a b/ä", {"x": ["1", "2"], "y": ["&"]}), url)
            self.assertEqual(seen["cookies"], {"a": "1", "b": "2"}, url)
            self.assertIn("requestId", json.loads(seen["context"]), url)

    def test_a_file_arrives_as_it_is(self):
        part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n' + FILE + b"\r\n--x--\r\n"
        for url in URLS:
            _, _, body = call(url, "/files", part, {"Content-Type": "multipart/form-data; boundary=x"})
            self.assertEqual(json.loads(body), {"sha256": hashlib.sha256(FILE).hexdigest()}, url)

    def test_an_image_comes_as_it_is(self):
        for url in URLS:
            _, headers, body = call(url, "/pixel.gif", None, {"Accept": "image/gif"})
            self.assertEqual((headers["content-type"], body), ("image/gif", b"GIF89a\x01\x00\x01\x00\x80\xff\x00"), url)

    def test_what_is_not_there_is_told(self):
        for url in URLS:
            status, _, body = call(url, "/nowhere")
            self.assertEqual(status, 404, url)
            self.assertIn(b"not found on the server", body, url)


@unittest.skipUnless(STREAMED_URL, "STREAMED_URL says where the application streams")
class StreamTest(unittest.TestCase):
    def test_lines_come_one_after_the_other(self):
        with urllib.request.urlopen(f"{STREAMED_URL}/count") as answer:
            came = [(line, time.monotonic()) for line in answer]
        self.assertEqual([line for line, _ in came], [b"0\n", b"1\n", b"2\n"])
        self.assertGreater(came[2][1] - came[0][1], 0.3)


if __name__ == "__main__":
    unittest.main()
