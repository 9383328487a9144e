package places

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Users and the group of two of them. They need no names.
const (
	alice, bob, carol = 60001, 60002, 60003
	ops               = 60010
)

// as are the credentials of a user, in his own group and some others.
func as(uid int, groups ...uint32) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid), Groups: groups}}
}

// asUsers runs a test as root of some user namespace that has the ids of our users:
// as root of this one, or of one that newuidmap makes, in a process of its own.
// A user who is not given other ids has nobody to share with: what the kernel says to
// a stranger he is shown by TestRightsOfOneUser.
func asUsers(t *testing.T, test func(*testing.T)) {
	t.Helper()
	if os.Geteuid() == 0 {
		test(t)
		return
	}
	inside(t, "--map-users=auto", "--map-groups=auto")
}

// tree lists owner:group, mode and path of everything below a directory.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := os.Lstat(path)
		if err != nil {
			return err
		}
		sys := st.Sys().(*syscall.Stat_t)
		name, _ := filepath.Rel(dir, path)
		out[name] = fmt.Sprintf("%d:%d %o", sys.Uid, sys.Gid, sys.Mode&0o7777)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestRightsAreExact makes a domain for a group under a umask that would take
// everything away, and one that would take nothing.
func TestRightsAreExact(t *testing.T) {
	asUsers(t, func(t *testing.T) {
		for _, umask := range []string{"777", "000"} {
			base := ownedBy(t, baseFor(t), alice, alice)
			a := start(t, "alice", as(alice, ops))
			a.does("umask %s", umask)
			a.does("open %s 660 %d", base, ops)
			a.does("publisher orders")
			a.does("publisher prices 640")
			for name, got := range tree(t, filepath.Join(base, "default")) {
				want := fmt.Sprintf("%d:%d 660", alice, ops)
				switch {
				case !strings.Contains(filepath.Base(name), "."), name == ".":
					if name != "node" && name != "participants" && name != "directory" && filepath.Dir(name) != "live" {
						want = fmt.Sprintf("%d:%d 2770", alice, ops)
					}
				case strings.HasSuffix(name, ".dat") && strings.Contains(name, "prices"):
					want = fmt.Sprintf("%d:%d 640", alice, ops)
				}
				if got != want {
					t.Errorf("umask %s: %s is %s, want %s", umask, name, got, want)
				}
			}
		}
	})
}

// TestUsersOfOneGroup: a member takes part without being told of the group, a
// stranger is told why not.
func TestUsersOfOneGroup(t *testing.T) {
	asUsers(t, func(t *testing.T) {
		base := ownedBy(t, baseFor(t), alice, alice)
		a, b, c := start(t, "alice", as(alice, ops)), start(t, "bob", as(bob, ops)), start(t, "carol", as(carol))
		a.does("open %s 660 %d", base, ops)
		b.does("open %s", base)
		b.does("subscribe orders") // bob's ring, for the group
		a.does("publisher orders")
		a.does("publish hello")
		if got := b.does("next"); got != "hello" {
			t.Errorf("bob reads %q", got)
		}
		if got := a.does("alive"); got != "0:alive 1:alive" {
			t.Errorf("participants: %s", got)
		}
		dir := filepath.Join(base, "default")
		c.refused([]string{"permission denied", dir, fmt.Sprintf("%d:%d 2770", alice, ops), fmt.Sprintf("uid %d", carol),
			fmt.Sprintf("usermod -aG %d %d", ops, carol), "--shm-dir"}, "open %s", base)
		c.refused([]string{fmt.Sprintf("group %d", ops), "may not give it", "member", "usermod -aG", "name a group of yours"},
			"open %s 660 %d", ownedBy(t, baseFor(t), carol, carol), ops)
		b.refused([]string{"already", fmt.Sprintf("%d:%d 0660", alice, ops), "0600", "made anew"}, "open %s 600", base)
		b.refused([]string{"no such group", "groupadd nosuch", "name one of yours"}, "open %s 660 nosuch", base)
	})
}

// TestReaderWithoutWriteRight: the group of a topic of mode 0640 subscribes, in a
// mapping that it can't make writable, and can't publish.
func TestReaderWithoutWriteRight(t *testing.T) {
	asUsers(t, func(t *testing.T) {
		base := ownedBy(t, baseFor(t), alice, alice)
		a, b := start(t, "alice", as(alice, ops)), start(t, "bob", as(bob, ops))
		a.does("open %s 660 %d", base, ops)
		a.does("publisher prices 640")
		b.does("open %s", base)
		b.does("subscribe prices")
		a.does("publish 17")
		if got := b.does("next"); got != "17" {
			t.Errorf("bob reads %q", got)
		}
		if got := b.does("mapping prices"); got != "r--s fixed" {
			t.Errorf("the reader's slots are mapped %s", got)
		}
		if got := a.does("mapping prices"); got != "rw-s may be written" {
			t.Errorf("the publisher's slots are mapped %s", got)
		}
		dat, err := datPath(base, "prices")
		if err != nil {
			t.Fatal(err)
		}
		b.refused([]string{dat, fmt.Sprintf("%d:%d 0640", alice, ops), "may not write", "chmod g+rw", fmt.Sprintf("uid %d", bob)}, "publisher prices")
		a.refused([]string{"already", "0640", "0600", "made anew"}, "publisher prices 600")
	})
}

// TestReaderWithoutReadRight: a topic of mode 0600 in a domain of the group.
func TestReaderWithoutReadRight(t *testing.T) {
	asUsers(t, func(t *testing.T) {
		base := ownedBy(t, baseFor(t), alice, alice)
		a, b := start(t, "alice", as(alice, ops)), start(t, "bob", as(bob, ops))
		a.does("open %s 660 %d", base, ops)
		a.does("publisher diary 600")
		a.does("publish secret")
		b.does("open %s", base)
		ctl := filepath.Join(base, "default", "topics", "diary.ctl")
		b.refused([]string{ctl, fmt.Sprintf("%d:%d 0600", alice, ops), fmt.Sprintf("uid %d", bob), "chmod g+"}, "subscribe diary")
		b.does("subscribe >") // a pattern goes on with what it may read
		if got := b.tell("next"); !strings.HasPrefix(got, "error: ") || !strings.Contains(got, ctl) {
			t.Errorf("a pattern says of the topic that it may not read: %s", got)
		}
		a.does("publisher open.to.all")
		a.does("publish news")
		if got := b.does("next"); got != "news" {
			t.Errorf("bob reads %q", got)
		}
	})
}

// TestRightsAskedForLater: a subscriber made the topic with the domain's rights; a
// publisher that asks for others gets them, as nobody has written it, and keeps the
// subscriber.
func TestRightsAskedForLater(t *testing.T) {
	asUsers(t, func(t *testing.T) {
		base := ownedBy(t, baseFor(t), alice, alice)
		a, b := start(t, "alice", as(alice, ops)), start(t, "bob", as(bob, ops))
		a.does("open %s 660 %d", base, ops)
		b.does("open %s", base)
		b.does("subscribe prices")
		a.does("publisher prices 640")
		a.does("publish first")
		if got := b.does("next"); got != "first" {
			t.Errorf("bob reads %q", got)
		}
		files := tree(t, filepath.Join(base, "default", "topics"))
		for name, got := range files {
			want := fmt.Sprintf("%d:%d 640", alice, ops)
			if strings.HasSuffix(name, ".ctl") {
				want = fmt.Sprintf("%d:%d 660", alice, ops)
			}
			if name != "." && got != want {
				t.Errorf("%s is %s, want %s", name, got, want)
			}
		}
	})
}

// TestRecoveryAcrossUsers kills a member of the group in its claim; another user
// takes it back. What is in a topic that he may not open he leaves, says so, and the
// index stays unusable until somebody comes who may.
func TestRecoveryAcrossUsers(t *testing.T) {
	asUsers(t, func(t *testing.T) {
		base := ownedBy(t, baseFor(t), alice, alice)
		a, b, c := start(t, "alice", as(alice, ops)), start(t, "bob", as(bob, ops)), start(t, "carol", as(carol, ops))
		a.does("open %s 660 %d", base, ops)
		b.does("open %s", base)
		c.does("open %s", base)
		a.does("subscribe orders")
		b.does("publisher orders")
		c.does("publisher orders")
		b.does("claim")
		c.does("publish behind")
		b.kill()
		if got := a.does("next"); got != "behind" {
			t.Errorf("alice reads %q", got)
		}
		if got := c.does("alive"); got != "0:alive 1:dead 2:alive" {
			t.Errorf("participants: %s", got)
		}
		if got := c.does("sweep"); got != "freed 1" {
			t.Errorf("carol: %s", got)
		}
		b = start(t, "bob", as(bob, ops))
		if got := b.does("open %s", base); got != "1" {
			t.Errorf("bob's index is %s", got)
		}
		b.does("publisher diary 600")
		keeper := start(t, "bob too", as(bob, ops))
		keeper.does("open %s", base)
		keeper.does("publisher diary")
		b.does("claim")
		b.kill()
		diary := filepath.Join(base, "default", "topics", "diary.ctl")
		c.refused([]string{"freed 0", "recover participant 1", "1 ring could not be opened", diary, "unusable until"}, "sweep")
		if got := c.does("alive"); got != "0:alive 1:dead 2:alive 3:alive" {
			t.Errorf("participants: %s", got)
		}
		if got := start(t, "carol too", as(carol, ops)).does("open %s", base); got != "4" {
			t.Errorf("the next one has index %s", got)
		}
		if got := keeper.does("sweep"); got != "freed 1" {
			t.Errorf("who has the rights: %s", got)
		}
	})
}

// TestRootLeavesNothingOfItsOwn: root in a user's domain does not shut him out.
func TestRootLeavesNothingOfItsOwn(t *testing.T) {
	asUsers(t, func(t *testing.T) {
		base := ownedBy(t, baseFor(t), alice, alice)
		a, r := start(t, "alice", as(alice)), start(t, "root", nil)
		a.does("open %s", base)
		r.does("open %s", base)
		r.does("subscribe orders")
		a.does("publisher orders")
		a.does("publish hello")
		if got := r.does("next"); got != "hello" {
			t.Errorf("root reads %q", got)
		}
		r.kill()
		if got := a.does("sweep"); got != "freed 1" {
			t.Errorf("alice: %s", got)
		}
	})
}

// TestRightsOfOneUser: a user who has no rights on his own files, as chmod makes him,
// is told so like a stranger.
func TestRightsOfOneUser(t *testing.T) {
	attr, uid := &syscall.SysProcAttr{}, os.Geteuid()
	if uid == 0 { // whom nothing stops
		attr, uid = as(alice), alice
	}
	base := ownedBy(t, baseFor(t), uid, -1)
	a := start(t, "owner", attr)
	a.does("open %s", base)
	a.does("publisher orders")
	a.does("publish kept")
	dat, err := datPath(base, "orders")
	if err != nil {
		t.Fatal(err)
	}
	ctl, dir := filepath.Join(base, "default", "topics", "orders.ctl"), filepath.Join(base, "default")
	for _, c := range []struct {
		path  string
		mode  fs.FileMode
		order string
		says  []string
	}{
		{dat, 0o400, "publisher orders", []string{dat, "0400", "may not write", "chmod"}},
		{dat, 0o400, "subscribe orders", nil},
		{dat, 0o200, "subscribe orders", []string{dat, "0200", "may not read", "chmod"}},
		{ctl, 0o400, "subscribe orders", []string{ctl, "0400", "may not write", "chmod"}},
		{filepath.Join(dir, "participants"), 0o400, "open " + base, []string{"participants", "0400", "may not write", "--shm-dir"}},
		{filepath.Join(dir, "node"), 0, "open " + base, []string{"node", "may not write", "chmod"}},
		{dir, 0o600, "open " + base, []string{dir, "0600", "may not search", "chmod"}},
		{filepath.Join(dir, "live"), 0o500, "open " + base, []string{"live", "may not write", "chmod"}},
		{filepath.Join(dir, "topics"), 0o500, "publisher fresh", []string{"topics", "may not write", "chmod"}},
	} {
		before, err := os.Lstat(c.path)
		if err != nil {
			t.Fatal(err)
		}
		b := start(t, "stranger", attr)
		if !strings.HasPrefix(c.order, "open") {
			b.does("open %s", base)
		}
		if err := os.Chmod(c.path, c.mode); err != nil {
			t.Fatal(err)
		}
		if c.says == nil {
			b.does("%s", c.order)
		} else {
			b.refused(append(c.says, fmt.Sprintf("uid %d", uid)), "%s", c.order)
		}
		b.kill()
		if err := os.Chmod(c.path, before.Mode()); err != nil {
			t.Fatal(err)
		}
	}
}
