"""What the application promises, asked for at the address in NOTES_URL: `python -m unittest`."""

import hashlib
import json
import os
import unittest
import urllib.error
import urllib.request
from urllib.parse import urlencode

URL = os.environ.get("NOTES_URL", "")


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def call(path, data=None, headers=None):
    request = urllib.request.Request(f"{URL}{path}", data=data, headers=headers or {})
    try:
        with urllib.request.build_opener(Stay).open(request) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


@unittest.skipUnless(URL, "NOTES_URL says where the application is")
class NotesTest(unittest.TestCase):
    def test_shows_a_page(self):
        status, headers, body = call("/")
        self.assertEqual((status, headers["content-type"]), (200, "text/html; charset=utf-8"))
        self.assertIn(b"<li>first</li>", body)

    def test_takes_a_form_and_sets_cookies(self):
        form = urlencode({"note": "ä & b"}).encode()
        status, headers, _ = call("/notes", form, {"Content-Type": "application/x-www-form-urlencoded"})
        self.assertEqual((status, headers["location"]), (303, "../"))
        self.assertEqual(len(headers.get_all("set-cookie")), 2)

    def test_finds_a_note_and_says_what_is_not_there(self):
        found = json.loads(call("/notes/0?a=1&a=2")[2])
        self.assertEqual(found, {"note": "first", "query": {"a": ["1", "2"]}})
        self.assertEqual(call("/notes/99")[0], 404)

    def test_takes_a_file_and_gives_a_picture(self):
        content = bytes(range(256))
        part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n' + content + b"\r\n--x--\r\n"
        _, _, body = call("/files", part, {"Content-Type": "multipart/form-data; boundary=x"})
        self.assertEqual(json.loads(body)["sha256"], hashlib.sha256(content).hexdigest())
        self.assertTrue(call("/pixel.gif")[2].startswith(b"GIF89a\x01\x00\x01\x00\x80\xff"))


if __name__ == "__main__":
    unittest.main()
