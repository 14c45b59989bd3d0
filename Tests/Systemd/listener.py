"""An event listener for the scenarios: appends each event to a file, and answers as it is told.

  listener.py FILE [ok|fail|bytes|deaf|garbage|die]

Each line of FILE is the header, a tab, and the payload as Python writes it.
"""
import os
import sys
import time


def main():
    path, manner = sys.argv[1], (sys.argv[2:] or ["ok"])[0]
    if manner == "deaf":
        # READY, and then nothing is read for ever.
        os.write(1, b"READY\n")
        time.sleep(1000)
    if manner == "garbage":
        os.write(1, b"hello, world\n")
        time.sleep(1000)
    text = open(0, encoding="utf-8", newline="") if manner != "bytes" else None
    while True:
        os.write(1, b"READY\n")
        header = sys.stdin.buffer.readline().decode() if text is None else text.readline()
        if not header:
            return
        length = int(dict(word.split(":", 1) for word in header.split())["len"])
        payload = sys.stdin.buffer.read(length).decode() if text is None else text.read(length)
        with open(path, "a", encoding="utf-8") as file:
            file.write(f"{header.strip()}\t{payload!r}\n")
        if manner == "die" and len(open(path).readlines()) < 3:
            sys.exit(3)
        os.write(1, b"RESULT 4\nFAIL" if manner == "fail" else b"RESULT 2\nOK")
        if manner == "fail":
            # An event that is always rejected comes back at once; the scenario need not be a race.
            time.sleep(0.2)


main()
