"""Fetches the URLs of a file with Scrapy, each number after `seed=` being an item's: an item a body, one a line.

What was done is kept in JOBDIR, as Scrapy's manual tells under "Jobs: pausing and resuming crawls".
"""

import scrapy


class Finish(scrapy.Spider):
    name = "finish"

    def __init__(self, urls):
        super().__init__()
        with open(urls) as lines:
            self.start_urls = lines.read().split()

    def parse(self, response):
        # Each byte as a character, since JSON knows no bytes.
        body = response.body.decode("latin-1")
        yield {"item": int(response.url.rsplit("=", 1)[1]), "body": body}
