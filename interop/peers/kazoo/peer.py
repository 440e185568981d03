"""One kazoo client whose recipes follow orders; doc.go of the module has the
protocol. Arguments: connect string, session timeout in ms."""

import os
import queue
import sys
import tempfile
import threading
import time

from kazoo.client import KazooClient

SAYING = threading.Lock()


def say(line):
    with SAYING:
        print(line, flush=True)


class Exclusive:
    """An exclusive recipe: at most one contender is inside."""

    def contend(self, inside, millis):
        """Acquires and releases for some time. The file exists while a contender is inside."""
        turns = overlaps = 0
        end = time.monotonic() + int(millis) / 1000
        while time.monotonic() < end:
            self.acquire()
            turns += 1
            if not self.visit(inside):
                overlaps += 1
            self.release()
        return "%d %d" % (turns, overlaps)

    def visit(self, inside):
        if not create(inside):
            return False
        time.sleep(0.001)
        alone = len(os.listdir(os.path.dirname(inside))) == 1
        os.remove(inside)
        return alone


def create(file):
    """Returns False if the file exists already."""
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


class Lock(Exclusive):
    """kazoo's lock. extra is a pattern of other names to wait for."""

    def __init__(self, client, dir, extra=None):
        self.lock = client.Lock(dir, extra_lock_patterns=[extra] if extra else ())

    def acquire(self):
        self.lock.acquire()

    def try_(self):
        return "yes" if self.lock.acquire(blocking=False) else "no"

    def release(self):
        self.lock.release()


class ReadLock(Lock):
    """A reader has its own file, and meets only writers."""

    def __init__(self, client, dir):
        self.lock = client.ReadLock(dir)

    def visit(self, inside):
        file, own = tempfile.mkstemp(prefix="reader", dir=os.path.dirname(inside))
        os.close(file)
        time.sleep(0.001)
        alone = not os.path.exists(inside)
        os.remove(own)
        return alone


class WriteLock(Lock):
    def __init__(self, client, dir):
        self.lock = client.WriteLock(dir)


class Election(Exclusive):
    """kazoo's election: run() calls its function once elected, and the function
    leads until it returns."""

    def __init__(self, client, dir, identifier=""):
        self.election = client.Election(dir, identifier)

    def acquire(self):
        elected = threading.Event()
        self.resign = threading.Event()

        def lead():
            elected.set()
            self.resign.wait()

        self.thread = threading.Thread(target=self.election.run, args=(lead,), daemon=True)
        self.thread.start()
        elected.wait()

    def release(self):
        self.resign.set()
        self.thread.join()

    def leader(self):
        return self.election.contenders()[0]


class Semaphore(Exclusive):
    """kazoo's semaphore."""

    def __init__(self, client, dir, limit):
        self.limit = int(limit)
        self.semaphore = client.Semaphore(dir, max_leases=self.limit)

    def acquire(self):
        self.semaphore.acquire()

    def try_(self):
        return "yes" if self.semaphore.acquire(blocking=False) else "no"

    def release(self):
        self.semaphore.release()

    def visit(self, inside):
        """At most as many files exist as there are permits."""
        for i in range(self.limit):
            file = "%s.%d" % (inside, i)
            if create(file):
                time.sleep(0.001)
                os.remove(file)
                return True
        return False


class DoubleBarrier:
    """A party of kazoo's double barrier."""

    def __init__(self, client, dir, parties):
        self.barrier = client.DoubleBarrier(dir, int(parties))

    def enter(self):
        self.barrier.enter()
        if not self.barrier.participating:  # kazoo swallows the error
            raise RuntimeError("did not enter")

    def leave(self):
        self.barrier.leave()


class Gate:
    """kazoo's barrier."""

    def __init__(self, client, path):
        self.barrier = client.Barrier(path)

    def raise_(self):
        self.barrier.create()

    def lower(self):
        self.barrier.remove()

    def wait(self):
        self.barrier.wait()


RECIPES = {
    "lock": Lock,
    "readlock": ReadLock,
    "writelock": WriteLock,
    "election": Election,
    "semaphore": Semaphore,
    "doublebarrier": DoubleBarrier,
    "gate": Gate,
}
KEYWORDS = {"try": "try_", "raise": "raise_"}


def work(client, orders):
    """One handle: its orders run one after the other."""
    recipe = None
    while True:
        number, verb, args = orders.get()
        try:
            result = None
            if verb == "new":
                recipe = RECIPES[args[0]](client, *args[1:])
            else:
                result = getattr(recipe, KEYWORDS.get(verb, verb))(*args)
            say("%s ok %s" % (number, "" if result is None else result))
        except BaseException as e:
            say("%s error %s" % (number, repr(e).replace("\n", " ")))


def main():
    client = KazooClient(hosts=sys.argv[1], timeout=int(sys.argv[2]) / 1000)
    client.start()
    say("session %d" % client.client_id[0])
    handles = {}
    for line in sys.stdin:
        number, handle, verb, *args = line.split()
        if handle not in handles:
            handles[handle] = queue.Queue()
            threading.Thread(target=work, args=(client, handles[handle]), daemon=True).start()
        handles[handle].put((number, verb, args))
    # The end of the input ends the peer, without waiting for blocked threads.
    client.stop()
    sys.stdout.flush()
    os._exit(0)


main()
