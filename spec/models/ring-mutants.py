"""Break one rule of the ring protocol at a time; the tests must notice each.

Run in the root of the repository: make mutants. The sources are copied to two
temporary folders and changed there, one mutant a copy at a time. A mutant that is
missed, does not build, or no longer fits the source, fails the run. With words as
arguments only the mutants whose names contain one of them are tried.
"""
import concurrent.futures
import os
import queue
import shutil
import subprocess
import sys
import tempfile

# name, file, tests that must notice, then in turn what is there and what a broken
# build has instead
LITMUS = 'Litmus'
MUTANTS = [
    ('lease after state', 'reader.go', LITMUS,
     '\tat("lease")\n\te.leaseEnd.Store(end) // pairs(lease)\n\tat("leased")\n\tif entryWord(e.state.Load()) != rd.mine {\n\t\treturn false\n\t}\n',
     '\tat("leased")\n\tif entryWord(e.state.Load()) != rd.mine {\n\t\treturn false\n\t}\n\tat("lease")\n\te.leaseEnd.Store(end) // pairs(lease)\n'),
    ('a batch is released at once', 'batch.go', 'LitmusBatch',
     '\t\trd.cursor, rd.polls = c+uint64(taken), 0\n',
     '\t\trd.cursor, rd.polls = c+uint64(taken), 0\n\t\trd.show()\n'),
    ('a batch beyond the lease', 'batch.go', 'Batch',
     'min(uint64(len(ms)), rd.swift-c, r.capacity()-c&r.mask)',
     'min(uint64(len(ms)), r.capacity()-c&r.mask)'),
    ('tail after the scan', 'gate.go', LITMUS,
     '\tg.limit = lowest + r.capacity()\n}',
     '\tat("scan")\n\tif lowest == T {\n\t\tlowest = r.ctl.tail.Load()\n\t}\n\tg.limit = lowest + r.capacity()\n}'),
    ('one tail at join', 'entry.go', LITMUS,
     '\t\tt = r.ctl.tail.Load() // pairs(tail)\n',
     ''),
    ('failed stamp pushes tail', 'claim.go', LITMUS,
     'uint64(old), uint64(stamped)) {\n',
     'uint64(old), uint64(stamped)) {\n\t\tp.ring.ctl.tail.CompareAndSwap(t, t+1)\n'),
    ('sleeper sets summary first', 'wake.go', LITMUS,
     '\tat("arm mask")\n\tr.ctl.readerMask[i/64].Or(1 << (i % 64))\n\tat("arm summary")\n\tr.ctl.readerSummary.Or(1 << (i / 64)) ',
     '\tat("arm summary")\n\tr.ctl.readerSummary.Or(1 << (i / 64))\n\tat("arm mask")\n\tr.ctl.readerMask[i/64].Or(1 << (i % 64)) '),
    ('no takeover', 'exclusive.go', LITMUS,
     'if head.published.Load()&^padBit != r.lap(t) {',
     'if false {'),
    ('a message with a fenced fragment counts as sent', 'fragment.go', LITMUS,
     '\t\t\tp.abortFrom(i + 1)\n\t\t\treturn err\n',
     '\t\t\tp.abortFrom(i + 1)\n\t\t\treturn nil\n'),
    ('no let go', 'claim.go', LITMUS,
     '\t\tp.letGo(t)\n',
     ''),
    ('commit is a store', 'claim.go', LITMUS,
     'if !a.CompareAndSwap(uint64(mine), uint64(mine.with(state))) { // pairs(commit)',
     'if a.Store(uint64(mine.with(state))); false {'),
    ('pins ignored', 'gate.go', LITMUS,
     'if t >= s.from && p < s.to && p != t {',
     'if false && t >= s.from && p < s.to && p != t {'),
    ('no wake', 'claim.go', LITMUS,
     '\tr.wakeReaders()\n\treturn nil\n}\n\n// letGo',
     '\treturn nil\n}\n\n// letGo'),
    ('short way: no let go', 'swift_shared.go', LITMUS,
     '\t\tp.letGo(t)\n',
     ''),
    ('short way: commit is a store', 'swift_shared.go', LITMUS,
     'if !a.CompareAndSwap(uint64(mine), uint64(mine.with(stateReady))) { // pairs(commit)',
     'if a.Store(uint64(mine.with(stateReady))); false {'),
    ('short way: no wake', 'swift_shared.go', LITMUS,
     '\tp.ring.wakeReaders()\n',
     ''),
    ('short way: claim of any lap', 'swift_shared.go', LITMUS + '|Swift',
     'if w.lap()+1 != lap || ',
     'if '),
    ('short way: over writers', 'swift_shared.go', LITMUS + '|Fence|Writer',
     'w.state() != stateReady && w.state() != stateHole || ',
     ''),
    ('short way: into lent slots', 'swift_shared.go', LITMUS + '|Swift',
     '\tif len(p.gate.pins) == 0 {',
     '\tif true {'),
    ('short way: into lent slots, exclusive', 'swift.go', LITMUS + '|Swift',
     'if p.open == 0 && len(p.gate.pins) == 0 {',
     'if p.open == 0 {'),
    ('short way: published before the header', 'swift.go', LITMUS,
     '\tp.head(t, start, length, m)\n\tat("publish swift")\n\tstoreRelease(p.ring.published(t), p.ring.lap(t)) // pairs(publish)\n',
     '\tstoreRelease(p.ring.published(t), p.ring.lap(t)) // pairs(publish)\n\tat("publish swift")\n\tp.head(t, start, length, m)\n'),
    ('lent: published before the header', 'lent.go', LITMUS,
     '\tt := p.next - 1\n\tif where',
     '\tt := p.next - 1\n\tstoreRelease(p.ring.published(t), p.ring.lap(t))\n\tat("publish lent")\n\tif where',
     '\tr := p.ring\n\tat("publish lent")\n\tstoreRelease(r.published(t), r.lap(t)) // pairs(publish)\n',
     '\tr := p.ring\n'),
    ('known: whatever the length', 'known.go', 'Known',
     'k.first[0] == where && ',
     'k.first[0] != 0 && '),
    ('known: whatever the kind', 'known.go', 'Known',
     ' && k.said == m.words()',
     ''),
    ('known: published before the header', 'swift.go', LITMUS,
     '\t\t\twriteKnown(p.ring.body(t), &p.known, p.sequence)\n\t\t\tat("publish run")\n\t\t\tstoreRelease(p.ring.published(t), p.ring.lap(t)) // pairs(publish)\n',
     '\t\t\tstoreRelease(p.ring.published(t), p.ring.lap(t)) // pairs(publish)\n\t\t\tat("publish run")\n\t\t\twriteKnown(p.ring.body(t), &p.known, p.sequence)\n'),
    ('lent: the tail stays behind', 'lent.go', LITMUS,
     '\tstoreBefore(&p.ring.ctl.tail, t+1) // pairs(tail): before any byte of the slot\n',
     ''),
    ('lent: nobody is told', 'lent.go', LITMUS,
     '\treturn r.ctl.readerSummary.Load() != 0 // pairs(reader-mask)\n',
     '\treturn false\n'),
    ('lent: looks for sleepers first', 'lent.go', LITMUS,
     '\tat("publish lent")\n',
     '\tasleep = r.ctl.readerSummary.Load() != 0\n\tat("publish lent")\n',
     '\treturn r.ctl.readerSummary.Load() != 0 // pairs(reader-mask)\n',
     '\treturn asleep\n'),
    ('arm does not look again', 'wait.go', LITMUS,
     'return rd.changed() || rd.ready()',
     'return rd.changed()'),
    ('quarantined by lap only', 'claim.go', LITMUS,
     '\tif w.state() == stateQuarantined {\n\t\treturn',
     '\tif false {\n\t\treturn'),
    ('high raised last', 'entry.go', LITMUS,
     '\t\tr.raiseHigh(uint64(i) + 1)\n\t\tmine := makeEntryWord(',
     '\t\tmine := makeEntryWord(',
     '\t\te.cursor.Store(t) // pairs(cursor)\n',
     '\t\te.cursor.Store(t) // pairs(cursor)\n\t\tat("high")\n\t\tr.raiseHigh(uint64(i) + 1)\n'),
    ('takes back where it stands only', 'gate.go', 'FewSlots',
     'range min(r.capacity(), mostReclaimed)',
     'range uint64(0)'),
    ('takes back behind the same slot always', 'gate.go', 'OfTheDead',
     '\t\tg.claimNext++\n',
     '',
     'r.reclaimOne(g.claimNext, &living)',
     'r.reclaimOne(t+1, &living)'),
    ('takes back behind where it stands', 'gate.go', 'OfTheDead',
     '\tliving := -1\n',
     '\tliving := -1\n\tg.claimNext = t\n'),
    ('looks at every step', 'gate.go', 'OfTheDead',
     '\tif now-g.claimCheck < nextInquiry {',
     '\tif false {'),
    ('asks for the living once a claim', 'gate.go', 'OfTheDead',
     ' || int(w.owner()) == *living {',
     ' {'),
    ('takes back from the living', 'recover.go', 'FewSlots',
     '\t\tif r.host.Alive(dead) {\n\t\t\treturn false\n\t\t}\n\t\tat("recover claim")\n',
     '\t\tat("recover claim")\n'),
    ('charge is a store', 'gate.go', 'LateCharge|LitmusCharge',
     'if e.blocked.CompareAndSwap(old, blockedWord(w, spent)) {',
     'if e.blocked.Store(blockedWord(w, spent)); true {'),
    ('charge without a generation', 'gate.go', 'LateCharge',
     'if old>>layout.BlockedBits != blockedWord(w, 0)>>layout.BlockedBits {',
     'if false {'),
    ('closer looks nowhere else', 'reader.go', 'ClosesWhile',
     '\t\trd.ring.leaveHeirs(rd.index, rd.mine)\n',
     ''),
    ('seal names its maker', 'replace.go', 'Seal',
     '(w>>32+1)<<32|layout.OwnerSealed)',
     '(w>>32+1)<<32|uint64(r.host.Index())+1)'),
    ('seal over the written', 'replace.go', 'Seal',
     'if r.ctl.tail.Load() != 0 {\n\t\treturn false',
     'if false {\n\t\treturn false'),
    ('latest looks at published', 'latest.go', 'Latest',
     'return r.claim(c).Load() == mark',
     'return headAt(r.slot(c)).published.Load() == r.lap(c)'),
]


def run(copy, name, file, tests, *changes):
    """Break the copy, run the tests, mend it. Returns a line to print."""
    path = os.path.join(copy, 'ring', file)
    with open(path) as f:
        source = f.read()
    broken = source
    for old, new in zip(changes[::2], changes[1::2]):
        if broken.count(old) != 1:
            return f'not ok {name}: no longer fits {file}'
        broken = broken.replace(old, new)
    with open(path, 'w') as f:
        f.write(broken)
    done = subprocess.run(
        ['go', 'test', '-tags', 'invariants', '-timeout', '120s', '-run', tests, './ring'],
        cwd=copy, capture_output=True, text=True)
    with open(path, 'w') as f:
        f.write(source)
    failed = sorted({l.split()[2] for l in done.stdout.splitlines() if l.startswith('--- FAIL')})
    if 'panic: test timed out' in done.stdout:
        failed.append('(did not end)')
    if not failed:
        return f'not ok {name}: missed, or does not build: ' + (done.stdout + done.stderr).strip()[-300:]
    return f'ok {name}: caught by {" ".join(failed)}'


def main():
    passed = 0
    mutants = [m for m in MUTANTS if not sys.argv[1:] or any(word in m[0] for word in sys.argv[1:])]
    with tempfile.TemporaryDirectory() as root, concurrent.futures.ThreadPoolExecutor(2) as pool:
        copies = queue.SimpleQueue()
        for i in range(2):
            copy = os.path.join(root, str(i))
            for d in ('ring', 'shm', 'codec', 'internal/platform', 'internal/cycles'):
                shutil.copytree(d, os.path.join(copy, d))
            for f in ('go.mod', 'go.sum'):
                shutil.copy(f, copy)
            copies.put(copy)

        def one(mutant):
            copy = copies.get()
            try:
                return run(copy, *mutant)
            finally:
                copies.put(copy)

        for line in pool.map(one, mutants):
            print(line, flush=True)
            passed += line.startswith('ok ')
    print(f'\n{passed} passed, {len(mutants) - passed} failed, 0 skipped')
    return passed != len(mutants)


sys.exit(main())
