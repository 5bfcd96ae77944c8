#!/usr/bin/env python3
"""Says which tests of a JUnit report of ctest's failed, and how they ended.

    scripts/failed-tests.py REPORT...

Each with the last lines of what it printed, and then all names: what one needs
at the end of a long log. A report that is missing or cut is said, too.
"""

import sys
import xml.etree.ElementTree

LAST_LINES = 12
LINE_LENGTH = 200


def has_failed(case):
    skipped = case.find("skipped")
    missing = skipped is not None and skipped.get("message", "").startswith("Unable")
    return missing or case.get("status") == "fail"


def failed_in(report):
    try:
        cases = xml.etree.ElementTree.parse(report).iter("testcase")
        return [case for case in cases if has_failed(case)]
    except (OSError, xml.etree.ElementTree.ParseError) as error:
        print(f"  {report}: {error}")
        return []


failed = [case for report in sys.argv[1:] for case in failed_in(report)]
for case in failed:
    print(f"  {case.get('name')}")
    output = (case.findtext("system-out") or "").strip().splitlines()
    for line in output[-LAST_LINES:]:
        print("    | " + line[:LINE_LENGTH])
for case in failed:
    print(f"  failed: {case.get('name')} ({float(case.get('time', 0)):.0f} s)")
