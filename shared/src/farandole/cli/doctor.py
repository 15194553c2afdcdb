"""``farandole doctor``: what the embedded mesh needs of this machine, and whether it is so."""

from __future__ import annotations

from farandole.cli.exit_code import ExitCode
from farandole.cli.home import Home, Json, default_home
from farandole.cli.output import print_json, print_table
from farandole.local.doctor import check


def doctor(*, home: Home = None, json: Json = False) -> int:
    """Check this machine, and the mesh if one runs; say what to do about whatever is not as it should be."""
    checks = check(home or default_home())
    if json:
        print_json({"checks": checks, "ok": all(one.ok for one in checks)})
    else:
        rows = [("ok" if one.ok else "NO", one.name, one.detail, "" if one.ok else one.do) for one in checks]
        print_table("doctor", ("", "check", "found", "do"), rows)
    return ExitCode.OK if all(one.ok for one in checks) else ExitCode.CHECK_FAILED
