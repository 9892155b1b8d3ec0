#!/usr/bin/python3
"""Asks an HTTP server as run_load asks a mesh, and measures in the same way.

  http_load.py get URL FOLDER THREADS ROUNDS     URL with the name of each JPEG of FOLDER in place of {}
  http_load.py share URL FOLDER THREADS ROUNDS   the answer is the image itself: vipsthumbnail runs here

Each name ROUNDS times, THREADS at a time, each thread with its own connection. Prints how many there
were, the seconds that all took, and of what one asker waited the p50 and p99 in milliseconds.
"""
import http.client
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

CHUNK = 1 << 20


class Load:
    def __init__(self, way, url, folder, threads, rounds):
        self.fetch = {"get": self.get, "share": self.share}[way]
        self.url = urllib.parse.urlsplit(url)
        names = sorted(name for name in os.listdir(folder) if name.endswith(".jpg"))
        self.left = iter(names * int(rounds))
        self.threads = int(threads)
        self.lock = threading.Lock()
        self.waited = []
        self.failures = []

    def ask(self, connection, name):
        path = self.url.path + ("?" + self.url.query if self.url.query else "")
        connection.request("GET", path.replace("{}", name))
        response = connection.getresponse()
        if response.status != 200:
            raise RuntimeError(f"{name}: {response.status} {response.read(200)!r}")
        return response

    def get(self, connection, name, _folder):
        made = self.ask(connection, name).read()
        if not made.startswith(b"\xff\xd8"):
            raise RuntimeError(name + ": the answer is no JPEG")

    def share(self, connection, name, folder):
        fetched, made = os.path.join(folder, name), os.path.join(folder, "made-" + name)
        response = self.ask(connection, name)
        piece = memoryview(bytearray(CHUNK))
        with open(fetched, "wb", buffering=0) as file:
            while count := response.readinto(piece):
                file.write(piece[:count])
        command = ["vipsthumbnail", fetched, "--size", "800x800", "-o", made + "[Q=85]"]
        subprocess.run(command, check=True)
        with open(made, "rb") as file:
            file.read()
        os.unlink(fetched)
        os.unlink(made)

    def work(self, folder):
        connection = http.client.HTTPConnection(self.url.hostname, self.url.port)
        while True:
            with self.lock:
                name = next(self.left, None)
            if name is None or self.failures:
                return
            began = time.monotonic()
            try:
                self.fetch(connection, name, folder)
            except Exception as error:
                self.failures.append(error)
            self.waited.append(time.monotonic() - began)

    def run(self, scratch):
        folders = [tempfile.mkdtemp(dir=scratch) for _ in range(self.threads)]
        threads = [threading.Thread(target=self.work, args=(folder,)) for folder in folders]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.monotonic() - began
        if self.failures:
            sys.exit(f"http_load: {self.failures[0]}")
        print(f"runs {len(self.waited)} seconds {took:.3f} waited {self.at(50)} {self.at(99)}")

    def at(self, percent):
        ordered = sorted(self.waited)
        return f"{ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] * 1000:.2f}"


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    # What the share's client fetches lies in memory where that is possible: the best case for it.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as place:
        Load(*sys.argv[1:]).run(place)
