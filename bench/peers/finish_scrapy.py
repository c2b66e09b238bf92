"""Fetches the URLs of a file with Scrapy, each number after `seed=` being an item's: an item a body, one a line.

What was done is kept in JOBDIR, as Scrapy's manual tells under "Jobs: pausing and resuming crawls". It leaves out the
requests that it remembers only if they are filtered, which those of `start_urls` are not.
"""

import scrapy


class Finish(scrapy.Spider):
    name = "finish"

    def __init__(self, urls, filtered=""):
        super().__init__()
        self.filtered = bool(filtered)
        with open(urls) as lines:
            self.start_urls = lines.read().split()

    async def start(self):
        for url in self.start_urls:
            yield scrapy.Request(url, dont_filter=not self.filtered)

    def parse(self, response):
        # Each byte as a character, since JSON knows no bytes.
        body = response.body.decode("latin-1")
        yield {"item": int(response.url.rsplit("=", 1)[1]), "body": body}
