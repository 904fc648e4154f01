"""What the application promises, asked for at the address in ITEMS_URL: `python -m unittest`."""

import json
import os
import unittest
import urllib.error
import urllib.request

URL = os.environ.get("ITEMS_URL", "")


def call(path, data=None, headers=None):
    request = urllib.request.Request(f"{URL}{path}", data=data, headers=headers or {})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


@unittest.skipUnless(URL, "ITEMS_URL says where the application is")
class ItemsTest(unittest.TestCase):
    def test_reads_an_item(self):
        status, headers, body = call("/items/1?loud=true")
        self.assertEqual((status, json.loads(body)), (200, {"name": "FIRST"}))
        self.assertEqual(headers["content-type"], "application/json")

    def test_says_what_is_not_there_and_what_is_wrong(self):
        self.assertEqual(call("/items/2")[0], 404)
        self.assertEqual(call("/items/x")[0], 422)
        self.assertEqual(call("/nowhere")[0], 404)

    def test_takes_json_and_sets_cookies(self):
        sent = json.dumps({"name": "ä"}).encode()
        status, headers, body = call("/items", sent, {"Content-Type": "application/json"})
        self.assertEqual((status, json.loads(body)), (201, {"name": "ä"}))
        self.assertEqual(len(headers.get_all("set-cookie")), 2)

    def test_gets_paths_decoded_and_headers(self):
        _, _, body = call("/echo/a%20b/c", headers={"X-Word": "one"})
        self.assertEqual(json.loads(body), {"rest": "a b/c", "words": ["one"]})

    def test_documents_itself(self):
        self.assertIn("/items/{item_id}", json.loads(call("/openapi.json")[2])["paths"])
        self.assertIn(b"swagger", call("/docs")[2])


if __name__ == "__main__":
    unittest.main()
