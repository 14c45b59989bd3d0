#!/usr/bin/env python3
import time

from scenario import WORKER, Daemon, check, run, wait


def scenario(daemon):
    """tune refuses what is too little, and proposes a section that the daemon takes."""
    text = f"""[program:batch]
command = {WORKER} healthy
numprocs = 2
process_name = %(program_name)s_%(process_num)02d
startsecs = 0
"""
    daemon.configure(text + "[health]\ninterval = 200ms\ngrace = 300ms\nprogress_pattern = Batch\n")
    daemon.start()
    daemon.running("batch:batch_00", "batch:batch_01")
    out, err, code = daemon.ctl("tune", "batch")
    check(code == 1 and "too little to go by" in out, f"tune at once: exit code {code}: {out}{err}")
    time.sleep(6)

    def proposed():
        out, _, code = daemon.ctl("tune", "batch", "--least", "8s")
        return out if code == 0 else None
    section = wait("a section is proposed", 20, proposed)
    check("[health:batch]" in section and "heartbeat_timeout = 30s" in section and "rss_limit = " in section,
          f"proposed: {section}")
    daemon.configure(text + section)
    lines, code = daemon.check_configuration()
    check(code == 0, f"the proposed section is not taken: {lines}\n{section}")
    out, err, code = daemon.ctl("tune", "nobody")
    check(code == 1 and "no such process or group" in out, f"nobody: {out}{err}")


run(Daemon, scenario)
