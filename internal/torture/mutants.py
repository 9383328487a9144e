"""Break one rule of ring or shm at a time; the torture must notice each.

Run in the root of the repository: make torture-mutants. The sources are copied to
a temporary folder and changed there. First the scenes are played on what is not
broken, and must be content. A mutant that is missed TRIES times in SECONDS each, does not
build, or no longer fits the source, fails the run: some need a strike at one instant.
With words as arguments only the mutants whose names contain one of them are tried.
"""
import os
import shutil
import subprocess
import sys
import tempfile

SECONDS = 8
TRIES = 6

# name, scene that must notice, file, what is there, what a broken build has instead
MUTANTS = [
    ('a fenced writer is told that it sent', 'producers-shared', 'ring/claim.go',
     '\t\tp.letGo(t)\n\t\treturn ErrFenced\n', '\t\tp.letGo(t)\n\t\treturn nil\n'),
    ('commit is a store', 'producers-shared', 'ring/claim.go',
     'if !a.CompareAndSwap(uint64(mine), uint64(mine.with(state))) { // pairs(commit)',
     'if a.Store(uint64(mine.with(state))); false {'),
    ('a quarantined slot is claimed', 'producers-shared', 'ring/claim.go',
     '\tif w.state() == stateQuarantined {\n\t\treturn', '\tif false {\n\t\treturn'),
    ('no let go', 'producers-shared', 'ring/claim.go',
     '\t\tp.letGo(t)\n', ''),
    ('a fenced writer is told that it sent, short way', 'producers-shared', 'ring/swift_shared.go',
     '\t\tp.letGo(t)\n\t\treturn ErrFenced\n', '\t\tp.letGo(t)\n\t\treturn nil\n'),
    ('commit is a store, short way', 'producers-shared', 'ring/swift_shared.go',
     'if !a.CompareAndSwap(uint64(mine), uint64(mine.with(stateReady))) { // pairs(commit)',
     'if a.Store(uint64(mine.with(stateReady))); false {'),
    ('no let go, short way', 'producers-shared', 'ring/swift_shared.go',
     '\t\tp.letGo(t)\n', ''),
    ('quarantined claims of the dead stay', 'producers-shared', 'ring/recover.go',
     'w.state() != stateWriting && w.state() != stateQuarantined', 'w.state() != stateWriting'),
    ('claims of the living are taken back', 'producers-few', 'ring/recover.go',
     '\t\tif r.host.Alive(dead) {\n\t\t\treturn false\n\t\t}\n\t\tat("recover claim")\n', '\t\tat("recover claim")\n'),
    ('nobody takes a claim of the dead back', 'dead-few', 'ring/claim.go',
     '\t\tif w.state() == stateQuarantined && !looked {', '\t\tif looked {'),
    ('no takeover', 'producers-exclusive', 'ring/exclusive.go',
     'if head.published.Load()&^padBit != r.lap(t) {', 'if false {'),
    ('pins ignored', 'readers', 'ring/gate.go',
     'if t >= s.from && p < s.to && p != t {', 'if false && t >= s.from && p < s.to && p != t {'),
    ('one tail at join', 'readers', 'ring/entry.go',
     '\t\tt = r.ctl.tail.Load() // pairs(tail)\n', ''),
    ('put out, and not told', 'readers', 'ring/reader.go',
     '\treturn rd.lag(first, rd.cursor-first)\n}\n\n// poll', '\treturn nil\n}\n\n// poll'),
    ('LAGGED counts one too few', 'readers', 'ring/reader.go',
     '\treturn rd.lag(first, rd.cursor-first)\n}\n\n// poll', '\treturn rd.lag(first, rd.cursor-first-1)\n}\n\n// poll'),
    ('what a member has is withdrawn', 'members', 'ring/outside.go',
     '\t\tif word.CompareAndSwap(uint64(w), uint64(makeTakeWord(lap, 0, takeDone))) { // pairs(take)',
     '\t\tif word.Store(uint64(makeTakeWord(lap, 0, takeDone))); true {'),
    ('a withdrawal that failed is told as done', 'members', 'ring/outside.go',
     'case w.lap() == lap && w.state() != takeTaken:\n\t\t\treturn false',
     'case w.lap() == lap && w.state() != takeTaken:\n\t\t\treturn true'),
    ('no wake after a commit', 'wakes', 'ring/wake.go',
     '\tif r.ctl.readerSummary.Load() != 0 { // pairs(reader-mask)', '\tif false {'),
    ('nobody is alive', 'storm', 'shm/lock.go',
     'return l.Type != unix.F_UNLCK, nil', 'return false, nil'),
    ('a record is freed before the rings', 'storm', 'ring/sweep.go',
     '\tfor _, folder := range ringFolders {\n\t\tif err := c.folder', '\tfor _, folder := range ringFolders[:0] {\n\t\tif err := c.folder'),
    ('files in use are removed', 'storm', 'shm/remove.go',
     '\tif !ok {\n\t\treturn fmt.Errorf("remove %q: %w", path, ErrInUse)', '\tif false && !ok {\n\t\treturn fmt.Errorf("remove %q: %w", path, ErrInUse)'),
]


def play(copy, scene):
    """Builds and plays one scene; returns the line of its verdict."""
    program = os.path.join(copy, 'torture')
    done = subprocess.run(['go', 'build', '-tags', 'invariants', '-o', program, './internal/torture'],
                          cwd=copy, capture_output=True, text=True)
    if done.returncode != 0:
        return 'does not build: ' + done.stderr.strip()[-300:]
    done = subprocess.run([program, '-seconds', str(SECONDS), '-only', scene],
                          cwd=copy, capture_output=True, text=True, timeout=20 * SECONDS)
    lines = done.stdout.splitlines()
    for i, line in enumerate(lines):
        if line.startswith(('ok ', 'not ok ')):
            return ' '.join(line.split()) + ' ' + ''.join(lines[i + 1:i + 2]).strip()
    return 'no verdict: ' + (done.stdout + done.stderr).strip()[-300:]


def broken(copy, scene, file, old, new):
    path = os.path.join(copy, file)
    with open(path) as f:
        source = f.read()
    if source.count(old) != 1:
        return 'no longer fits ' + file
    with open(path, 'w') as f:
        f.write(source.replace(old, new))
    try:
        for go in range(TRIES):
            verdict = play(copy, scene)
            if not verdict.startswith('ok '):
                return f'{verdict[:200]} (go {go + 1})'
        return verdict
    finally:
        with open(path, 'w') as f:
            f.write(source)


def main():
    passed = failed = 0
    mutants = [m for m in MUTANTS if not sys.argv[1:] or any(word in m[0] for word in sys.argv[1:])]

    def tell(good, name, verdict):
        nonlocal passed, failed
        passed, failed = passed + good, failed + (not good)
        print('ok' if good else 'not ok', name + ':', verdict[:240], flush=True)

    with tempfile.TemporaryDirectory() as copy:
        for d in ('ring', 'shm', 'codec', 'internal'):
            shutil.copytree(d, os.path.join(copy, d))
        for f in ('go.mod', 'go.sum'):
            shutil.copy(f, copy)
        for scene in dict.fromkeys(m[1] for m in mutants):
            verdict = play(copy, scene)
            tell(verdict.startswith('ok '), 'nothing broken', verdict)
        for name, *mutant in mutants:
            verdict = broken(copy, *mutant)
            tell(verdict.startswith('not ok '), name, 'caught: ' + verdict if verdict.startswith('not ok ') else 'missed: ' + verdict)
    print(f'\n{passed} passed, {failed} failed, 0 skipped')
    return failed != 0


sys.exit(main())
