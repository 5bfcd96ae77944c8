"""The parts of bench/compare.py in which members come and go, or the allocator itself
does: churn and restart. Each collector asks every 0.1 s, as HTTP service discovery does
(kube/scrapers.py): an error keeps what it has, a 200 replaces it."""

import collections
import contextlib
import functools
import time

import collector_pods  # makes the modules of kube/ known
from compare_setting import Row
from measure import JOB
from scrapers import Scrapers

# So that hand-overs, of which ours lasts this and 10 s, end soon.
SCRAPE = {"scrape_interval": "1s", "scrape_timeout": "1s"}
# How long a collector goes on after it was told to end.
TERMINATING_SECONDS = 15
GRACE_SECONDS = 5
# The peer works in steps of 5 s.
QUIET_SECONDS = 8


class Watch:
    """What the collectors of a Subject have, over time."""

    def __init__(self, given, subject):
        self.expected = frozenset(given.files[JOB].addresses())
        self.quiet = 1 if given.setting.quick else QUIET_SECONDS
        self.subject = subject
        self.scrapers = Scrapers(subject.port, subject.collectors, [JOB])
        self.since = time.monotonic()
        self._read = 0  # so many of the answers are in what follows
        self._has = {}
        self._changes = []  # (time, collector to what it has)

    def event(self):
        """What is said from now on is counted from now on."""
        self.since = time.monotonic()

    def history(self):
        """Whenever somebody has another list than before: (seconds since event(),
        collector to what it has)."""
        for at, name, _, status, addresses in self.scrapers.answers(first=self._read):
            self._read += 1
            had = self._has.get(name)
            # Mostly the same object: a collector keeps an equal set only once.
            if status not in (0, 200) or had is addresses or had == addresses:
                continue
            self._has = {**self._has, name: addresses}
            self._changes.append((at, self._has))
        return [(at - self.since, has) for at, has in self._changes]

    def owners(self):
        """Target to collector. REQUIRES: at rest."""
        return {address: name for (_, name), share in self.scrapers.shares().items()
                for address in share}

    def settle(self, names, newcomer=None, within=150):
        """Until each target is one's of `names`, the newcomer has some, and nothing has
        changed for a while; when the last change was, in seconds since event()."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            self.subject.alive()
            last, has = (self.history() or [(0, {})])[-1]
            shares = {name: share for name, share in has.items() if share}
            if (time.monotonic() - self.since - max(last, 0) > self.quiet
                    and sum(map(len, shares.values())) == len(self.expected)
                    and frozenset().union(*shares.values()) == self.expected
                    and shares.keys() <= set(names)
                    and (newcomer is None or newcomer in shares)):
                return max(last, 0)
            time.sleep(0.1)
        raise TimeoutError(f"not at rest after {within} s")

    def first(self, holds):
        """Seconds from event() until what they have fulfilled holds(has) for the first
        time."""
        for at, has in self.history():
            if at >= 0 and holds(has):
                return at
        raise TimeoutError("not seen")

    def taken_over(self, share, names):
        """Seconds from event() until `names` together have all of the share."""
        return self.first(lambda has: share <= frozenset().union(
            *(has[name] for name in names)))

    def moved(self, before):
        return sum(owner != before[address] for address, owner in self.owners().items())

    def lost(self):
        """What nobody had for a time since event()."""
        lost = self.scrapers.lost(JOB, self.expected, self.since)
        return [
            Row("— targets that nobody had for a time", "targets", [len(lost)]),
            Row("— the longest such time", "s", [max(lost.values(), default=0)]),
        ]

    def answered(self):
        """Seconds since event() of each kind of answer, in the mean over collectors:
        `none`, `error` (both keep what a collector has) and `empty`, which drops it."""
        spent = collections.Counter()
        last = {}
        for at, name, _, status, addresses in self.scrapers.answers(self.since):
            if name in last:
                since, kind = last[name]
                spent[kind] += at - since
            kind = "none" if status < 0 else "error" if status != 200 else (
                "some" if addresses else "empty")
            last[name] = at, kind
        return {kind: spent[kind] / len(last) for kind in ("none", "error", "empty")}


@contextlib.contextmanager
def _watched(given, side):
    with given.serving(side) as subject:
        watch = Watch(given, subject)
        try:
            watch.settle(subject.collectors)
            yield watch
        finally:
            watch.scrapers.stop()


def churn(setting):
    """A collector joins, another is told to end, a third is killed, and a fourth isn't
    ready any more."""
    targets = setting.sizes[0]
    grace = 1 if setting.quick else GRACE_SECONDS
    more = {"collector_not_ready_grace_period": f"{grace}s"}
    if setting.quick:
        # Ours alone knows the key; the other side ignores it.
        more["hand_over"] = {"policy": "none"}
    with setting.given({JOB: (targets, 1, "few")}, more=more,
                       scrape={JOB: SCRAPE}) as given:
        yield 1 if setting.quick else 2, functools.partial(_churn, given, grace)


def _churn(given, grace, side):
    with _watched(given, side) as watch:
        names = given.names()
        return [
            *_balance(watch, names),
            *_join(given, watch, names),
            *_leave(given, watch, names),
            *_die(given, watch, names),
            *_not_ready(given, watch, names, grace),
        ]


def _balance(watch, names):
    sizes = [len(share) for share in watch.scrapers.shares().values()]
    mean = len(watch.expected) / len(names)
    return [Row(f"fullest collector over the mean, {len(watch.expected):,} targets over "
                f"{len(names)}", "×", [max(sizes) / mean])]


def _join(given, watch, names):
    newcomer = collector_pods.name(len(names))
    before = watch.owners()
    watch.event()
    watch.scrapers.add(newcomer)
    given.setting.pods.add(newcomer)
    names.append(newcomer)
    rest = watch.settle(names, newcomer)
    share = watch.scrapers.shares()[JOB, newcomer]
    return [
        Row("a collector joins: it has its share after", "s",
            [watch.first(lambda has: share <= has.get(newcomer, frozenset()))]),
        Row("— nothing changes any more after (with a hand-over: later)", "s", [rest]),
        Row("— moved over the minimum", "×",
            [watch.moved(before) / (len(before) / len(names))]),
        *watch.lost(),
    ]


def _share(owners, name):
    """The collector's targets."""
    share = {address for address, owner in owners.items() if owner == name}
    if not share:
        raise RuntimeError(f"{name} has no targets that it could give away")
    return share


def _leave(given, watch, names):
    leaver = names.pop(3)
    before = watch.owners()
    share = _share(before, leaver)
    watch.event()
    given.setting.pods.tell_to_end(leaver)
    end = time.monotonic() + (2 if given.setting.quick else TERMINATING_SECONDS)
    # It ends when there is nothing left for it to do, or its time is over.
    while time.monotonic() < end and watch.scrapers.shares()[JOB, leaver]:
        time.sleep(0.05)
    watch.scrapers.remove(leaver)
    given.setting.pods.remove(leaver)
    watch.settle(names)
    return [
        Row("a collector is told to end: moved over the minimum", "×",
            [watch.moved(before) / len(share)]),
        *watch.lost(),
    ]


def _die(given, watch, names):
    dead = names.pop(5)
    before = watch.owners()
    share = _share(before, dead)
    watch.event()
    watch.scrapers.remove(dead)
    given.setting.pods.remove(dead)
    watch.settle(names)
    return [
        Row("a collector's pod is gone: its targets at others after", "s",
            [watch.taken_over(share, names)]),
        Row("— moved over the minimum", "×", [watch.moved(before) / len(share)]),
    ]


def _not_ready(given, watch, names, grace):
    """It goes on asking, and is given nothing once it has been so for the grace
    period."""
    name = names.pop(1)
    share = watch.scrapers.shares()[JOB, name]
    watch.event()
    given.setting.pods.set_ready(name, "False")
    watch.settle(names)
    return [
        Row(f"a collector isn't ready, grace {grace} s: its targets at others after", "s",
            [watch.taken_over(share, names)]),
    ]


def restart(setting):
    """Killed, and started again at once with the same files, while collectors ask."""
    with setting.given({JOB: (setting.sizes[0], 1, "few")}, scrape={JOB: SCRAPE}) as given:
        yield 1 if setting.quick else 2, functools.partial(_restart, given)


def _restart(given, side):
    with _watched(given, side) as watch:
        before = watch.owners()
        watch.event()
        watch.subject.kill()
        watch.subject.start()
        watch.subject.wait_all(given.jobs)
        watch.settle(given.names())
        spent = watch.answered()
        return [
            Row("killed and started again: a collector gets no answer for", "s",
                [spent["none"]]),
            Row("— an error, and keeps its targets, for", "s", [spent["error"]]),
            Row("— `200 []`, and drops its targets, for", "s", [spent["empty"]]),
            *watch.lost(),
            Row("— targets that have another owner", "targets", [watch.moved(before)]),
        ]
