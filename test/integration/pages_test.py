"""The pages of the real binary: read by HTML Tidy, and shown by a real browser,
which says on its console whatever a page gets wrong."""

import collections
import html.parser
import json
import shutil
import struct
import subprocess
import urllib.parse
import zlib

import harness

# Debian's chromium-headless-shell; the whole browser does it, too.
BROWSER = shutil.which("chromium-headless-shell") or shutil.which("chromium")
BROWSER_ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
HOSTILE = "<script>alert(1)</script>\"'&amp;/?#\u202e"
SECRET = "hunter2-is-no-word-for-a-page"


class Links(html.parser.HTMLParser):
    """Where a page leads, and its title."""

    def __init__(self, page):
        super().__init__()
        self.found, self.title, self._in_title = [], "", False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "a":
            self.found.append(attributes["href"])
        if tag == "form":
            self.found.append(attributes["action"])
        self._in_title = tag == "title"

    def handle_data(self, data):
        if self._in_title:
            self.title += data

    def handle_endtag(self, tag):
        self._in_title = False


def first_pixel(png):
    """Red, green and blue of the upper left corner. It is stored as it is, whatever
    the filter of its row: there is nothing before it."""
    data, at = b"", 8
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        if kind == b"IDAT":
            data += png[at + 8 : at + 8 + length]
        at += length + 12
    return tuple(zlib.decompress(data)[1:4])


class PagesTest(harness.PeerTest):
    def start(self):
        """An allocator with a bit of everything, under names that mean harm."""
        targets = [
            {
                "targets": [f"10.0.0.{i}:9100"],
                "labels": {"env": "dev" if i % 5 == 0 else "prod", "note": HOSTILE},
            }
            for i in range(1, 251)
        ]
        self.write("web.json", json.dumps(targets))
        config = {
            "collectors": {"static": ["collector-0", HOSTILE]},
            "config": {
                "scrape_configs": [
                    {
                        "job_name": HOSTILE,
                        "basic_auth": {"username": "u", "password": SECRET},
                        "proxy_url": f"http://u:{SECRET}@127.0.0.1:1",
                        "file_sd_configs": [{"files": ["web.json"]}],
                        "relabel_configs": [
                            {"source_labels": ["env"], "regex": "dev", "action": "drop"}
                        ],
                    },
                    {
                        "job_name": "api",
                        "http_sd_configs": [{"url": f"http://u:{SECRET}@127.0.0.1:1/x"}],
                    },
                    {"job_name": "db", "static_configs": [{"targets": ["d:1", "d:1"]}]},
                ]
            },
            "sync_timeout": "1s",
            "allow_insecure_auth_secrets": True,
        }
        path = self.write("ta.json", json.dumps(config))
        return self.own(harness.Allocator(self.folder, path)).wait_ready()

    def crawl(self, allocator, most=60):
        """Pages by path and query, from / on; of each path a few."""
        pages, ahead, of_path = {}, ["/"], collections.Counter()
        while ahead and len(pages) < most:
            target = ahead.pop(0)
            answer = allocator.get(target, headers={"Accept": BROWSER_ACCEPT})
            self.assertEqual(answer.status, 200, target)
            if not answer.headers["Content-Type"].startswith("text/html"):
                continue
            pages[target] = answer.body.decode()
            for link in Links(pages[target]).found:
                to = urllib.parse.urljoin(f"http://x{target}", link)
                to = to.removeprefix("http://x")
                path = to.partition("?")[0]
                if to in pages or to in ahead or of_path[path] >= 8:
                    continue
                of_path[path] += 1
                ahead.append(to)
        return pages

    def show(self, allocator, target, *flags):
        """What the browser has made of a page; fails if it complained."""
        done = subprocess.run(
            [
                BROWSER,
                "--no-sandbox",
                "--disable-gpu",
                f"--user-data-dir={self.folder}/profile",
                "--enable-logging=stderr",
                *flags,
                f"http://127.0.0.1:{allocator.port}{target}",
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        said = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
        self.assertEqual(said, [], target)
        return done.stdout

    def test_every_page_is_valid_html_and_tells_no_secret(self):
        if not shutil.which("tidy"):
            self.skipTest("tidy is not installed")
        pages = self.crawl(self.start())
        self.assertGreater(len(pages), 20)
        for target, page in pages.items():
            with self.subTest(target=target):
                done = subprocess.run(
                    ["tidy", "-quiet", "-errors"],
                    input=page,
                    capture_output=True,
                    text=True,
                    timeout=30,
                )
                self.assertEqual(done.stderr, "")
                self.assertEqual(done.returncode, 0)
                self.assertNotIn(SECRET, page)

    def test_a_browser_shows_every_page_and_has_nothing_to_say(self):
        if not BROWSER:
            self.skipTest("no chromium is installed")
        allocator = self.start()
        pages = self.crawl(allocator)
        one_of_each = {target.partition("?")[0]: target for target in pages}
        self.assertGreaterEqual(len(one_of_each), 8, one_of_each)
        for target in one_of_each.values():
            with self.subTest(target=target):
                shown = self.show(allocator, target, "--dump-dom")
                self.assertEqual(Links(shown).title, Links(pages[target]).title)
                self.assertNotIn("<script", shown)

    def test_pages_are_light_or_dark_as_the_reader_is(self):
        if not BROWSER:
            self.skipTest("no chromium is installed")
        allocator = self.start()
        shot = self.folder / "shot.png"
        for scheme, dark in [("1", False), ("0", True)]:
            self.show(
                allocator,
                "/",
                f"--blink-settings=preferredColorScheme={scheme}",
                f"--screenshot={shot}",
            )
            corner = first_pixel(shot.read_bytes())
            self.assertEqual(max(corner) < 64, dark, corner)


if __name__ == "__main__":
    harness.main()
