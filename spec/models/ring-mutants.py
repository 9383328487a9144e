"""Break one rule of the ring protocol at a time; the litmus tests must notice each.

Run in the root of the repository: python3 spec/models/ring-mutants.py
The sources are copied to a temporary folder and changed there. A mutant that is
missed, or no longer fits the source, fails the run.
"""
import os
import shutil
import subprocess
import sys
import tempfile

# name, file, what is there, what a broken build has instead
MUTANTS = [
    ('lease after state', 'reader.go',
     '\tat("lease")\n\te.leaseEnd.Store(end) // pairs(lease)\n\tat("leased")\n\tif entryWord(e.state.Load()) != rd.mine {\n\t\treturn false\n\t}\n',
     '\tat("leased")\n\tif entryWord(e.state.Load()) != rd.mine {\n\t\treturn false\n\t}\n\tat("lease")\n\te.leaseEnd.Store(end) // pairs(lease)\n'),
    ('tail after the scan', 'gate.go',
     '\tg.limit = lowest + r.capacity()\n}',
     '\tat("scan")\n\tif lowest == T {\n\t\tlowest = r.ctl.tail.Load()\n\t}\n\tg.limit = lowest + r.capacity()\n}'),
    ('one tail at join', 'entry.go',
     '\t\tt = r.ctl.tail.Load() // pairs(tail)\n',
     ''),
    ('failed stamp pushes tail', 'claim.go',
     'uint64(old), uint64(stamped)) {\n',
     'uint64(old), uint64(stamped)) {\n\t\tp.ring.ctl.tail.CompareAndSwap(t, t+1)\n'),
    ('sleeper sets summary first', 'wake.go',
     '\tat("arm mask")\n\tr.ctl.readerMask[i/64].Or(1 << (i % 64))\n\tat("arm summary")\n\tr.ctl.readerSummary.Or(1 << (i / 64)) // pairs(reader-mask)\n',
     '\tat("arm summary")\n\tr.ctl.readerSummary.Or(1 << (i / 64)) // pairs(reader-mask)\n\tat("arm mask")\n\tr.ctl.readerMask[i/64].Or(1 << (i % 64))\n'),
    ('no takeover', 'exclusive.go',
     'if head.published.Load()&^padBit != r.lap(t) {',
     'if false {'),
    ('no let go', 'claim.go',
     '\t\tp.letGo(t)\n',
     ''),
    ('commit is a store', 'claim.go',
     'if !a.CompareAndSwap(uint64(mine), uint64(mine.with(state))) { // pairs(commit)',
     'if a.Store(uint64(mine.with(state))); false {'),
    ('pins ignored', 'gate.go',
     'if t >= s.from && p < s.to && p != t {',
     'if false && t >= s.from && p < s.to && p != t {'),
    ('no wake', 'claim.go',
     '\tr.wakeReaders()\n\treturn nil\n}\n\n// letGo',
     '\treturn nil\n}\n\n// letGo'),
    ('arm does not look again', 'wait.go',
     'return rd.changed() || rd.ready()',
     'return rd.changed()'),
    ('quarantined by lap only', 'claim.go',
     '\tif w.state() == stateQuarantined {\n\t\treturn',
     '\tif false {\n\t\treturn'),
    ('high raised last', 'entry.go',
     '\t\tr.raiseHigh(uint64(i) + 1)\n\t\tmine := makeEntryWord(nextGeneration(w), r.host.Index(), entryJoining)\n\t\tat("joining")\n\t\tif !e.state.CompareAndSwap(uint64(w), uint64(mine)) { // pairs(entry)\n\t\t\tcontinue\n\t\t}\n\t\te.mode.Store(mode)\n\t\te.group.Store(0)\n\t\te.missed.Store(0)\n\t\te.blocked.Store(0)\n\t\te.blockedAt.Store(uint64(r.now()))\n\t\tt := r.ctl.tail.Load() // pairs(tail)\n\t\tat("join cursor")\n\t\te.cursor.Store(t)\n\t\te.leaseEnd.Store(t)\n\t\tat("active")\n\t\tif !e.state.CompareAndSwap(uint64(mine), uint64(mine.with(entryActive))) { // pairs(entry)\n\t\t\tcontinue // recovery took us for dead: our lock is gone\n\t\t}\n\t\tat("join tail")\n\t\tt = r.ctl.tail.Load() // pairs(tail)\n\t\tat("join cursor again")\n\t\te.cursor.Store(t) // pairs(cursor)\n',
     '\t\tmine := makeEntryWord(nextGeneration(w), r.host.Index(), entryJoining)\n\t\tat("joining")\n\t\tif !e.state.CompareAndSwap(uint64(w), uint64(mine)) { // pairs(entry)\n\t\t\tcontinue\n\t\t}\n\t\te.mode.Store(mode)\n\t\te.group.Store(0)\n\t\te.missed.Store(0)\n\t\te.blocked.Store(0)\n\t\te.blockedAt.Store(uint64(r.now()))\n\t\tt := r.ctl.tail.Load() // pairs(tail)\n\t\tat("join cursor")\n\t\te.cursor.Store(t)\n\t\te.leaseEnd.Store(t)\n\t\tat("active")\n\t\tif !e.state.CompareAndSwap(uint64(mine), uint64(mine.with(entryActive))) { // pairs(entry)\n\t\t\tcontinue // recovery took us for dead: our lock is gone\n\t\t}\n\t\tat("join tail")\n\t\tt = r.ctl.tail.Load() // pairs(tail)\n\t\tat("join cursor again")\n\t\te.cursor.Store(t) // pairs(cursor)\n\t\tat("high")\n\t\tr.raiseHigh(uint64(i) + 1)\n'),
]


def main():
    bad = 0
    with tempfile.TemporaryDirectory() as copy:
        for d in ('ring', 'shm', 'codec'):
            shutil.copytree(d, os.path.join(copy, d))
        for f in ('go.mod', 'go.sum'):
            shutil.copy(f, copy)
        for name, file, old, new in MUTANTS:
            path = os.path.join(copy, 'ring', file)
            with open(path) as f:
                source = f.read()
            if old not in source:
                print('no longer fits:', name)
                bad += 1
                continue
            with open(path, 'w') as f:
                f.write(source.replace(old, new, 1))
            run = subprocess.run(
                ['go', 'test', '-tags', 'invariants', '-timeout', '60s', '-run', 'Litmus', './ring'],
                cwd=copy, capture_output=True, text=True)
            failed = sorted({l.split()[2] for l in run.stdout.splitlines() if l.startswith('--- FAIL')})
            print('caught' if failed else 'MISSED', name, *failed)
            bad += not failed
            with open(path, 'w') as f:
                f.write(source)
    return bad


sys.exit(main())
