"""Downloads of corpora: declared by problems, fetched over HTTP, kept with their hashes.

The transfer is `requests` on `urllib3`, which TensorFlow and TensorFlow Datasets bring along,
so a download needs no further package: it knows proxies, certificates and redirects. Looked at
and not taken: pooch (no resuming by ranges, no bound on the disk, a hash is its only check),
fsspec with aiohttp (no If-Range, no retry of a broken body), TensorFlow Datasets' own downloader
(starts anew after each failure, hides the file's name behind a hash). What they all leave out is
here: ranges with validators, mirrors, and a name for each way in which a server misbehaves.
"""
